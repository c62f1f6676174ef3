"""An export again replaces its own files only, and never enters a folder of others."""

import itertools
import json
from pathlib import Path

import pytest

from warehouse.exports import folder as export_folder
from warehouse.exports.folder import RECORD_NAME, ForeignFolderError, write_export

FIRST = {"a.yml": b"1", "models/b.sql": b"2"}
SECOND = {"a.yml": b"3", "models/c.sql": b"4"}


def list_files(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and file.name != RECORD_NAME
    }


def test_an_export_again_replaces_and_removes_its_own_files(tmp_path: Path) -> None:
    folder = tmp_path / "new/export"
    assert write_export(folder, "dbt", FIRST).written == tuple(FIRST)
    result = write_export(folder, "dbt", SECOND)
    assert (result.kept, result.removed) == ((), ("models/b.sql",))
    assert list_files(folder) == SECOND


def test_the_same_export_again_changes_nothing(tmp_path: Path) -> None:
    write_export(tmp_path, "dbt", FIRST)
    before = {**list_files(tmp_path), RECORD_NAME: (tmp_path / RECORD_NAME).read_bytes()}
    write_export(tmp_path, "dbt", FIRST)
    assert {**list_files(tmp_path), RECORD_NAME: (tmp_path / RECORD_NAME).read_bytes()} == before


def test_own_files_and_changed_ones_stay(tmp_path: Path) -> None:
    write_export(tmp_path, "dbt", FIRST)
    for name in ("a.yml", "models/b.sql", "models/c.sql", "target/x"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"mine")
    result = write_export(tmp_path, "dbt", SECOND)
    assert (result.written, result.kept, result.removed) == ((), ("a.yml", "models/c.sql"), ())
    assert set(list_files(tmp_path).values()) == {b"mine"}
    (tmp_path / "a.yml").unlink()
    assert write_export(tmp_path, "dbt", SECOND).written == ("a.yml",)


def test_a_link_in_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    folder, outside = tmp_path / "export", tmp_path / "outside"
    write_export(folder, "dbt", FIRST)
    outside.write_bytes(FIRST["a.yml"])
    (folder / "a.yml").unlink()
    (folder / "a.yml").symlink_to(outside)
    assert write_export(folder, "dbt", SECOND).kept == ("a.yml",)
    assert outside.read_bytes() == FIRST["a.yml"]


@pytest.mark.parametrize("written", range(4))
def test_an_export_that_was_stopped_finds_its_own_files_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    write_export(tmp_path, "dbt", FIRST)
    calls, write_file = itertools.count(), export_folder._write_file

    def write_or_stop(file: Path, content: bytes) -> None:
        if next(calls) == written:
            raise KeyboardInterrupt
        write_file(file, content)

    with monkeypatch.context() as patch:
        patch.setattr(export_folder, "_write_file", write_or_stop)
        with pytest.raises(KeyboardInterrupt):
            write_export(tmp_path, "dbt", SECOND)
    assert write_export(tmp_path, "dbt", SECOND).kept == ()
    assert list_files(tmp_path) == SECOND


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("notes.txt", "mine", "holds files that are no export"),
        (RECORD_NAME, "{", "cannot be read"),
        (RECORD_NAME, "[]", "cannot be read"),
        (RECORD_NAME, json.dumps({"format_version": 1, "kind": "superset", "files": {}}), "an export for superset"),
        (RECORD_NAME, json.dumps({"format_version": 2, "kind": "dbt", "files": {}}), "of a newer chatmart"),
    ],
)
def test_a_folder_of_others_is_refused(tmp_path: Path, name: str, content: str, reason: str) -> None:
    (tmp_path / name).write_text(content)
    with pytest.raises(ForeignFolderError, match=reason):
        write_export(tmp_path, "dbt", FIRST)
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "export").write_text("mine")
    with pytest.raises(ForeignFolderError, match="is a file"):
        write_export(tmp_path / "export", "dbt", FIRST)
