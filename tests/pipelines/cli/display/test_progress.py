"""The progress of a run: the number and text of its lines, and the bar on a terminal."""

import io
import re
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from rich.console import Console

from extractors.cognigy.account import CognigyAccount
from extractors.landing.batch import Batch
from extractors.landing.batch_files import BatchFiles
from extractors.windows import ONE_DAY, Window
from pipelines.cli import logs
from pipelines.cli.display import progress
from pipelines.cli.display.estimate import ProgressEstimate
from pipelines.cli.display.progress import ProgressLines, show_progress
from tests.support.clock import FakeClock

DAY = date(2025, 3, 1)


def build_account(name: str = "acme") -> CognigyAccount:
    return CognigyAccount.model_validate({"name": name, "project_id": "0" * 24, "api_key": "fake-key"})


def build_batch(name: str = "acme") -> Batch:
    files = BatchFiles(Path(), Path())
    return Batch("cognigy", name, "s", Window(DAY, DAY + ONE_DAY), datetime(2025, 3, 1, tzinfo=UTC), "0", 1, files)


def land_a_batch_per_second(lines: ProgressLines, clock: FakeClock, seconds: int) -> None:
    lines.on_planned(build_account(), seconds, seconds)
    for second in range(seconds):
        clock.advance(1 if second else 0)
        lines.on_batch_landed(build_batch())
        lines.on_days_loaded(build_account(), [DAY])


def test_a_run_of_hours_prints_some_hundred_lines(capsys: pytest.CaptureFixture[str]) -> None:
    clock = FakeClock()
    land_a_batch_per_second(ProgressLines(ProgressEstimate(clock.monotonic)), clock, 6 * 3600)
    output = capsys.readouterr()
    first, *lines = output.err.splitlines()
    assert output.out == ""
    assert first == "acme: 21600 days to load, 21600 batches to fetch"
    assert 100 < len(lines) < 200
    assert lines[0] == "after 0:00:10: 0%, 10/21600 slices, 11/21600 batches at 1.1/s, 5:42:41 left"
    moments = [re.match(r"after (\d+):(\d\d):(\d\d): ", line) for line in lines]
    seconds = [int(m[1]) * 3600 + int(m[2]) * 60 + int(m[3]) for m in moments if m]
    gaps = [later - earlier for earlier, later in pairwise(seconds)]
    assert len(seconds) == len(lines)
    assert min(gaps) >= 10
    assert max(gaps) <= 300


def test_a_new_error_is_printed_at_once_and_only_once(capsys: pytest.CaptureFixture[str]) -> None:
    lines = ProgressLines(ProgressEstimate(lambda: 0.0))
    lines.on_planned(build_account(), 60, 60)
    for _ in range(3):
        lines.on_days_failed(build_account(), [DAY], "acme: HTTP 500")
    lines.on_days_failed(build_account("other"), [DAY], "other: [red]HTTP 401[/]")
    lines.on_days_failed(build_account(), [], "acme: nothing is left")
    assert capsys.readouterr().err.splitlines()[1:] == [
        "acme: failed 2025-03-01 to 2025-03-01: acme: HTTP 500",
        "other: failed 2025-03-01 to 2025-03-01: other: [red]HTTP 401[/]",
    ]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    out = io.StringIO()
    monkeypatch.setattr(progress, "console", Console(file=out, force_terminal=True, width=80))
    return out


def test_a_terminal_shows_a_bar_on_one_line(terminal: io.StringIO) -> None:
    with show_progress() as observer:
        observer.on_planned(build_account(), 123456, 123456)
        for _ in range(3):
            observer.on_batch_landed(build_batch())
        observer.on_days_loaded(build_account(), [DAY])
        observer.on_days_failed(build_account(), [DAY], "acme: HTTP 500")
    shown = terminal.getvalue()
    assert "2/123456 slices, 3/123456 batches" in shown
    line, end = shown.split("\n")
    assert len(re.sub(r"\x1b\[[^mlhK]*[mlhK]", "", line.rpartition("\r")[2])) <= 80
    assert end == "\x1b[?25h\r\x1b[1A\x1b[2K"  # the cursor is back, nothing is left of the bar


def test_a_log_as_json_has_no_bar_even_on_a_terminal(terminal: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure_logging(logs.JSON, None)
    with show_progress() as observer:
        observer.on_planned(build_account(), 1, 1)
        observer.on_days_failed(build_account(), [DAY], "logged by the run")
    assert terminal.getvalue() == ""
    assert '"batches": 1' in capsys.readouterr().err
