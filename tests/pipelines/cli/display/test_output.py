"""Tables on standard error: aligned by what a terminal shows, whole in a pipe, and as they are: no markup."""

import pytest

from pipelines.cli.display.output import print_table

ROWS = [
    {"account": "acme-sales", "loaded": "1"},
    {"account": "名前", "loaded": "1,250"},
    {"account": "[red]", "loaded": ""},
]


@pytest.mark.parametrize("is_terminal", [False, True])
def test_cells_are_aligned(
    is_terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if is_terminal:
        monkeypatch.setenv("FORCE_COLOR", "1")
        monkeypatch.setenv("TERM", "dumb")
    print_table(ROWS, left_columns=1, label="loaded")
    lines = [line.rstrip() for line in capsys.readouterr().err.splitlines()]
    assert lines == ["account     loaded", "acme-sales       1", "名前         1,250", "[red]"]


def test_a_table_in_a_pipe_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([{"account": "a" * 300, "rows": "7"}], left_columns=1, label="loaded")
    assert capsys.readouterr().err.splitlines()[1] == "a" * 300 + "     7"
    print_table([], label="loaded")
    assert capsys.readouterr().err == ""
