"""The file of a result: whole or as it was, private, and never one that a planted link names."""

import os
import stat
from pathlib import Path

import click
import pytest

from pipelines.cli.steps import output_file
from pipelines.cli.steps.output_file import open_output_file


def write(file: Path, text: str = "new") -> None:
    with open_output_file(file) as out:
        out.write(text)


def mode_of(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_a_new_file_is_for_its_owner_only(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write(tmp_path / "answer.csv")
    finally:
        os.umask(before)
    assert mode_of(tmp_path / "answer.csv") == 0o600


def test_a_replaced_file_keeps_the_rights_that_its_owner_gave(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    write(file)
    file.chmod(0o644)
    write(file, "newer")
    assert (mode_of(file), file.read_text("utf-8")) == (0o644, "newer")


def test_a_file_of_another_user_is_replaced_by_a_private_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "report.html"
    file.write_text("planted")
    file.chmod(0o666)
    monkeypatch.setattr(output_file.os, "geteuid", lambda: file.stat().st_uid + 1)
    write(file)
    assert (mode_of(file), file.read_text("utf-8")) == (0o600, "new")


@pytest.mark.parametrize("is_dangling", [False, True])
def test_a_link_at_the_place_of_the_file_is_refused(tmp_path: Path, is_dangling: bool) -> None:
    victim, file = tmp_path / "victim", tmp_path / "report.html"
    if not is_dangling:
        victim.write_text("precious")
    file.symlink_to(victim)
    with pytest.raises(click.UsageError, match=rf"^{file} is a link to {victim}: remove it, or name the file itself$"):
        write(file)
    assert file.is_symlink()
    assert (victim.read_text("utf-8") if victim.exists() else None) == (None if is_dangling else "precious")


def test_links_at_the_names_that_were_once_written_first_are_not_followed(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "report.html.part").symlink_to(victim)
    write(tmp_path / "report.html")
    assert victim.read_text("utf-8") == "precious"
    assert (tmp_path / "report.html").read_text("utf-8") == "new"


def test_an_error_leaves_the_file_as_it_was_and_nothing_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "answer.csv"
    file.write_text("old")
    with pytest.raises(ZeroDivisionError), open_output_file(file):
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.iterdir()] == ["answer.csv"]
    assert file.read_text("utf-8") == "old"


def test_a_pipe_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(output_file.os, "geteuid", lambda: 4711)
    if (tmp_path / "pipe").stat().st_uid == 0:  # root's own pipes are trusted
        os.chown(tmp_path / "pipe", 4712, -1)
    with pytest.raises(click.UsageError, match="belongs to another user"):
        write(tmp_path / "pipe")
