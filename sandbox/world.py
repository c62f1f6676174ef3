"""The world: the conversations of all accounts, generated on demand, restated on request, hidden while in the future.

No HTTP and no vendor's own rules. The endpoints and the truth both read the world and nothing else.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from threading import RLock

from sandbox.account import SandboxAccount
from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.conversations import Conversation, generate_conversations, make_seeded_random

RESTATEMENTS = ("late", "smaller", "empty")
CACHED_CONVERSATIONS = 500_000


def utc_now() -> datetime:
    """Return the current instant in UTC."""
    return datetime.now(UTC)


class World:
    """All conversations of all accounts. Raises ValueError for two accounts of one name.

    Args:
        seed: another seed gives other conversations.
        accounts: the accounts, with unique names.
        clock: returns the current instant in UTC. Conversations that start later are hidden.

    Example:
        >>> from datetime import date
        >>> world = World(seed=7)
        >>> first = world.conversations_on("acme-support", date(2025, 3, 4))[0]
        >>> first.started_at.isoformat()  # midnight in Berlin
        '2025-03-03T23:00:00+00:00'
    """

    def __init__(
        self,
        seed: int = 7,
        accounts: Sequence[SandboxAccount] = SAMPLE_ACCOUNTS,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.seed = seed
        self.clock = clock
        self.accounts = {account.name: account for account in accounts}
        if len(self.accounts) != len(accounts):
            raise ValueError("two sandbox accounts have the same name")
        self._lock = RLock()
        self._cached_conversations = 0
        self._days: OrderedDict[tuple[str, date], list[Conversation]] = OrderedDict()
        self._restatements: defaultdict[tuple[str, date], list[str]] = defaultdict(list)

    def conversations_on(self, name: str, day: date) -> list[Conversation]:
        """Return the conversations that started on a local day of the account, oldest first."""
        now = self.clock()
        items = self._restated_day(name, day)
        if not items or items[-1].started_at <= now:
            return items
        return [item for item in items if item.started_at <= now]

    def conversations_between(self, name: str, start: datetime, end: datetime) -> Iterator[Conversation]:
        """Yield the conversations with start <= started_at < end, oldest first. Both instants may be of any zone."""
        zone = self.accounts[name].zone
        day = max(start.astimezone(zone).date(), self.accounts[name].start_date)
        last = min(end, self.clock()).astimezone(zone).date()
        while day <= last:
            for item in self.conversations_on(name, day):
                if start <= item.started_at < end:
                    yield item
            day += timedelta(days=1)

    def find_conversation(self, name: str, conversation_id: str) -> Conversation | None:
        """Return the account's conversation with this id, or None. The id begins with the account and the local day."""
        stamp = conversation_id.removeprefix(f"{name}-")[:6]
        try:
            day = datetime.strptime(stamp, "%y%m%d").replace(tzinfo=UTC).date()
        except ValueError:
            return None
        return next((item for item in self.conversations_on(name, day) if item.id == conversation_id), None)

    def restate(self, account_name: str, day: date, how: str) -> None:
        """Change a local day of an account afterwards.

        `late`: conversations appear and the first one grows. `smaller`: about half of them vanish. `empty`: all vanish.
        Raises ValueError for another word, and KeyError for an unknown account.
        """
        if how not in RESTATEMENTS:
            raise ValueError(f"restatement {how!r} is none of {RESTATEMENTS}")
        key = (self.accounts[account_name].name, day)
        with self._lock:
            self._restatements[key].append(how)
            self._cached_conversations -= len(self._days.pop(key, ()))

    def conversations_by_day(self, name: str, days: Iterable[date]) -> Iterator[tuple[date, list[Conversation]]]:
        """Yield each local day with its conversations, oldest first."""
        for day in days:
            yield day, self.conversations_on(name, day)

    def _restated_day(self, name: str, day: date) -> list[Conversation]:
        """Return all conversations of a local day, future ones too, after its restatements; from the cache if there."""
        key = (name, day)
        with self._lock:
            if key in self._days:
                self._days.move_to_end(key)
                return self._days[key]
            account = self.accounts[name]
            items = generate_conversations(account, day, self.seed)
            for number, how in enumerate(self._restatements.get(key, ()), 1):
                items = self._apply_restatement(account, day, items, how, number)
            self._days[key] = items
            self._cached_conversations += len(items)
            while self._cached_conversations > CACHED_CONVERSATIONS and len(self._days) > 1:
                _, oldest = self._days.popitem(last=False)
                self._cached_conversations -= len(oldest)
            return items

    def _apply_restatement(
        self, account: SandboxAccount, day: date, items: list[Conversation], how: str, number: int
    ) -> list[Conversation]:
        if how == "empty":
            return []
        if how == "smaller":
            rng = make_seeded_random(self.seed, account.name, day, how, number)
            return [item for item in items[:-1] if rng.random() < 0.5]
        grown = [replace(item, messages=item.messages + 3, user_messages=item.user_messages + 2) for item in items[:1]]
        late = generate_conversations(
            account, day, self.seed, salt=f"late{number}", count=max(3, account.daily_conversations // 5)
        )
        return sorted([*grown, *items[1:], *late], key=lambda item: (item.started_at, item.id))
