"""Draws changes by number and seed, applies them, and judges their outcomes."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from random import Random

from extractors.errors import ChatmartError
from tests.fuzz.answers import Exchange, may_change
from tests.fuzz.cell_mutations import CELL_MUTATIONS
from tests.fuzz.changes import AnswerChange
from tests.fuzz.csv_answer import CsvAnswer
from tests.fuzz.file_mutations import FILE_MUTATIONS
from tests.fuzz.judge import FuzzOutcome, Snapshot, compare, find_fault_of_refusal
from tests.fuzz.name_mutations import NAME_MUTATIONS
from tests.fuzz.number_mutations import NUMBER_MUTATIONS
from tests.fuzz.paging_mutations import JOB_MUTATIONS, PAGING_MUTATIONS
from tests.fuzz.part_mutations import PART_MUTATIONS
from tests.fuzz.places import JsonAnswer
from tests.fuzz.sockets import WAYS, run_answer_server
from tests.fuzz.subjects import Fetch, Subject, SubjectPlan, open_subject
from tests.fuzz.swap_mutations import SWAP_MUTATIONS
from tests.fuzz.time_mutations import TIME_MUTATIONS
from tests.fuzz.whole_mutations import WHOLE_MUTATIONS

JSON_MUTATIONS = (
    *NUMBER_MUTATIONS,
    *NAME_MUTATIONS,
    *TIME_MUTATIONS,
    *PART_MUTATIONS,
    *WHOLE_MUTATIONS,
    *SWAP_MUTATIONS,
    *PAGING_MUTATIONS,
)
CSV_MUTATIONS = (*FILE_MUTATIONS, *CELL_MUTATIONS)
_TRIES = 60
_SHARE_OF_FILES = 0.9  # of the changes of exports; the others change the answers about their job


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
    change: AnswerChange
    is_superseded: bool = False


def draw_change(subject: Subject, seed: int, number: int, mutation: str = "") -> Draw:
    """Return the change with this number: an answer of a stream, and a mutation that it has a place for.

    ``mutation`` is the name of the only one that is drawn.
    """
    rng = Random(f"{seed} {subject.plan.name} {number}")
    streams = subject.changed_streams
    for _ in range(_TRIES):
        stream = rng.choice(streams)
        fetch = rng.choice([fetch for fetch in subject.fetches if fetch.stream == stream])
        exchanges = [exchange for exchange in fetch.exchanges if exchange.answer.status < 300]
        draw = _draw_from(subject, fetch, rng.choice(exchanges), rng, mutation) if exchanges else None
        if draw is not None:
            return draw
    raise LookupError(f"{subject.plan.name}: no mutation {mutation} has a place in its answers")


def _draw_from(subject: Subject, fetch: Fetch, exchange: Exchange, rng: Random, name: str) -> Draw | None:
    is_export = fetch.stream == "export"
    if is_export and rng.random() < _SHARE_OF_FILES:
        file = fetch.exchanges[-1]
        csv_mutation = rng.choice([item for item in CSV_MUTATIONS if name in ("", item.__name__)] or CSV_MUTATIONS)
        change = csv_mutation(CsvAnswer(subject, fetch, file), rng)
        return Draw(fetch, file, csv_mutation.__name__, change) if change else None
    if is_export and exchange is fetch.exchanges[-1]:
        return None
    mutations = JOB_MUTATIONS if is_export else JSON_MUTATIONS
    mutation = rng.choice([item for item in mutations if name in ("", item.__name__)] or mutations)
    answer = JsonAnswer(subject, fetch, exchange)
    change = mutation(answer, rng)
    return Draw(fetch, exchange, mutation.__name__, change, answer.is_superseded) if change else None


def judge_change(subject: Subject, baseline: Snapshot, draw: Draw, number: int) -> Verdict:
    """Apply a change, and return whether the outcome is right."""
    replacement = draw.change.apply_to(draw.exchange.answer)
    turn = draw.exchange.turn if may_change(draw.exchange.key) else None
    after: Snapshot | None = None
    try:
        after = Snapshot.of(subject.transform_with(draw.fetch, {(draw.exchange.key, turn): replacement}))
        outcome = compare(baseline, after)
    except Exception as error:  # noqa: BLE001 - what the program raises is the outcome
        outcome = FuzzOutcome(error)
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


def _kind_of(outcome: FuzzOutcome) -> str:
    if outcome.error is not None:
        return "refused" if isinstance(outcome.error, ChatmartError) else "crashed"
    if outcome.new_unexplained:
        return "unexplained"
    if outcome.changes:
        is_only_missing = all(change.after is None for change in outcome.changes)
        return "NULL" if is_only_missing else "as told"
    return "drift" if outcome.new_drift else "equal"


def run_changes(plan: SubjectPlan, seed: int, numbers: Iterable[int], mutation: str = "") -> list[Verdict]:
    """Open a subject, and return the verdicts on the changes with these numbers."""
    with open_subject(plan) as subject:
        baseline = Snapshot.of(subject.baseline)
        draws = ((number, draw_change(subject, seed, number, mutation)) for number in numbers)
        return [judge_change(subject, baseline, draw, number) for number, draw in draws]


def run_over_sockets(plan: SubjectPlan, seed: int, numbers: Iterable[int], mutation: str = "") -> list[Verdict]:
    """Run changes whose answers travel over real connections, in one of four ways each."""
    verdicts = []
    with open_subject(plan) as subject, run_answer_server() as server:
        baseline = Snapshot.of(subject.baseline)
        subject.answers.send_changed = server.send
        for number in numbers:
            draw = draw_change(subject, seed, number, mutation)
            ways = [way for way in WAYS if way != "until the end" or not _needs_length(draw)]
            server.way = ways[number % len(ways)]
            verdict = judge_change(subject, baseline, draw, number)
            verdicts.append(replace(verdict, note=f"{verdict.note} ({server.way})"))
    return verdicts


def _needs_length(draw: Draw) -> bool:
    """Return whether only a length shows that the answer is cut: a file may end behind any of its lines."""
    return draw.fetch.stream == "export" and draw.change.announced_length is not None
