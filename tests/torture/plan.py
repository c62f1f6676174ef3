"""What one torture does, drawn from its seed: the accounts and the steps. Nothing is run here.

Equal seeds give equal plans. The moment at which a kill meets the program depends on the machine.
"""

import random
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from extractors.registry import PROVIDERS
from sandbox.account import SandboxAccount
from sandbox.recorder import Fault
from sandbox.world import RESTATEMENTS
from tests.support.day_range import DayRange
from tests.support.installation import days_from

DAYS = days_from(date(2025, 1, 22), 16)  # the end of one month and the beginning of the next
ZONES = ("Europe/Berlin", "America/New_York", "UTC", "Pacific/Auckland")
LONGEST_KILL_SECONDS = 0.6
"""A command of a torture takes 0.1 to 1 s, so most kills meet it at work."""

KILLS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM)
HTML = "<html><body>Bad gateway</body></html>"


@dataclass(frozen=True)
class Kill:
    """A signal, some seconds after a command has begun."""

    number: signal.Signals
    after_seconds: float


@dataclass(frozen=True)
class Command:
    """A command of the program, the faults that it meets, and the signal that ends it, if any."""

    arguments: tuple[str, ...]
    days: tuple[date, ...] = ()
    faults: tuple[Fault, ...] = ()
    kill: Kill | None = None

    def __str__(self) -> str:
        faults = "".join(f", {_describe_fault(fault)}" for fault in self.faults)
        kill = f", {self.kill.number.name} after {self.kill.after_seconds:.2f} s" if self.kill else ""
        return f"{' '.join(self.arguments)}{faults}{kill}"


@dataclass(frozen=True)
class Restatement:
    """A local day of an account that the provider changes afterwards."""

    account: str
    day: date
    how: str

    def __str__(self) -> str:
        return f"{self.account} restates {self.day}: {self.how}"


@dataclass(frozen=True)
class Pause:
    """Time that passes, in hours."""

    hours: float

    def __str__(self) -> str:
        return f"{self.hours:.0f} h later"


Step = Command | Restatement | Pause


@dataclass(frozen=True)
class Plan:
    """The accounts, the instant (UTC) at which the torture begins, and its steps."""

    accounts: tuple[SandboxAccount, ...]
    begins_at: datetime
    steps: tuple[Step, ...]


def draw_plan(seed: int) -> Plan:
    """Return the plan of a seed."""
    draw = random.Random(seed)
    providers = draw.sample(sorted(PROVIDERS), draw.choice((1, 2, 2, 3)))
    accounts = tuple(
        SandboxAccount(
            f"{provider}-{number}",
            provider,
            draw.choice(ZONES),
            start_date=DAYS[0],
            daily_conversations=draw.choice((2, 6)),
        )
        for number, provider in enumerate(providers)
    )
    begins_at = datetime.combine(DAYS[-1], time(), UTC) + timedelta(hours=draw.randrange(36, 24 * 9))
    makers: Sequence[Callable[[random.Random, Plan], Step]] = (
        *[_draw_load] * 7,
        *[_draw_restatement] * 3,
        *[_draw_pause] * 2,
        _draw_replay,
        _draw_maintenance,
    )
    plan = Plan(accounts, begins_at, ())
    steps = [_draw_load(draw, plan), *(draw.choice(makers)(draw, plan) for _ in range(draw.randint(5, 10)))]
    return replace(plan, steps=tuple(steps))


def _draw_load(draw: random.Random, plan: Plan) -> Command:
    faults = tuple(_draw_fault(draw, plan) for _ in range(draw.choice((0, 1, 1, 2, 3))))
    if draw.random() < 0.3:
        return Command(("load",), (), faults, _draw_kill(draw))
    first = draw.randrange(len(DAYS))
    last = draw.randrange(first, len(DAYS))
    more = ("--refetch",) if draw.random() < 0.3 else ()
    if draw.random() < 0.2:
        more += ("--account", draw.choice(plan.accounts).name)
    return Command(
        ("backfill", *_range_options(DayRange(DAYS[first], DAYS[last])), *more),
        tuple(DAYS[first : last + 1]),
        faults,
        _draw_kill(draw),
    )


def _draw_replay(draw: random.Random, _plan: Plan) -> Command:
    return Command(("replay",), kill=_draw_kill(draw))


def _draw_maintenance(draw: random.Random, _plan: Plan) -> Command:
    return Command(("maintain",), kill=_draw_kill(draw))


def _draw_restatement(draw: random.Random, plan: Plan) -> Restatement:
    return Restatement(draw.choice(plan.accounts).name, draw.choice(DAYS), draw.choice(RESTATEMENTS))


def _draw_pause(draw: random.Random, _plan: Plan) -> Pause:
    return Pause(draw.choice((1, 5, 24, 24 * 8)))


def _draw_kill(draw: random.Random) -> Kill | None:
    if draw.random() < 0.55:
        return None
    return Kill(draw.choice(KILLS), draw.uniform(0.02, LONGEST_KILL_SECONDS))


def _draw_fault(draw: random.Random, plan: Plan) -> Fault:
    """Draw a fault of a provider: a few requests in a row after some others, or a share of all of them."""
    provider = draw.choice(plan.accounts).provider
    if provider == "chatcaptain" and draw.random() < 0.5:
        provider = "download"
    when: dict[str, Any] = {"times": draw.choice((1, 1, 2, 5, 20)), "skip": draw.choice((0, 0, 1, 3, 8))}
    if draw.random() < 0.4:
        when = {"times": 10**6, "probability": draw.choice((0.05, 0.2, 0.5))}
    answers = [answer for answer in ANSWERS if answer.get("body", "-") not in SOUND_ANSWERS.get(provider, ())]
    return Fault(provider=provider, **when, **draw.choice(answers))


ANSWERS: tuple[dict[str, Any], ...] = (
    {"kind": "reset"},
    {"kind": "after"},
    {"kind": "cut", "status": 200, "body": '{"items": [{"conversations": 1'},
    {"status": 500},
    {"status": 502, "body": HTML},
    {"status": 503, "headers": {"Retry-After": "3"}},
    {"status": 408},
    {"status": 429},
    {"status": 429, "headers": {"Retry-After": "30"}},
    {"status": 429, "headers": {"Retry-After": "86400"}},
    {"status": 401, "body": '{"title": "Unauthorized"}'},
    {"status": 404, "body": '{"error": "not found"}'},
    {"status": 204},
    {"status": 200, "body": ""},
    {"status": 200, "body": "{}"},
    {"status": 200, "body": "[]"},
    {"status": 200, "body": "null"},
    {"status": 200, "body": HTML},
    {"status": 200, "body": '{"error": "temporarily unavailable"}'},
)
"""The answers of a faulty provider."""

SOUND_ANSWERS = {"chatlayer": ("{}",)}
"""The bodies of these that a sound provider may send: Chatlayer leaves out what is zero or empty."""


def _describe_fault(fault: Fault) -> str:
    text = f"{fault.kind} {fault.status} {fault.body[:12]!r}" if fault.kind == "answer" else fault.kind
    often = f"{fault.probability:.0%}" if fault.probability < 1 else f"{fault.times} after {fault.skip}"
    return f"{fault.provider}: {text} ({often})"


def _range_options(days: DayRange) -> tuple[str, ...]:
    return ("--from", str(days.first), "--to", str(days.last))


FINAL_PAUSE = timedelta(days=40)
"""After it, every day of every account is over and settled when it is fetched."""
