"""Faults of the machine for an installation, of ``environment_effects``: disks, rights, damage, other versions."""

import errno
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import duckdb

from tests.support.environment_case import FaultOf
from tests.support.environment_effects import Damage, full_disk, missing_locks, read_only_disk, refused_rights
from tests.support.installation import Installation
from tests.warehouse.earlier_versions import VERSIONS, open_earlier_store

SUPPORT = "data/landing/provider=cognigy/account=acme-support"
VOICE = "data/landing/provider=chatcaptain/account=acme-voice"
LAKE, PUBLISHED, PRIVATE = "data/lake", "data/warehouse.duckdb", "data/_warehouse.duckdb.loader"


def full_disk_at(folder: str, free_bytes: int) -> FaultOf:
    """Return the fault that a folder lies on a disk with room for some more bytes."""
    return lambda product: full_disk(product.folder / folder, free_bytes)


def full_beside_landing(free_bytes: int) -> FaultOf:
    """Return the fault that the disk of the warehouse has room for some more bytes; that of the landing zone has."""
    return lambda product: full_disk(product.folder / "data", free_bytes, but=product.folder / "data/landing")


def read_only_at(folder: str) -> FaultOf:
    """Return the fault that a folder lies on a disk that is mounted read-only."""
    return lambda product: read_only_disk(product.folder / folder)


def refused_rights_to(path: str, mode: int) -> FaultOf:
    """Return the fault that a path has this mode, also for root."""
    return lambda product: refused_rights(product.folder / path, mode)


def no_locks() -> FaultOf:
    """Return the fault that the file system knows no locks."""
    return lambda _product: missing_locks()


def fail_writing(function: str) -> FaultOf:
    """Return the fault that a function, by its dotted name, finds the disk full."""

    def fail(*arguments: object, **_settings: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(arguments[0]))

    @contextmanager
    def begin(_product: Installation) -> Iterator[None]:
        with mock.patch(function, fail):
            yield

    return begin


def full_staging() -> FaultOf:
    """Return the fault that the disk of staged tables is full; all of them are staged there."""

    @contextmanager
    def begin(product: Installation) -> Iterator[None]:
        staging = product.store.staging_folder
        staging.mkdir(exist_ok=True)
        (staging / "of-another-run").write_bytes(bytes(4096))
        with full_disk(staging, 0), mock.patch("pipelines.loads.stage.MAX_ROWS_IN_MEMORY", 0):
            yield

    return begin


def damage_files(damage: Damage, *patterns: str) -> FaultOf:
    """Return the fault that the files of some patterns are damaged. Each pattern has one file at least."""

    @contextmanager
    def begin(product: Installation) -> Iterator[None]:
        for pattern in patterns:
            files = list(product.folder.glob(pattern))
            assert files, pattern
            for file in files:
                damage(file)
        yield

    return begin


def unreadable_env() -> FaultOf:
    """Return the fault that the file of secrets is another user's."""

    @contextmanager
    def begin(product: Installation) -> Iterator[None]:
        env = product.folder / ".env"
        env.write_text("SECRET=1\n")
        with refused_rights(env, 0):
            yield
        env.unlink()

    return begin


def another_configuration() -> FaultOf:
    """Return the fault that another configuration, with a landing zone of its own, has a name for another project."""
    return _edited_configuration(
        r"(?s)(.*project_id: )\w+(.*)", rf"landing: data/landing-of-another\n\g<1>{'7' * 24}\2"
    )


def change_port() -> FaultOf:
    """Return the fault that the port of a provider's address does not exist."""
    return _edited_configuration(r"(base_url: http://[^:/]*):\d+", r"\1:99999")


def newer_warehouse() -> FaultOf:
    """Return the fault that a newer release has upgraded the warehouse; the files come back at the end."""

    @contextmanager
    def begin(product: Installation) -> Iterator[None]:
        names = [PRIVATE, PUBLISHED] if "duckdb" in product.warehouse_url else _MANIFESTS
        paths = [product.folder / name for name in names]
        contents = [path.read_bytes() for path in paths]
        for path in paths:
            _raise_version(path)
        yield
        for path, content in zip(paths, contents, strict=True):
            path.write_bytes(content)

    return begin


def earlier_warehouse() -> FaultOf:
    """Return the fault that the warehouse is that of the first release, with other accounts."""

    @contextmanager
    def begin(product: Installation) -> Iterator[None]:
        kind = product.warehouse_url.partition(":")[0]
        folder, present = product.folder / "earlier", product.folder / (PUBLISHED if kind == "duckdb" else LAKE)
        folder.mkdir()
        store = open_earlier_store(VERSIONS[0], folder, kind)
        shutil.rmtree(present) if present.is_dir() else present.unlink()
        store.location.rename(present)
        (product.folder / PRIVATE).unlink(missing_ok=True)
        yield

    return begin


_MANIFESTS = [f"{LAKE}/_loader.json", f"{LAKE}/_manifest.json"]


def _raise_version(path: Path) -> None:
    if path.suffix == ".json":
        document = json.loads(path.read_bytes())
        path.write_text(json.dumps({**document, "schema_version": document["schema_version"] + 1}))
        return
    with duckdb.connect(str(path)) as con:
        con.execute("INSERT INTO books.schema_version SELECT max(version) + 1, 'the future', now() FROM schema_version")


def _edited_configuration(pattern: str, replacement: str) -> FaultOf:
    @contextmanager
    def begin(product: Installation) -> Iterator[None]:
        path = product.folder / "chatmart.yaml"
        text = path.read_text()
        edited = re.sub(pattern, replacement, text, count=1)
        assert edited != text
        path.write_text(edited)
        yield
        path.write_text(text)

    return begin
