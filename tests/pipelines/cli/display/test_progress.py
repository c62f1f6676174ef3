"""What a run says while it goes: how many lines, which, and the bar of a terminal."""

import io
import re
from datetime import UTC, date, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from rich.console import Console

from extractors.cognigy.provider import CognigyAccount
from extractors.landing.batch import Batch
from extractors.windows import ONE_DAY, Window
from pipelines.cli import logs
from pipelines.cli.display import progress
from pipelines.cli.display.estimate import ProgressEstimate
from pipelines.cli.display.progress import ProgressLines, show_progress

DAY = date(2025, 3, 1)


class Seconds:
    at = 0.0

    def __call__(self) -> float:
        return self.at


def account(name: str = "acme") -> CognigyAccount:
    return CognigyAccount.model_validate({"name": name, "project_id": "0" * 24, "api_key": "fake-key"})


def batch(name: str = "acme") -> Batch:
    return Batch(Path(), "cognigy", name, "s", Window(DAY, DAY + ONE_DAY), datetime(2025, 3, 1, tzinfo=UTC), "0")


def hours_of_batches(lines: ProgressLines, now: Seconds, seconds: int) -> None:
    lines.on_planned(account(), seconds, seconds)
    for second in range(seconds):
        now.at = second
        lines.on_batch_landed(batch())
        lines.on_days_loaded(account(), [DAY])


def test_hours_are_some_hundred_lines(capsys: pytest.CaptureFixture[str]) -> None:
    now = Seconds()
    hours_of_batches(ProgressLines(ProgressEstimate(now)), now, 6 * 3600)
    said = capsys.readouterr()
    first, *told = said.err.splitlines()
    assert said.out == ""
    assert first == "acme: 21600 days to load, 21600 batches to fetch"
    assert 100 < len(told) < 200
    assert told[0] == "after 0:00:10: 0%, 10/21600 slices, 11/21600 batches at 1.1/s, 5:42:41 left"
    moments = [re.match(r"after (\d+):(\d\d):(\d\d): ", line) for line in told]
    seconds = [int(m[1]) * 3600 + int(m[2]) * 60 + int(m[3]) for m in moments if m]
    gaps = [later - earlier for earlier, later in pairwise(seconds)]
    assert len(seconds) == len(told)
    assert min(gaps) >= 10
    assert max(gaps) <= 300


def test_a_failure_is_said_at_once_and_each_sentence_once(capsys: pytest.CaptureFixture[str]) -> None:
    lines = ProgressLines(ProgressEstimate(lambda: 0.0))
    lines.on_planned(account(), 60, 60)
    for _ in range(3):
        lines.on_days_failed(account(), [DAY], "acme: HTTP 500")
    lines.on_days_failed(account("other"), [DAY], "other: [red]HTTP 401[/]")
    lines.on_days_failed(account(), [], "acme: nothing is left")
    assert capsys.readouterr().err.splitlines()[1:] == [
        "acme: failed 2025-03-01 to 2025-03-01: acme: HTTP 500",
        "other: failed 2025-03-01 to 2025-03-01: other: [red]HTTP 401[/]",
    ]


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    out = io.StringIO()
    monkeypatch.setattr(progress, "console", Console(file=out, force_terminal=True, width=80))
    return out


def test_a_terminal_is_shown_a_bar_on_one_line(terminal: io.StringIO) -> None:
    with show_progress() as observer:
        observer.on_planned(account(), 123456, 123456)
        for _ in range(3):
            observer.on_batch_landed(batch())
        observer.on_days_loaded(account(), [DAY])
        observer.on_days_failed(account(), [DAY], "acme: HTTP 500")
    told = terminal.getvalue()
    assert "2/123456 slices, 3/123456 batches" in told
    line, end = told.split("\n")
    assert len(re.sub(r"\x1b\[[^mlhK]*[mlhK]", "", line.rpartition("\r")[2])) <= 80
    assert end == "\x1b[?25h\r\x1b[1A\x1b[2K"  # the cursor is back, nothing is left of the bar


def test_a_log_as_json_has_no_bar_even_on_a_terminal(terminal: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure_logging(logs.JSON, None)
    with show_progress() as observer:
        observer.on_planned(account(), 1, 1)
        observer.on_days_failed(account(), [DAY], "said by who noted it")
    assert terminal.getvalue() == ""
    assert '"batches": 1' in capsys.readouterr().err
