"""Who is compared: for each workload, the command of a contestant and the conversations that it has loaded."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import duckdb

from benchmarks.compare.environments import prepare_environment
from benchmarks.compare.server import ACCOUNTS, DAYS, FIRST_DAY
from benchmarks.export_memory import MONTH

CHATMART = Path(sys.executable).with_name("chatmart")
REPOSITORY = Path(__file__).parents[2]
_PROGRAMS = Path(__file__).parent / "programs"
_SECRETS = {"BENCH_KEY": "invented-key", "BENCH_PRIVACY_KEY": "invented-privacy-key"}


@dataclass(frozen=True)
class Run:
    """A prepared run: its command and environment, and how its loaded conversations are counted afterwards."""

    command: Sequence[str | Path]
    count_conversations: Callable[[], int]
    environment: Mapping[str, str] = field(default_factory=dict)


Contestant = Callable[[str, Path], Run]
"""Prepares a run against the server of this origin in an empty folder."""


def prepare_chatmart_requests(origin: str, folder: Path) -> Run:
    """Back-fill 250 days of four accounts by one request a day."""
    accounts = [
        {"name": name, "provider": "chatdash", "project_id": name, "api_key": "${BENCH_KEY}", "base_url": origin}
        for name in ACCOUNTS
    ]
    last_day = FIRST_DAY + timedelta(days=DAYS - 1)
    limits = {"requests": 100_000, "period_seconds": 1, "concurrency": 4}
    return _prepare_backfill(folder, accounts, str(FIRST_DAY), str(last_day), {"rate_limit": limits})


def prepare_chatmart_export(origin: str, folder: Path) -> Run:
    """Back-fill a month of one account by one export job."""
    account = {
        "name": "voice",
        "provider": "chatcaptain",
        "chatbot_id": "c1",
        "api_key": "${BENCH_KEY}",
        "streams": ["export"],
        "base_url": origin,
        "download_hosts": ["127.0.0.1"],
        "export_poll_seconds": [0.05, 0.1],
        "privacy": {"key": "${BENCH_PRIVACY_KEY}"},
    }
    last_day = MONTH[1] - timedelta(days=1)
    query = "SELECT count(*) FROM conversation"
    return _prepare_backfill(folder, [account], str(MONTH[0]), str(last_day), {}, query)


def _prepare_backfill(
    folder: Path,
    accounts: Sequence[Mapping[str, object]],
    first: str,
    last: str,
    defaults: Mapping[str, object],
    query: str = "SELECT sum(conversations) FROM conversation_daily",
) -> Run:
    path = folder / "chatmart.yaml"
    # JSON is YAML
    path.write_text(json.dumps({"defaults": {"start_date": first, **defaults}, "accounts": list(accounts)}))

    def count() -> int:
        command = [CHATMART, "--config", path, "sql", "--format", "csv", query]
        environment = {**os.environ, **_SECRETS}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return int(done.stdout.split()[-1])

    return Run([CHATMART, "--config", path, "backfill", "--from", first, "--to", last], count, _SECRETS)


def prepare_floor_requests(origin: str, folder: Path) -> Run:
    """Fetch with httpx and store the raw rows with DuckDB."""
    return _prepare_floor("floor_requests", origin, folder)


def prepare_floor_export(origin: str, folder: Path) -> Run:
    """Fetch with httpx and store the raw rows with DuckDB."""
    return _prepare_floor("floor_export", origin, folder)


def _prepare_floor(module: str, origin: str, folder: Path) -> Run:
    store = folder / "raw.duckdb"
    command = [sys.executable, "-m", f"benchmarks.compare.programs.{module}", origin, store]
    return Run(command, lambda: _read_total(store), {"PYTHONPATH": str(REPOSITORY)})


def prepare_dlt_requests(origin: str, folder: Path) -> Run:
    """dlt, tuned."""
    return _prepare_dlt("requests", origin, folder)


def prepare_dlt_export(origin: str, folder: Path) -> Run:
    """dlt, tuned, by Arrow batches."""
    return _prepare_dlt("export", origin, folder)


def _prepare_dlt(kind: str, origin: str, folder: Path) -> Run:
    store = folder / "raw.duckdb"
    command = [prepare_environment("dlt") / "python", _PROGRAMS / "dlt_load.py", kind, origin, store]
    quiet = {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR", "DLT_DATA_DIR": str(folder / "dlt")}
    return Run(command, lambda: _read_total(store), quiet)


def prepare_singer_requests(origin: str, folder: Path) -> Run:
    """A tap of the Singer SDK, piped into target-duckdb."""
    store = folder / "raw.duckdb"
    (folder / "tap.json").write_text(json.dumps({"origin": origin}))
    (folder / "target.json").write_text(json.dumps({"path": str(store), "default_target_schema": "main"}))
    tap = f"{prepare_environment('singer-tap') / 'python'} {_PROGRAMS / 'singer_tap.py'} --config tap.json"
    target = f"{prepare_environment('singer-target') / 'target-duckdb'} --config target.json"
    query = "SELECT sum(conversations) FROM raw"
    return Run(["sh", "-c", f"{tap} | {target}"], lambda: _read_total(store, query))


def _read_total(store: Path, query: str = "SELECT conversations FROM main.total") -> int:
    with duckdb.connect(str(store), read_only=True) as engine:
        row = engine.execute(query).fetchone()
    return int(row[0]) if row else 0


WORKLOADS: Mapping[str, Mapping[str, Contestant]] = {
    "requests": {
        "chatmart": prepare_chatmart_requests,
        "floor": prepare_floor_requests,
        "dlt": prepare_dlt_requests,
        "singer": prepare_singer_requests,
    },
    "export": {
        "chatmart": prepare_chatmart_export,
        "floor": prepare_floor_export,
        "dlt": prepare_dlt_export,
    },
}
