"""Chatlayer's flows: transitions of a conversation on the local days of their instants."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from extractors.errors import ShapeError
from tests.support.chatlayer import (
    FIRST_DAY,
    SECOND_DAY,
    transform_bodies,
)
from tests.support.landed_chunks import read_staged_rows

STEP = {"id": "t1", "from_step": {"id": "s", "type": "goto"}, "to_step": {}, "timestamp": "2025-03-01T23:59:59.999Z"}
FLOW = {"context": {"conversation_id": "c1", "found": True}, "conversation_ids": ["c1"]}


def test_transitions_are_on_the_local_day_of_their_instant(tmp_path: Path) -> None:
    later = {"id": "t2", "depth": "7", "timestamp": "2025-03-02T00:00:00+00:00"}
    outside = {"id": "t3", "timestamp": "2025-03-03T00:10:00Z"}
    body = {"conversation_id": "c1", "user_id": "u", "transitions": [STEP, later, STEP, outside]}
    first, second = read_staged_rows(transform_bodies(tmp_path, "flow", body, **FLOW), "flow_transition")
    at = datetime(2025, 3, 1, 23, 59, 59, 999000, tzinfo=UTC)
    expected = {"date": FIRST_DAY, "conversation_id": "c1", "transition_id": "t1", "depth": 0, "at": at}
    assert first == {**expected, "from_step_id": "s", "from_step_type": "goto"}
    assert (second["date"], second["transition_id"], second["depth"]) == (SECOND_DAY, "t2", 7)


@pytest.mark.parametrize("body", [{}, {"conversation_id": "c1", "channel": "x"}, {"transitions": []}])
def test_a_conversation_without_transitions(tmp_path: Path, body: Any) -> None:
    assert not read_staged_rows(transform_bodies(tmp_path, "flow", body, **FLOW), "flow_transition")


def test_a_conversation_that_was_not_found_is_not_read(tmp_path: Path) -> None:
    gone = {**FLOW, "context": {"conversation_id": "c1", "found": False}}
    assert not read_staged_rows(transform_bodies(tmp_path, "flow", b"<html>", **gone), "flow_transition")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"steps": []}, "steps"),
        ({"conversation_id": "c2"}, "conversation_id"),
        ({"conversation_id": "c1", "bot_id": "b2"}, r"bot_id: is not the requested b1, saw 'b2'"),
        ({"conversation_id": "c1", "transitions": [STEP], "next_page_token": "x"}, "next_page_token: announces"),
        ({"conversation_id": "c1", "transitions": [{**STEP, "error": "cut"}]}, r"transitions\[\].error: is a failure"),
        ({"conversation_id": "c1", "transitions": [{**STEP, "depth": -1}]}, "depth: is negative"),
        ({"conversation_id": "c1", "transitions": [{**STEP, "depth": None}]}, "depth: is missing"),
        ({"transitions": [{**STEP, "id": ""}]}, "id"),
        ({"transitions": [{"id": "t1"}]}, "timestamp"),
        ({"transitions": [{**STEP, "timestamp": "0001-01-01T00:00:00Z"}]}, "timestamp"),
        (
            {"transitions": [{**STEP, "timestamp": "2025-04-01T10:00:00Z"}]},
            r"transitions\[0\].timestamp: is outside of the requested days, 2025-03-01_2025-03-03",
        ),
        ({"transitions": [STEP, {**STEP, "depth": 2}]}, r"transitions\[1\]"),
        ({"transitions": [{**STEP, "from_step": "s"}]}, "from_step"),
    ],
)
def test_flows_of_another_shape_are_refused(tmp_path: Path, body: Any, field: str) -> None:
    with pytest.raises(ShapeError, match=field):
        transform_bodies(tmp_path, "flow", body, **FLOW)
