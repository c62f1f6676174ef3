"""The page of fields is what the transforms declare."""

import sys
from pathlib import Path

import pytest

from pipelines import fields_page


def test_the_page_is_current() -> None:
    assert fields_page.PAGE.read_text("utf-8") == fields_page.page(), "run `make docs`"


def test_a_page_that_is_not_current_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(fields_page, "PAGE", tmp_path / "fields.md")
    monkeypatch.setattr(sys, "argv", ["fields_page", "--check"])
    assert fields_page.main() == 1
    assert "make docs" in capsys.readouterr().err
    monkeypatch.setattr(sys, "argv", ["fields_page"])
    assert fields_page.main() == 0
    monkeypatch.setattr(sys, "argv", ["fields_page", "--check"])
    assert fields_page.main() == 0
