"""Damage of a Delta lake: data files whose content has another hash than their name says.

What must not come in: what is done about it.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from warehouse.storage.delta.lake_file import LakeFile
from warehouse.storage.files import file_sha256


def find_damaged_files(files: Iterable[LakeFile], paths: Mapping[str, Path]) -> list[tuple[LakeFile, str]]:
    """Read files whole, from their `paths` by name. Return those that are damaged, each with what is wrong with it."""
    return [(file, problem) for file in files if (problem := _find_problem(file, paths[file.name]))]


def _find_problem(file: LakeFile, path: Path) -> str | None:
    try:
        present, sha256 = path.stat().st_size, file_sha256(path)
    except FileNotFoundError:
        return "it is missing"
    if present != file.bytes:
        return f"it has {present} bytes of {file.bytes}"
    return None if sha256 == file.sha256 else "its content has changed since it was written"
