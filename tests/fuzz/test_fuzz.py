"""The short part of the fuzz, and planted faults that it must find. The whole of it is ``make fuzz``."""

import json
import logging
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from extractors import json_body
from extractors.errors import ErrorLocation, ShapeError
from tests.fuzz.judge import find_fault_of_refusal
from tests.fuzz.run import Verdict, run_changes, run_over_sockets
from tests.fuzz.sockets import WAYS
from tests.fuzz.subjects import PLANS, SubjectPlan
from transforms.drift import Drift
from transforms.reading import Node

SEED = 12
SHORT, LONG, OVER_SOCKETS = range(7), range(7, 110), range(300, 317)
SHARE_OF_EXPORTS = 3  # an export takes several times as long as another answer
BY_NAME = {plan.name: plan for plan in PLANS}


@pytest.fixture(autouse=True)
def quiet_log() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def limit_exports(plan: SubjectPlan, numbers: range) -> range:
    return numbers[:: SHARE_OF_EXPORTS if "export" in plan.settings.get("streams", ()) else 1]


def find_faults(
    plan: SubjectPlan, numbers: range, mutation: str = "", run: Callable[..., list[Verdict]] = run_changes
) -> list[str]:
    verdicts = run(plan, SEED, numbers, mutation)
    assert len(verdicts) == len(numbers)
    return [f"{item.number} {item.stream} {item.mutation} {item.note}: {item.fault}" for item in verdicts if item.fault]


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_no_changed_answer_is_loaded_wrong(plan: SubjectPlan) -> None:
    assert find_faults(plan, limit_exports(plan, SHORT)) == []


@pytest.mark.long
@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_no_changed_answer_of_many_is_loaded_wrong(plan: SubjectPlan) -> None:
    assert find_faults(plan, limit_exports(plan, LONG)) == []


@pytest.mark.long
@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_no_changed_answer_over_a_real_connection_is_loaded_wrong(plan: SubjectPlan) -> None:
    assert find_faults(plan, limit_exports(plan, OVER_SOCKETS), run=run_over_sockets) == []


@pytest.mark.parametrize("mutation", ["cut_in_transport", "reorder_keys"])
def test_an_answer_over_a_real_connection_is_whole_or_refused(mutation: str) -> None:
    verdicts = run_over_sockets(BY_NAME["cognigy"], SEED, range(len(WAYS)), mutation)
    result = "refused" if mutation == "cut_in_transport" else "equal"
    assert [item.result for item in verdicts] == [result] * len(WAYS)


def take_null_as_zero(node: Node) -> int:
    return int(node.number() or 0)


takes_last_of_two_keys = json.JSONDecoder(parse_float=Decimal)


def ignore(*_arguments: Any) -> None:
    return None


@pytest.mark.parametrize(
    ("subject", "mutation", "place", "name", "defect", "fault"),
    [
        ("chatdash", "remove_value", Node, "count", take_null_as_zero, "a missing value became zero"),
        ("cognigy", "negate_number", Node, "count", take_null_as_zero, "although a number is negative"),
        ("cognigy", "write_fraction", Node, "count", take_null_as_zero, "although a count is not whole"),
        ("cognigy", "double_key", json_body, "_decoder", takes_last_of_two_keys, "a key stands twice"),
        ("chatdash", "add_unknown_field", Drift, "_record_unknown", ignore, "is not reported as drift"),
    ],
)
def test_a_planted_defect_is_found(
    subject: str,
    mutation: str,
    place: Any,
    name: str,
    defect: Any,
    fault: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = BY_NAME[subject]
    assert find_faults(plan, range(8), mutation) == []
    monkeypatch.setattr(place, name, defect)
    assert any(fault in line for line in find_faults(plan, range(8), mutation))


def test_a_refusal_names_account_stream_and_field() -> None:
    stream, account = ErrorLocation("cognigy", "acme", "call_counter"), ErrorLocation("cognigy", "acme")
    assert find_fault_of_refusal(ShapeError(stream, "$.items", "is not an array"), "acme") is None
    assert find_fault_of_refusal(ShapeError(account, "$.items", "is not an array"), "acme") == (
        "the refusal does not name the stream"
    )
    assert find_fault_of_refusal(ShapeError(stream, "", "is odd"), "acme") == "the refusal does not name the field"
    assert find_fault_of_refusal(ShapeError(stream, "$", "is odd"), "bot") == "the refusal does not name the account"
    assert find_fault_of_refusal(KeyError("items"), "acme") == "the program failed"
