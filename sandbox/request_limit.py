"""A documented limit of requests as the simulator counts it: in every period, whoever sends them.

Knows no provider and no clock of its own.
"""

from collections import deque


class RequestLimit:
    """`requests` in any `period_seconds`. Refused requests count too.

    `most_in_a_period` is the largest number of requests that came within one period.
    """

    def __init__(self, requests: int, period_seconds: float) -> None:
        self.requests = requests
        self.period_seconds = period_seconds
        self.most_in_a_period = 0
        self._arrivals: deque[float] = deque()

    def admit(self, now_seconds: float) -> float | None:
        """Count a request. Return None when it is within the limit, else the seconds until the next one is."""
        while self._arrivals and self._arrivals[0] <= now_seconds - self.period_seconds:
            self._arrivals.popleft()
        self._arrivals.append(now_seconds)
        self.most_in_a_period = max(self.most_in_a_period, len(self._arrivals))
        if len(self._arrivals) <= self.requests:
            return None
        return self._arrivals[-self.requests] + self.period_seconds - now_seconds
