"""The time limits and attempts of requests, and how they name their sender. Nothing is sent here."""

from dataclasses import dataclass

USER_AGENT = "chatmart/0.1 (scheduled analytics export; httpx)"


@dataclass(frozen=True)
class HttpSettings:
    """Time limits in seconds, attempts and back-off of all requests of a run.

    ``total_timeout_seconds`` is the deadline of one request with all its tries (``time_limits.Deadline``). A body of
    which fewer than ``least_bytes`` come in ``steady_seconds`` counts as cut off.
    """

    connect_timeout_seconds: float = 10
    read_timeout_seconds: float = 60
    total_timeout_seconds: float = 300
    steady_seconds: float = 60
    least_bytes: int = 1024
    max_attempts: int = 6
    backoff_seconds: float = 0.5
    backoff_cap_seconds: float = 20
    breaker_threshold: int = 3  # requests of one account given up in a row before the account is stopped


DEFAULT_HTTP_SETTINGS = HttpSettings()
