"""The world: every account's conversations, made on demand, restated on request, hidden while they lie ahead.

No HTTP and no provider's words. The endpoints and the truth both look at the world and at nothing else.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from threading import RLock

from sandbox.accounts import DEMO_ACCOUNTS, SandboxAccount
from sandbox.conversations import Conversation, generate_conversations, seeded_random

RESTATEMENTS = ("late", "smaller", "empty")
KEPT_CONVERSATIONS = 500_000


def utc_now() -> datetime:
    """The real clock."""
    return datetime.now(UTC)


class World:
    """All conversations of all accounts.

    Args:
        seed: another seed is another world.
        accounts: who lives in it; names are unique.
        clock: what the present is; a conversation that has not started yet is not there.
    """

    def __init__(
        self,
        seed: int = 7,
        accounts: Sequence[SandboxAccount] = DEMO_ACCOUNTS,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self.seed = seed
        self.clock = clock
        self.accounts = {account.name: account for account in accounts}
        if len(self.accounts) != len(accounts):
            raise ValueError("two sandbox accounts have the same name")
        self._lock = RLock()
        self._kept = 0
        self._days: OrderedDict[tuple[str, date], list[Conversation]] = OrderedDict()
        self._restated: defaultdict[tuple[str, date], list[str]] = defaultdict(list)
        self._teams: dict[tuple[str, date], list[Conversation]] = {}

    def conversations_on(self, name: str, day: date) -> list[Conversation]:
        """The conversations that started on a local day of the account, oldest first."""
        now = self.clock()
        items = self._made(name, day)
        return items if not items or items[-1].started_at <= now else [i for i in items if i.started_at <= now]

    def conversations_between(self, name: str, start: datetime, end: datetime) -> Iterator[Conversation]:
        """The conversations with start <= started_at < end, whatever local days that touches, oldest first."""
        zone = self.accounts[name].zone
        day, last = start.astimezone(zone).date(), end.astimezone(zone).date()
        now = self.clock().astimezone(zone).date()
        day = max(day, self.accounts[name].start_date)
        last = min(last, now)
        while day <= last:
            for item in self.conversations_on(name, day):
                if start <= item.started_at < end:
                    yield item
            day += timedelta(days=1)

    def team_conversations(self, team_id: str, start: datetime, end: datetime) -> Iterator[Conversation]:
        """What all bots of a Chatlayer team did, DRAFT and LIVE, of our accounts and of one bot nobody has."""
        for account in self.accounts.values():
            if account.ids.get("team_id") == team_id:
                yield from self.conversations_between(account.name, start, end)
        day = start.astimezone(UTC).date()
        while day <= min(end, self.clock()).astimezone(UTC).date():
            for item in self._strangers(team_id, day):
                if start <= item.started_at < end and item.started_at <= self.clock():
                    yield item
            day += timedelta(days=1)

    def find_conversation(self, name: str, conversation_id: str) -> Conversation | None:
        """The conversation with this id, whose first part names its account and local day."""
        stamp = conversation_id.removeprefix(f"{name}-")[:6]
        try:
            day = datetime.strptime(stamp, "%y%m%d").replace(tzinfo=UTC).date()
        except ValueError:
            return None
        return next((item for item in self.conversations_on(name, day) if item.id == conversation_id), None)

    def restate(self, account_name: str, day: date, how: str) -> None:
        """Change a day after the fact.

        `late`: more conversations appear and an old one grows; `smaller`: about half of them vanish; `empty`: all.
        """
        if how not in RESTATEMENTS:
            raise ValueError(f"cannot restate {how!r}: there are {RESTATEMENTS}")
        with self._lock:
            self._made(account_name, day)
            self._restated[account_name, day].append(how)
            self._kept -= len(self._days.pop((account_name, day), ()))

    def conversations_by_day(self, name: str, days: Iterable[date]) -> Iterator[tuple[date, list[Conversation]]]:
        """Each day with its conversations."""
        for day in days:
            yield day, self.conversations_on(name, day)

    def _made(self, name: str, day: date) -> list[Conversation]:
        key = (name, day)
        with self._lock:
            if key in self._days:
                self._days.move_to_end(key)
                return self._days[key]
            account = self.accounts[name]
            items = generate_conversations(account, day, self.seed)
            for number, how in enumerate(self._restated.get(key, ()), 1):
                items = self._changed(account, day, items, how, number)
            self._days[key] = items
            self._kept += len(items)
            while self._kept > KEPT_CONVERSATIONS and len(self._days) > 1:
                _, oldest = self._days.popitem(last=False)
                self._kept -= len(oldest)
            return items

    def _changed(
        self, account: SandboxAccount, day: date, items: list[Conversation], how: str, number: int
    ) -> list[Conversation]:
        if how == "empty":
            return []
        if how == "smaller":
            rng = seeded_random(self.seed, account.name, day, how, number)
            return [item for item in items[:-1] if rng.random() < 0.5]
        grown = (
            [replace(items[0], messages=items[0].messages + 3, user_messages=items[0].user_messages + 2)]
            if items
            else []
        )
        late = generate_conversations(
            account, day, self.seed, salt=f"late{number}", count=max(3, account.daily_conversations // 5)
        )
        return sorted([*grown, *items[1:], *late], key=lambda item: (item.started_at, item.id))

    def _strangers(self, team_id: str, day: date) -> list[Conversation]:
        key = (team_id, day)
        if key not in self._teams:
            ghost = SandboxAccount(
                f"ghost-{team_id}", "chatlayer", "UTC", {"bot_id": f"ghost-bot-{team_id}"}, daily_conversations=12
            )
            self._teams[key] = generate_conversations(ghost, day, self.seed)
        return self._teams[key]
