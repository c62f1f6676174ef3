"""ChatCaptain from HTTP to staged facts, in every accepted shape, against the sandbox's truth."""

import json
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from extractors.windows import Window
from sandbox.server import Sandbox
from sandbox.shapes import ResponseShapes
from sandbox.truth import compute_truth
from tests.support.chatcaptain import configure_account, land_streams
from tests.support.landed_chunks import ChunkBuilder, read_staged_rows
from transforms.facts import TransformResult

CLOCK_CHANGE = Window(date(2025, 10, 24), date(2025, 10, 28))
VIEWS = ("conversation_daily", "channel_daily", "language_daily", "intent_daily", "conversation", "conversation_intent")
NOT_STAGED = ("provider", "account", "is_test", "language")
SHAPES: tuple[dict[str, Any], ...] = (
    {},
    {
        "report_keys": "id",
        "scalars": "value",
        "breakdowns": "list",
        "breakdown_name": "id",
        "breakdown_value": "value",
        "intervals": "map",
        "channels_envelope": True,
        "inbox_values": "value",
        "numbers": "string",
    },
    {"scalars": "count", "breakdowns": "list", "breakdown_name": "name", "numbers": "float", "money": "string"},
    {
        "csv_delimiter": ";",
        "csv_bom": True,
        "csv_decimal_comma": True,
        "csv_headers": "german",
        "csv_order": "reversed",
        "csv_times": "offset",
        "csv_extra_column": True,
    },
    {"csv_delimiter": "tab", "csv_gzip": True, "csv_headers": "snake", "csv_times": "local"},
    {"csv_headers": "space", "csv_decimal_comma": True},
    {"csv_headers": "upper", "csv_length": False},
    {"csv_headers": "alternative", "csv_delimiter": ";"},
    {"csv_grain": "total", "csv_headers": "german"},
)


@pytest.fixture(scope="module")
def open_sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(open_sandbox: Sandbox) -> Sandbox:
    open_sandbox.request_log.clear()
    open_sandbox.shapes.__dict__.update(ResponseShapes().__dict__)
    return open_sandbox


def load_account(
    root: Path, sandbox: Sandbox, window: Window = CLOCK_CHANGE, name: str = "acme-voice", **settings: Any
) -> TransformResult:
    account = configure_account(sandbox, name, **settings)
    assert land_streams(root, account, window) == []
    return ChunkBuilder(root).transform(account, window)


def normalize(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows without NULL and columns that are not staged, sorted."""
    kept = [
        {
            column: value.normalize() + 0 if isinstance(value, Decimal) else value
            for column, value in row.items()
            if value is not None and column not in NOT_STAGED
        }
        for row in rows
    ]
    return sorted(kept, key=lambda row: json.dumps(row, default=str, sort_keys=True))


def compute_expected(
    sandbox: Sandbox, view: str, window: Window, name: str, streams: Iterable[str]
) -> list[dict[str, Any]]:
    rows = compute_truth(sandbox.world, name, view, list(window.days()), streams=[*streams], shapes=sandbox.shapes)
    return normalize(rows)


def assert_true(sandbox: Sandbox, staged: TransformResult, window: Window, name: str, streams: Iterable[str]) -> None:
    for view in VIEWS:
        assert normalize(read_staged_rows(staged, view)) == compute_expected(sandbox, view, window, name, streams), view
    metrics = read_staged_rows(staged, "metric_daily")
    named = {
        "inbox": ("inbox_daily", "measure", "value"),
        "end_reason": ("end_reason_daily", "end_reason", "conversations"),
    }
    for metric, (view, member, value) in named.items():
        rows = [row for row in metrics if row["metric"] == metric]
        actual = [{"date": row["date"], member: row["member"], value: row["value"]} for row in rows]
        wanted = [{**row, value: Decimal(row[value])} for row in compute_expected(sandbox, view, window, name, streams)]
        assert normalize(actual) == normalize(wanted), view
    rest = [row for row in metrics if row["metric"] not in named]
    assert normalize(rest) == compute_expected(sandbox, "metric_daily", window, name, streams)


@pytest.mark.parametrize("shape", [*SHAPES[:5], *(pytest.param(shape, marks=pytest.mark.long) for shape in SHAPES[5:])])
def test_every_accepted_shape_loads_the_same(sandbox: Sandbox, tmp_path: Path, shape: dict[str, Any]) -> None:
    sandbox.shapes.__dict__.update(shape)
    staged = load_account(tmp_path, sandbox)
    if sandbox.shapes.csv_times == "local":  # the hour that comes twice cannot be told apart in local times
        return
    account = configure_account(sandbox)
    assert_true(sandbox, staged, CLOCK_CHANGE, account.name, account.enabled_streams)


@pytest.mark.parametrize(
    "streams", [["overview_report"], ["channel_report"], ["inbox"], ["export"], ["overview_report", "export"]]
)
def test_what_is_not_pulled_is_unknown(sandbox: Sandbox, tmp_path: Path, streams: list[str]) -> None:
    staged = load_account(tmp_path, sandbox, streams=streams)
    assert_true(sandbox, staged, CLOCK_CHANGE, "acme-voice", streams)


@pytest.mark.parametrize("streams", [["export"], ["export", "channel_report"]])
def test_totals_fill_channels_without_an_overview(sandbox: Sandbox, tmp_path: Path, streams: list[str]) -> None:
    sandbox.shapes.csv_grain = "total"
    staged = load_account(tmp_path, sandbox, streams=streams)
    assert_true(sandbox, staged, CLOCK_CHANGE, "acme-voice", streams)


def test_local_times_name_the_same_instants(sandbox: Sandbox, tmp_path: Path) -> None:
    sandbox.shapes.csv_times = "local"
    spring = Window(date(2025, 3, 8), date(2025, 3, 11))
    staged = load_account(tmp_path, sandbox, spring, "globex-voice", streams=["export"])
    assert_true(sandbox, staged, spring, "globex-voice", ["export"])


def test_what_is_reconciled(sandbox: Sandbox, tmp_path: Path) -> None:
    staged = load_account(tmp_path, sandbox)
    lines = {(line.measure, line.against): line for line in staged.reconciliations if line.date == date(2025, 10, 24)}
    assert lines["conversations", "channel_daily"].reason == "the difference is the test channel"
    assert (lines["messages", "channel_daily"].reason or "").startswith("not listed: ")
    for measure in ("conversations", "messages"):
        line = lines[measure, "export"]
        assert (line.verdict, line.reported) == ("ok", line.loaded)
    assert {line.verdict for (_, against), line in lines.items() if "INTERVAL" in against} == {"ok"}
    assert len(lines) == 10


def test_two_batches_share_the_days_of_a_chunk(sandbox: Sandbox, tmp_path: Path) -> None:
    account = configure_account(sandbox)
    later = Window(date(2025, 10, 26), date(2025, 10, 30))
    assert land_streams(tmp_path, account, CLOCK_CHANGE) == []
    assert land_streams(tmp_path, account, later) == []
    both = Window(CLOCK_CHANGE.start, later.end)
    staged = ChunkBuilder(tmp_path).transform(account, both)
    assert_true(sandbox, staged, both, account.name, account.enabled_streams)
