"""Draws changes by number and seed, applies them, and judges their outcomes."""

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random

from extractors.errors import ChatmartError
from tests.fuzz.answers import Exchange
from tests.fuzz.body_mutations import BODY_MUTATIONS
from tests.fuzz.changes import Change
from tests.fuzz.csv_mutations import CSV_MUTATIONS, CsvAnswer
from tests.fuzz.judge import Outcome, Snapshot, compare, find_fault_of_refusal
from tests.fuzz.places import JsonAnswer
from tests.fuzz.subjects import Fetch, Subject, SubjectPlan, open_subject
from tests.fuzz.swap_mutations import SWAP_MUTATIONS
from tests.fuzz.value_mutations import VALUE_MUTATIONS

JSON_MUTATIONS = (*VALUE_MUTATIONS, *BODY_MUTATIONS, *SWAP_MUTATIONS)
_TRIES = 60


@dataclass(frozen=True)
class Verdict:
    """The result of one change. ``fault`` is None when the outcome is right."""

    provider: str
    subject: str
    number: int
    stream: str
    mutation: str
    note: str
    outcome_kind: str
    outcome: str
    fault: str | None

    @property
    def result(self) -> str:
        return "WRONG" if self.fault else self.outcome_kind


@dataclass(frozen=True)
class Draw:
    fetch: Fetch
    exchange: Exchange
    mutation: str
    change: Change
    is_superseded: bool = False


def draw_change(subject: Subject, seed: int, number: int) -> Draw:
    """Return the change with this number: an answer of a stream, a mutation that it has a place for."""
    rng = Random(f"{seed} {subject.plan.name} {number}")
    streams = sorted(
        {
            fetch.stream
            for fetch in subject.fetches
            if not subject.plan.only_streams or fetch.stream in subject.plan.only_streams
        }
    )
    for _ in range(_TRIES):
        stream = rng.choice(streams)
        fetch = rng.choice([fetch for fetch in subject.fetches if fetch.stream == stream])
        if not fetch.exchanges:
            continue
        is_export = stream == "export"
        exchange = fetch.exchanges[-1] if is_export else rng.choice(fetch.exchanges)
        if is_export:
            csv_mutation = rng.choice(CSV_MUTATIONS)
            is_superseded = False
            name, change = csv_mutation.__name__, csv_mutation(CsvAnswer(subject, fetch, exchange), rng)
        elif exchange.answer.status != 200:
            continue
        else:
            mutation = rng.choice(JSON_MUTATIONS)
            answer = JsonAnswer(subject, fetch, exchange)
            name, change, is_superseded = mutation.__name__, mutation(answer, rng), answer.is_superseded
        if change is not None:
            return Draw(fetch, exchange, name, change, is_superseded)
    raise AssertionError(f"{subject.plan.name}: no mutation has a place in its answers")


def judge_change(subject: Subject, baseline: Snapshot, draw: Draw, number: int) -> Verdict:
    """Apply a change, and return whether the outcome is right."""
    replacement = draw.change.apply_to(draw.exchange.answer)
    after: Snapshot | None = None
    try:
        after = Snapshot.of(subject.transform_with(draw.fetch, {draw.exchange.key: replacement}))
        outcome = compare(baseline, after)
    except Exception as error:
        outcome = Outcome(error)
    fault = find_fault_of_refusal(outcome.error, subject.account.name) if outcome.error else None
    if not (draw.is_superseded and outcome.is_equal):
        fault = fault or draw.change.effect.check(outcome, (baseline, after))
    return Verdict(
        subject.plan.provider,
        subject.plan.name,
        number,
        draw.fetch.stream,
        draw.mutation,
        draw.change.note,
        _kind_of(outcome),
        outcome.describe(),
        fault,
    )


def _kind_of(outcome: Outcome) -> str:
    if outcome.error is not None:
        return "refused" if isinstance(outcome.error, ChatmartError) else "crashed"
    if outcome.new_unexplained:
        return "unexplained"
    if outcome.changes:
        return "as told"
    return "drift" if outcome.new_drift else "equal"


def run_changes(plan: SubjectPlan, seed: int, numbers: Iterable[int]) -> list[Verdict]:
    """Open a subject, and return the verdicts on the changes with these numbers."""
    with open_subject(plan) as subject:
        baseline = Snapshot.of(subject.baseline)
        return [judge_change(subject, baseline, draw_change(subject, seed, number), number) for number in numbers]
