"""A sandbox world of conversations at given instants, which may change while it is being asked. For tests only."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sandbox.accounts import SandboxAccount
from sandbox.conversations import Conversation
from sandbox.world import World

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class TimedConversation:
    """A conversation of one message; ids need not follow the instants."""

    id: str
    started_at: datetime

    @property
    def conversation(self) -> Conversation:
        return Conversation(
            id=self.id,
            started_at=self.started_at,
            ended_at=self.started_at,
            messages=2,
            user_messages=1,
            interactions=1,
            user=None,
        )


class ChangingWorld(World):
    """``change`` is called with the number of the reading before each one and may give other moments."""

    def __init__(self, account: SandboxAccount) -> None:
        super().__init__(accounts=(account,), clock=lambda: NOON)
        self.timed_conversations: Sequence[TimedConversation] = ()
        self.before_read: Callable[[int], Sequence[TimedConversation]] | None = None
        self.read_count = 0

    def conversations_between(self, name: str, start: datetime, end: datetime) -> Iterator[Conversation]:
        self.read_count += 1
        if self.before_read:
            self.timed_conversations = self.before_read(self.read_count)
        found = [moment for moment in self.timed_conversations if start <= moment.started_at < end]
        return iter(
            [moment.conversation for moment in sorted(found, key=lambda moment: (moment.started_at, moment.id))]
        )


def build_conversations(day: date, *microseconds: int) -> list[TimedConversation]:
    """Conversations so many microseconds after the day began in UTC, with ids that run against time."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    ordered = sorted(microseconds, reverse=True)
    return [
        TimedConversation(f"c{number:05d}", start + timedelta(microseconds=at)) for number, at in enumerate(ordered)
    ]
