"""The catalogue of the machine's faults, as data; ``environment_runner`` runs them.

The tests compare the product with it, and the table of ``docs/environment-faults.md`` is printed from it.
"""

from contextlib import nullcontext

from tests.support.environment_case import BACKFILL, NOTHING, STORES, EnvironmentCase
from tests.support.environment_effects import cut_off, flip_bits
from tests.support.environment_faults import (
    LAKE,
    PRIVATE,
    PUBLISHED,
    SUPPORT,
    VOICE,
    another_configuration,
    change_port,
    damage_files,
    earlier_warehouse,
    fail_writing,
    full_beside_landing,
    full_disk_at,
    full_staging,
    newer_warehouse,
    no_locks,
    read_only_at,
    refused_rights_to,
    unreadable_env,
)

_KB = 1024
_FULL = "No space left on device; free some space there, or move it to a larger disk"
_READ_ONLY = "Read-only file system; mount it writable, or move it to another disk"
_REFUSED = "Permission denied; see that this user may read and write there"
_MOVED = "is damaged .* and was moved to .* The published warehouse takes its place"
_ANEW = "is damaged .* set aside, and built anew from"
_FROM_LANDING = "loading from the landing zone: 2025-03-03"
_SQL = ("sql", "SELECT sum(conversations) FROM conversation_daily")
_DUCKDB, _PARQUET = ("duckdb",), ("parquet",)

DISKS = (
    EnvironmentCase("disk full: landing zone", full_disk_at("data/landing", 0), 1, _FULL, needs_mount=True),
    EnvironmentCase(
        "disk full: landing zone, within an answer",
        full_disk_at("data/landing", 8 * _KB),
        1,
        rf"({_FULL}|took only a part of an answer; free some space)",
        repair_pattern=f"{NOTHING}|{_FROM_LANDING}",
        needs_mount=True,
    ),
    EnvironmentCase(
        "disk full: journal of exports",
        fail_writing("extractors.exports.journal.write_private_file"),
        1,
        _FULL,
    ),
    EnvironmentCase(
        "disk full: staged tables", full_staging(), 1, _FULL, needs_mount=True, repair_pattern=_FROM_LANDING
    ),
    EnvironmentCase("disk full: warehouse", full_beside_landing(0), 1, _FULL, needs_mount=True),
    EnvironmentCase(
        "disk full: commit",
        full_beside_landing(32 * _KB),
        1,
        _FULL,
        stores=_PARQUET,  # a commit into a DuckDB file fits into its free blocks
        needs_mount=True,
        repair_pattern=_FROM_LANDING,
    ),
    EnvironmentCase(
        "disk full: publication",
        full_disk_at("data", 1024 * _KB),
        1,
        _FULL,
        stores=_DUCKDB,
        needs_mount=True,
        repair_pattern="published: ",
        is_quick=True,
    ),
    EnvironmentCase(
        "disk full: publication",
        fail_writing("warehouse.storage.parquet.link_into_place"),
        1,
        _FULL,
        stores=_PARQUET,
        days=3,
    ),
    EnvironmentCase("disk read-only: all data", read_only_at("data"), 1, _READ_ONLY, needs_mount=True),
    EnvironmentCase("disk read-only: landing zone", read_only_at("data/landing"), 1, _READ_ONLY, needs_mount=True),
    EnvironmentCase(
        "disk read-only, a query",
        read_only_at("data"),
        0,
        "",
        command=_SQL,
        needs_mount=True,
    ),
    EnvironmentCase("no locks on the disk (ENOLCK)", no_locks(), 1, "No locks available; its file system has no locks"),
)
RIGHTS = (
    EnvironmentCase("no right to write to `data`", refused_rights_to("data", 0o500), 1, _REFUSED, stores=_DUCKDB),
    EnvironmentCase("no right to write to the lake", refused_rights_to(LAKE, 0o500), 1, _REFUSED, stores=_PARQUET),
    EnvironmentCase("no right to read the landing zone", refused_rights_to("data/landing", 0), 1, _REFUSED),
    EnvironmentCase(
        "no right to write to an account's folder",
        refused_rights_to(VOICE, 0o500),
        1,
        f"acme-voice .*{_REFUSED}",
    ),
    EnvironmentCase(
        "no right to write to the loader's file",
        refused_rights_to(PRIVATE, 0o400),
        1,
        _REFUSED,
        stores=_DUCKDB,
        is_quick=True,
    ),
    EnvironmentCase(
        "no right to read the published file", refused_rights_to(PUBLISHED, 0), 1, _REFUSED, _SQL, stores=_DUCKDB
    ),
    EnvironmentCase(
        "no right to read the configuration",
        refused_rights_to("chatmart.yaml", 0),
        2,
        "chatmart.yaml: cannot be read: Permission denied; let this user read /",
        stores=_DUCKDB,
    ),
    EnvironmentCase("no right to read `.env`", unreadable_env(), 2, "let this user read .*[.]env", stores=_DUCKDB),
)
DAMAGES = tuple(
    EnvironmentCase(f"{name} {how}", damage_files(damage, *paths), code, pattern, command, days, repair, stores=stores)
    for name, paths, stores, command, outcomes in (
        ("loader's file", [PRIVATE], _DUCKDB, BACKFILL, ((1, _MOVED, 2, NOTHING), (0, _MOVED, 3, NOTHING))),
        (
            "published file",
            [PUBLISHED],
            _DUCKDB,
            _SQL,
            ((2, "is damaged .* Run `chatmart check --repair`", None, _ANEW), (2, "Move it away", None, _ANEW)),
        ),
        (
            "both files",
            [PRIVATE, PUBLISHED],
            _DUCKDB,
            BACKFILL,
            ((1, _MOVED, None, _ANEW), (2, "no other copy of it. Run `chatmart check --repair`", None, _ANEW)),
        ),
        (
            "loader's manifest",
            [f"{LAKE}/_loader.json"],
            _PARQUET,
            BACKFILL,
            ((0, "was moved to .* The published manifest takes its place", 3, NOTHING),) * 2,
        ),
        (
            "published manifest",
            [f"{LAKE}/_manifest.json"],
            _PARQUET,
            _SQL,
            ((2, "cannot be read as a lake's manifest", None, _ANEW),) * 2,
        ),
        (
            "file of a lake",
            [f"{LAKE}/_versions/fact_conversation_daily.*"],
            _PARQUET,
            BACKFILL,
            ((2, "The lake has a file that cannot be read", None, _ANEW),) * 2,
        ),
        (
            "landed segment",
            [f"{VOICE}/*.jsonl.zst"],
            tuple(STORES),
            ("check",),
            (
                (1, "2 loaded days are damaged or gone", 2, "fetching again: 2025-03-01 to 2025-03-02"),
                (0, "", 2, "cannot be read"),
            ),
        ),
        (
            "landed body file",
            [f"{VOICE}/bodies/*.zst"],
            tuple(STORES),
            ("check",),
            (
                (1, "2 loaded days are damaged or gone", 2, "fetching again: 2025-03-01 to 2025-03-02"),
                (0, "", 2, "cannot be read"),
            ),
        ),
        (
            "landed segment, met by a replay:",
            [f"{SUPPORT}/*.jsonl.zst"],
            _DUCKDB,
            ("replay",),
            ((1, "is damaged: .*`chatmart check --repair` fetches its days again", 2, "fetching again"),) * 2,
        ),
        (
            "index of landed batches",
            [f"{VOICE}/.index.sqlite"],
            tuple(STORES),
            ("replay",),
            ((0, "", 2, NOTHING),) * 2,
        ),
        (
            "journal of exports",
            [f"{VOICE}/.export-journal.json"],
            tuple(STORES),
            BACKFILL,
            ((0, "is set aside as .export-journal.json.damaged", 3, NOTHING),) * 2,
        ),
    )
    for (how, damage), (code, pattern, days, repair) in zip(
        (("cut off", cut_off), ("with changed bytes", flip_bits)), outcomes, strict=True
    )
)
STOPS = tuple(
    EnvironmentCase(
        f"SIGTERM: {name}", lambda _product: nullcontext(), 143, pattern, command, days, repair, stop_in=function
    )
    for name, function, command, pattern, days, repair in (
        ("request", "extractors.http.session.Session.request", BACKFILL, "interrupted; run the same", 2, NOTHING),
        ("commit", "warehouse.store.Store.commit_group", BACKFILL, "interrupted; run the same", 2, NOTHING),
        ("publication", "warehouse.store.Store.publish", BACKFILL, "interrupted; run the same", 3, NOTHING),
        ("replay", "warehouse.store.Store.commit_group", ("replay",), "interrupted; run the same", 2, NOTHING),
        ("maintenance", "pipelines.loads.prune.prune_account", ("maintain",), "", 2, NOTHING),
    )
)
SETUPS = (
    EnvironmentCase(
        "warehouse of the first release", earlier_warehouse(), 0, "", days=1, repair_pattern="2025-03-01 to 2025-03-02"
    ),
    EnvironmentCase("warehouse of a newer release", newer_warehouse(), 2, "this release knows .* upgrade chatmart"),
    EnvironmentCase(
        "two configurations, one account name",
        another_configuration(),
        2,
        "give the account another name",
        is_quick=True,
    ),
    EnvironmentCase("a port out of range", change_port(), 2, "is a number from 1 to 65535", stores=_DUCKDB),
)
CASES = (*DISKS, *RIGHTS, *DAMAGES, *STOPS, *SETUPS)
