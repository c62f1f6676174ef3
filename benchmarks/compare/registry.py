"""All workloads by name, in the order in which they are measured."""

from collections.abc import Mapping
from functools import partial

from benchmarks.compare.workload import FLOOR, Workload
from benchmarks.compare.workloads.fetches import open_export, open_requests
from benchmarks.compare.workloads.kill import open_kill
from benchmarks.compare.workloads.lake import open_lake
from benchmarks.compare.workloads.launch import BACKFILL, open_launch
from benchmarks.compare.workloads.nightly import open_again, open_nightly
from benchmarks.compare.workloads.startup import open_startup
from benchmarks.compare.workloads.year import open_year

_NIGHTLY = (
    "Yesterday and the look-back of three days: four requests for each account, three of those days loaded before."
)

WORKLOADS: Mapping[str, Workload] = {
    "requests": Workload(
        "1,000 daily requests (4 accounts × 250 days)",
        5,
        FLOOR,
        open_requests,
        "The floor fetches with httpx, eight at once, and stores the raw bodies in a DuckDB table.",
    ),
    "export": Workload(
        "An export of 1,000,000 rows",
        5,
        FLOOR,
        partial(open_export, 1_000_000),
        "The floor streams the file to disk with httpx, and DuckDB reads it into a table of texts.",
    ),
    "export-10m": Workload("An export of 10,000,000 rows", 1, FLOOR, partial(open_export, 10_000_000)),
    "year": Workload(
        "{year} of seven accounts of all providers",
        3,
        FLOOR,
        open_year,
        "The floor makes as many daily requests. All rows of chatmart are compared with the truth.",
    ),
    "again": Workload(
        "A day of 100 accounts, loaded again",
        3,
        FLOOR,
        partial(open_again, 100),
        "One request for each account; every response is the same as before.",
    ),
    "nightly-7": Workload("A nightly load of 7 accounts", 5, FLOOR, partial(open_nightly, 7), _NIGHTLY),
    "nightly-100": Workload("A nightly load of 100 accounts", 3, FLOOR, partial(open_nightly, 100), _NIGHTLY),
    "nightly-1000": Workload("A nightly load of 1,000 accounts", 1, FLOOR, partial(open_nightly, 1000), _NIGHTLY),
    "lake": Workload(
        "{years} of {accounts} in both stores",
        1,
        FLOOR,
        open_lake,
        "CPU seconds are those of the commits, without building the rows. The floor inserts the same rows into plain "
        "DuckDB tables and asks simple questions.",
    ),
    "startup": Workload(
        "Commands that load nothing (seven accounts, a month loaded)",
        5,
        FLOOR,
        open_startup,
        "The floor starts Python, imports duckdb and runs SELECT 1.",
    ),
    "launch": Workload("{year} of one platform by Dagster", 1, BACKFILL, open_launch, "The ratio is to the same load."),
    "kill": Workload(
        "{year} of seven accounts, killed at a random moment and started again",
        5,
        "",
        open_kill,
        "Requests again: requests whose response had been sent before the kill. Most at once: requests that ran at the "
        "same time, summed over the providers. Jobs again: exports created a second time. All rows are compared with "
        "the truth.",
    ),
}
