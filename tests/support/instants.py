"""A sandbox world with conversations at given instants, which may change between two requests. For tests only."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sandbox.account import SandboxAccount
from sandbox.conversations import Conversation
from sandbox.world import World

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class TimedConversation:
    """A conversation of one user message. The order of ids may differ from the order of instants."""

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
    """A world that calls ``before_read`` with the number of the coming read; it may return other conversations."""

    def __init__(self, account: SandboxAccount) -> None:
        super().__init__(accounts=(account,), clock=lambda: NOON)
        self.timed_conversations: Sequence[TimedConversation] = ()
        self.before_read: Callable[[int], Sequence[TimedConversation]] | None = None
        self.read_count = 0

    def conversations_between(self, name: str, start: datetime, end: datetime) -> Iterator[Conversation]:
        self.read_count += 1
        if self.before_read:
            self.timed_conversations = self.before_read(self.read_count)
        inside = [timed for timed in self.timed_conversations if start <= timed.started_at < end]
        inside.sort(key=lambda timed: (timed.started_at, timed.id))
        return iter([timed.conversation for timed in inside])


def build_conversations(day: date, *microseconds: int) -> list[TimedConversation]:
    """Build conversations at these microseconds after the start of the UTC day, with ids in the opposite order."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    ordered = sorted(microseconds, reverse=True)
    return [
        TimedConversation(f"c{number:05d}", start + timedelta(microseconds=at)) for number, at in enumerate(ordered)
    ]
