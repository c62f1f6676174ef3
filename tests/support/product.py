"""The real command in a real process against a running sandbox: configuring, running, asking. For end-to-end tests."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from sandbox.accounts import SandboxAccount
from sandbox.config import config_for, environment
from sandbox.server import Sandbox
from sandbox.truth import truth
from warehouse.stores import open_store

CHATMART = Path(sys.executable).with_name("chatmart")

VIEWS = (
    "conversation_daily",
    "channel_daily",
    "intent_daily",
    "language_daily",
    "country_daily",
    "metric_daily",
    "team_daily",
    "conversation",
    "conversation_intent",
    "flow_transition",
    "end_reason_daily",
    "topic_daily",
    "token_daily",
    "type_daily",
    "inbox_daily",
)

_VIEWED_METRICS = ("end_reason", "topic", "tokens", "type", "inbox")  # the truth tells these in their own views only


@dataclass
class Product:
    """A folder with a configuration for a sandbox's accounts."""

    folder: Path
    sandbox: Sandbox
    accounts: Sequence[SandboxAccount]
    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    rate: Mapping[str, Any] = field(default_factory=lambda: {"requests": 100_000, "period_seconds": 1})

    def __post_init__(self) -> None:
        self.configure()

    def configure(self, **extra: Any) -> None:
        document = config_for(
            self.sandbox, self.accounts, self.overrides, **{"defaults": {"rate_limit": dict(self.rate)}, **extra}
        )
        (self.folder / "chatmart.yaml").write_text(yaml.safe_dump(document))

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, **environment(self.accounts), "CHATMART_CONFIG": str(self.folder / "chatmart.yaml")}

    def run(self, *arguments: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [CHATMART, *arguments], env=self.environment, cwd=self.folder, text=True, capture_output=True, check=False
        )
        assert done.returncode == expect, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done

    def backfill(self, first: date, last: date, *more: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        return self.run("backfill", "--from", str(first), "--to", str(last), *more, expect=expect)

    def ask(self, query: str) -> list[dict[str, Any]]:
        answer: list[dict[str, Any]] = json.loads(self.run("sql", query, "--format", "json").stdout)
        return answer

    def view(self, name: str, account: str) -> list[dict[str, Any]]:
        store = open_store("duckdb://data/warehouse.duckdb", self.folder)
        found: list[dict[str, Any]] = store.read(f"SELECT * FROM {name} WHERE account = '{account}'").to_pylist()
        if name == "metric_daily":
            return [row for row in found if row["metric"] not in _VIEWED_METRICS]
        return found

    def differences(self, days: Iterable[date], views: Iterable[str] = VIEWS) -> tuple[int, list[str]]:
        """Rows compared over all accounts, and a line for each row that truth and warehouse do not share."""
        compared, lines = 0, []
        wanted = list(days)
        for view in views:
            for account in self.accounts:
                told = truth(self.sandbox.world, account.name, view, wanted, switches=self.sandbox.switches)
                loaded = self.view(view, account.name)
                columns = sorted(set(told[0]) & set(loaded[0])) if told and loaded else []
                left, right = (Counter(_comparable(row, columns) for row in rows) for rows in (told, loaded))
                compared += sum((left | right).values())
                lines += [f"{view} only in truth: {dict(zip(columns, row, strict=True))}" for row in left - right]
                lines += [f"{view} only loaded: {dict(zip(columns, row, strict=True))}" for row in right - left]
        return compared, lines

    def everything(self) -> dict[str, list[str]]:
        """The contents of all views, for comparing two warehouses."""
        store = open_store("duckdb://data/warehouse.duckdb", self.folder)
        return {view: sorted(map(str, store.read(f"SELECT * FROM {view}").to_pylist())) for view in VIEWS}


def days_from(first: date, count: int) -> list[date]:
    return [first + timedelta(days=number) for number in range(count)]


def _comparable(row: Mapping[str, Any], columns: Iterable[str]) -> tuple[str, ...]:
    return tuple(_plain(row[column]) for column in columns)


def _plain(value: Any) -> str:
    if isinstance(value, Decimal | int) and not isinstance(value, bool):
        return format(Decimal(value).normalize(), "f")
    if isinstance(value, datetime):
        return str(value.timestamp())
    return repr(value)
