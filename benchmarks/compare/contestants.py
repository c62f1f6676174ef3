"""Who is compared: versions of chatmart, the floor, dlt and Singer. Each loads through a command of its own.

A command is run in an empty folder. What it has loaded is counted afterwards.
"""

import compileall
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.compare.environments import prepare_environment
from benchmarks.compare.usage import Usage, measure

REPOSITORY = Path(__file__).parents[2]
PACKAGES = ("extractors", "transforms", "warehouse", "pipelines")
SECRETS = {"BENCH_KEY": "invented-key", "BENCH_PRIVACY_KEY": "invented-privacy-key-of-a-benchmark"}
_PROGRAMS = Path(__file__).parent / "programs"


@dataclass(frozen=True)
class Chatmart:
    """A chatmart to measure: a name for the tables, its command, and the checkout whose modules it runs, if any."""

    name: str
    command: Path
    checkout: Path | None

    @property
    def environment(self) -> dict[str, str]:
        """The variables that make the command use the modules of its own checkout."""
        return {"PYTHONPATH": str(self.checkout or "")}

    @property
    def python(self) -> Path:
        """The interpreter of the command's environment."""
        return self.command.with_name("python")

    def run(self, folder: Path, *arguments: str | Path, secrets: Mapping[str, str] = SECRETS) -> Usage:
        """Run a command with the folder's `chatmart.yaml` and return its cost. Raises RuntimeError when it fails."""
        return measure(self.build_command(folder, *arguments), {**self.environment, **secrets}, folder)

    def build_command(self, folder: Path, *arguments: str | Path) -> list[str | Path]:
        """Return the command line with the folder's `chatmart.yaml`."""
        return [self.command, "--config", folder / "chatmart.yaml", *arguments]

    def query(self, folder: Path, query: str, secrets: Mapping[str, str] = SECRETS) -> pa.Table:
        """Return the rows of `chatmart sql`."""
        output = folder / "rows.parquet"
        self.run(folder, "sql", "--output", output, query, secrets=secrets)
        return pq.read_table(output, partitioning=None)


def find_chatmart(name: str, path: Path) -> Chatmart:
    """Return the chatmart of a checkout, or of a command in an environment. Raises SystemExit when there is none.

    A command in the `.venv/bin` of a checkout runs the checkout's modules, whatever is installed.
    """
    command = path if path.is_file() else path / ".venv" / "bin" / "chatmart"
    command = command.absolute()  # not resolved: an environment may be shared between checkouts by a link
    if not command.is_file():
        raise SystemExit(f"{command} does not exist")
    around = command.parents[2]
    is_checkout = (around / "pipelines").is_dir() and (around / "pyproject.toml").is_file()
    return _compile_modules(Chatmart(name, command, around if is_checkout else None))


def find_own_chatmart() -> Chatmart:
    """Return the chatmart of this checkout, in the environment of the running interpreter."""
    return _compile_modules(Chatmart("chatmart", Path(sys.executable).with_name("chatmart"), REPOSITORY))


def _compile_modules(chatmart: Chatmart) -> Chatmart:
    """Compile a checkout's modules, as an installation does: where Python writes no bytecode each start would again."""
    if chatmart.checkout is not None:
        for package in PACKAGES:
            compileall.compile_dir(chatmart.checkout / package, quiet=1)
    return chatmart


def write_config(folder: Path, accounts: Sequence[Mapping[str, object]], **top_level: object) -> None:
    """Write the `chatmart.yaml` of a folder."""
    # JSON is YAML
    (folder / "chatmart.yaml").write_text(json.dumps({**top_level, "accounts": list(accounts)}))


def run_floor(program: str, folder: Path, *arguments: object) -> tuple[Usage, int]:
    """Run a floor program and return its cost and the conversations that it has loaded."""
    return _run_program(Path(sys.executable), f"floor_{program}.py", folder, {}, arguments)


def run_dlt(kind: str, folder: Path, origin: str) -> tuple[Usage, int]:
    """Run dlt, tuned, and return its cost and the conversations that it has loaded."""
    quiet = {"RUNTIME__DLTHUB_TELEMETRY": "false", "RUNTIME__LOG_LEVEL": "ERROR", "DLT_DATA_DIR": str(folder / "dlt")}
    return _run_program(prepare_environment("dlt") / "python", "dlt_load.py", folder, quiet, (origin, kind))


def run_singer(folder: Path, origin: str) -> tuple[Usage, int]:
    """Pipe a tap of the Singer SDK into target-duckdb; return the cost and the conversations that are loaded."""
    store = folder / "raw.duckdb"
    (folder / "tap.json").write_text(json.dumps({"origin": origin}))
    (folder / "target.json").write_text(json.dumps({"path": str(store), "default_target_schema": "main"}))
    tap = f"{prepare_environment('singer-tap') / 'python'} {_PROGRAMS / 'singer_tap.py'} --config tap.json"
    target = f"{prepare_environment('singer-target') / 'target-duckdb'} --config target.json"
    usage = measure(["sh", "-c", f"{tap} | {target}"], {}, folder)
    return usage, read_number(store, "SELECT sum(conversations) FROM raw")


def read_number(store: Path, query: str) -> int:
    """Return the only value of a query on a DuckDB file."""
    with duckdb.connect(str(store), read_only=True) as engine:
        row = engine.execute(query).fetchone()
    return int(row[0]) if row else 0


def list_commands(chatmart: Chatmart) -> list[str]:
    """List the commands that `chatmart --help` names."""
    environment = {**os.environ, **chatmart.environment}
    done = subprocess.run([chatmart.command, "--help"], env=environment, capture_output=True, text=True, check=True)
    return parse_commands(done.stdout)


def parse_commands(text: str) -> list[str]:
    """Return the names below `Commands:` of a help text."""
    lines = text.partition("\nCommands:\n")[2].splitlines()
    return [line.split()[0] for line in lines if line.startswith("  ") and not line.startswith("   ")]


def _run_program(
    python: Path, program: str, folder: Path, environment: Mapping[str, str], arguments: Sequence[object]
) -> tuple[Usage, int]:
    store = folder / "raw.duckdb"
    origin, *others = map(str, arguments)
    usage = measure([python, _PROGRAMS / program, origin, store, *others], environment, folder)
    return usage, read_number(store, "SELECT conversations FROM main.total")
