"""The dates of the demo's events, counted from its first day. Every event lies in the first sixty days."""

from dataclasses import dataclass
from datetime import date, timedelta

DEMO_DAYS = 60
MONDAY, TUESDAY = 0, 1


@dataclass(frozen=True)
class DemoCalendar:
    """The events of a demo that begins on `first_day`.

    Example:
        >>> from datetime import date
        >>> DemoCalendar(date(2025, 3, 1)).campaign.isoformat()
        '2025-04-07'
    """

    first_day: date

    @property
    def rollout(self) -> date:
        """The Monday on which a new telephone bot takes its first call."""
        return self._next_weekday(18, MONDAY)

    @property
    def release(self) -> date:
        """The Tuesday on which a better version of a bot is released."""
        return self._next_weekday(26, TUESDAY)

    @property
    def campaign(self) -> date:
        """The Monday on which a shop's campaign of a week begins."""
        return self._next_weekday(34, MONDAY)

    @property
    def outage(self) -> date:
        """The Tuesday on which a bot is down for most of the day."""
        return self._next_weekday(43, TUESDAY)

    @property
    def restated_week(self) -> tuple[date, ...]:
        """The seven days, from a Monday, whose numbers a provider reports too small at first."""
        monday = self._next_weekday(43, MONDAY)
        return tuple(monday + timedelta(days=number) for number in range(7))

    def _next_weekday(self, after_days: int, weekday: int) -> date:
        day = self.first_day + timedelta(days=after_days)
        return day + timedelta(days=(weekday - day.weekday()) % 7)
