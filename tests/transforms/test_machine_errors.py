"""A machine that fails while a response is read: its error is raised, and nothing is said of the response."""

import errno
import os
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import duckdb
import pytest

from extractors.errors import ErrorLocation, ShapeError
from extractors.landing.batch import Batch
from extractors.windows import Window
from tests.support.exported_files import AT, build_account, transform_file
from transforms.chatcaptain import export_reading
from transforms.chunk import Chunk, DayClaim
from transforms.machine_errors import is_machine_error

DAY = date(2025, 3, 1)
CSV = f"date,conversationId\n{AT},x\n"


@pytest.mark.parametrize(("number", "is_of_machine"), [(errno.EMFILE, True), (errno.EIO, True), (errno.ENOENT, False)])
def test_a_landed_file_that_is_gone_is_damage_and_one_that_is_refused_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, is_of_machine: bool
) -> None:
    def fail(*_: object) -> Any:
        raise OSError(number, os.strerror(number))

    where = ErrorLocation("cognigy", "acme", "counter", "batch")
    batch = SimpleNamespace(iter_bodies=fail, where=where, window=Window.of_day(DAY))
    claims = {"counter": (DayClaim(cast("Batch", batch), frozenset({DAY})),)}
    with pytest.raises(OSError if is_of_machine else ShapeError):
        list(Chunk(build_account(), (DAY,), claims, tmp_path).responses("counter"))
    monkeypatch.setattr(Batch, "iter_bytes", fail)
    with pytest.raises(OSError if is_of_machine else ShapeError):
        transform_file(tmp_path, CSV)


def test_a_disk_that_refuses_the_typed_rows_is_no_file_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export_reading, "path_literal", lambda _path: f"'{tmp_path}/missing/rows.parquet'")
    with pytest.raises(duckdb.IOException):
        transform_file(tmp_path, CSV)


def test_what_is_not_the_machines_is_the_responses() -> None:
    assert is_machine_error(MemoryError())
    assert not is_machine_error(ValueError())
    assert not is_machine_error(duckdb.InvalidInputException("Invalid Input Error"))
