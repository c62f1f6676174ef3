"""The catalogue of the machine's faults, as data; ``environment_runner`` runs them.

The tests compare the product with it, and the table of ``docs/environment-faults.md`` is printed from it.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import duckdb

from tests.support import environment_effects as effects
from tests.support.environment_case import BACKFILL, STORES, EnvironmentCase
from tests.support.installation import Installation

FaultOf = Callable[[Installation], AbstractContextManager[None]]

_FULL = "No space left on device"
_VOICE = "data/landing/provider=chatcaptain/account=acme-voice"
_PRIVATE, _PUBLISHED = "data/_warehouse.duckdb.loader", "data/warehouse.duckdb"
_KB = 1024


def _full(folder: str, free_bytes: int) -> FaultOf:
    return lambda product: effects.full_disk(product.folder / folder, free_bytes)


def _refused(path: str, mode: int) -> FaultOf:
    return lambda product: effects.refused_rights(product.folder / path, mode)


def _damaged(damage: effects.Damage, *patterns: str) -> FaultOf:
    """Return a fault that damages all files of some patterns, of which each has one at least."""

    @contextmanager
    def begin(product: Installation) -> Iterator[None]:
        for pattern in patterns:
            files = list(product.folder.glob(pattern))
            assert files, pattern
            for file in files:
                damage(file)
        yield

    return begin


def _write_newer_version(path: Path) -> None:
    with duckdb.connect(str(path)) as con:
        con.execute("INSERT INTO schema_version SELECT max(version) + 1, 'the future', now() FROM schema_version")


DISKS = tuple(
    EnvironmentCase(f"disk full: {free // _KB} kB left", _full("data", free), 1, _FULL, needs_mount=True)
    for free in (0, 16 * _KB, 64 * _KB, 256 * _KB, 1024 * _KB, 4096 * _KB, 9000 * _KB, 20000 * _KB)
) + (
    EnvironmentCase("disk full: landing zone", _full("data/landing", 0), 1, _FULL, needs_mount=True),
    EnvironmentCase(
        "disk read-only: `data`",
        lambda product: effects.read_only_disk(product.folder / "data"),
        1,
        "Read-only",
        needs_mount=True,
    ),
    EnvironmentCase(
        "disk read-only: landing zone",
        lambda product: effects.read_only_disk(product.folder / "data/landing"),
        1,
        "Read-only",
        needs_mount=True,
    ),
    EnvironmentCase("no locks (ENOLCK)", lambda _product: effects.missing_locks(), 1, "its file system has no locks"),
)
RIGHTS = (
    EnvironmentCase("folder `data` not writable", _refused("data", 0o500), 1, "Permission denied"),
    EnvironmentCase("landing zone not writable", _refused("data/landing", 0o500), 1, "Permission denied"),
    EnvironmentCase("folder of an account not writable", _refused(_VOICE, 0o500), 1, "Permission denied"),
    EnvironmentCase("landing zone not readable", _refused("data/landing", 0), 1, "Permission denied"),
    EnvironmentCase(
        "file of the loader read-only", _refused(_PRIVATE, 0o400), 1, "Permission denied", stores=("duckdb",)
    ),
    EnvironmentCase(
        "published file not readable",
        _refused(_PUBLISHED, 0),
        1,
        "Permission denied",
        ("sql", "SELECT 1"),
        stores=("duckdb",),
    ),
    EnvironmentCase("lake not writable", _refused("data/lake", 0o500), 1, "Permission denied", stores=("parquet",)),
    EnvironmentCase("configuration not readable", _refused("chatmart.yaml", 0), 2, "Permission denied"),
)
DAMAGES = tuple(
    EnvironmentCase(f"{name} {how}", _damaged(damage, *patterns), code, pattern, command, stores=stores)
    for name, patterns, code, pattern, command, stores in (
        ("file of the loader", [_PRIVATE], 0, "", BACKFILL, ("duckdb",)),
        ("published file", [_PUBLISHED], 1, "", ("sql", "FROM conversation_daily"), ("duckdb",)),
        ("both files", [_PRIVATE, _PUBLISHED], 1, "", BACKFILL, ("duckdb",)),
        ("manifest of the loader", ["data/lake/_loader.json"], 0, "", BACKFILL, ("parquet",)),
        ("published manifest", ["data/lake/_manifest.json"], 1, "", ("sql", "FROM conversation_daily"), ("parquet",)),
        ("file of the lake", ["data/lake/_versions/fact_conversation_daily.*"], 1, "", BACKFILL, ("parquet",)),
        ("landed segment", [f"{_VOICE}/*.jsonl.zst"], 1, "", ("check",), tuple(STORES)),
        ("landed body file", [f"{_VOICE}/bodies/*.zst"], 1, "", ("check",), tuple(STORES)),
        ("index of the landing zone", [f"{_VOICE}/.index.sqlite"], 0, "", ("replay",), tuple(STORES)),
        ("journal of exports", [f"{_VOICE}/.export-journal.json"], 0, "", BACKFILL, tuple(STORES)),
    )
    for how, damage in (("cut off", effects.cut_off), ("with flipped bits", effects.flip_bits))
)
VERSIONS = (
    EnvironmentCase(
        "warehouse of a newer release",
        _damaged(_write_newer_version, _PRIVATE, _PUBLISHED),
        2,
        "newer",
        stores=("duckdb",),
    ),
)
CASES = (*DISKS, *RIGHTS, *DAMAGES, *VERSIONS)
