"""A sandbox world of conversations at given instants, which may change while it is being asked. For tests only."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sandbox.accounts import SandboxAccount
from sandbox.conversations import Conversation
from sandbox.world import World

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Moment:
    """A conversation of one message; ids need not follow the instants."""

    id: str
    at: datetime

    @property
    def conversation(self) -> Conversation:
        return Conversation(
            id=self.id, started_at=self.at, ended_at=self.at, messages=2, user_messages=1, interactions=1, user=None
        )


class Moments(World):
    """``change`` is called with the number of the reading before each one and may give other moments."""

    def __init__(self, account: SandboxAccount) -> None:
        super().__init__(accounts=(account,), clock=lambda: NOON)
        self.moments: Sequence[Moment] = ()
        self.change: Callable[[int], Sequence[Moment]] | None = None
        self.readings = 0

    def between(self, name: str, start: datetime, end: datetime) -> Iterator[Conversation]:
        self.readings += 1
        if self.change:
            self.moments = self.change(self.readings)
        found = [moment for moment in self.moments if start <= moment.at < end]
        return iter([moment.conversation for moment in sorted(found, key=lambda moment: (moment.at, moment.id))])


def moments(day: date, *microseconds: int) -> list[Moment]:
    """Conversations so many microseconds after the day began in UTC, with ids that run against time."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    ordered = sorted(microseconds, reverse=True)
    return [Moment(f"c{number:05d}", start + timedelta(microseconds=at)) for number, at in enumerate(ordered)]
