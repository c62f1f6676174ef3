"""Five years of 100 accounts in both stores: commits, the ten questions of a BI tool, alone and while a load runs."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.compare.contestants import REPOSITORY, Chatmart
from benchmarks.compare.usage import measure
from benchmarks.compare.workload import FLOOR, Entry, Setting, Values

KINDS = {"duckdb": "DuckDB store", "parquet": "lake"}
_PROGRAMS = Path(__file__).parents[1] / "programs"


@contextmanager
def open_lake(setting: Setting) -> Iterator[Mapping[str, Entry]]:
    """Measure the stores of each chatmart that is a checkout: the store has no command."""
    size = (str(setting.years), str(setting.accounts))
    file_seconds: dict[str, float] = {}

    def measure_store(chatmart: Chatmart, kind: str, folder: Path) -> Values:
        command = [chatmart.python, _PROGRAMS / "store_years.py", kind, folder, *size]
        values = _measure_program(command, chatmart.checkout or REPOSITORY, folder)
        if kind == "duckdb":
            file_seconds[chatmart.name] = values["cpu_seconds"]
        if chatmart.name not in file_seconds:
            return values
        return {**values, "file_ratio": values["cpu_seconds"] / file_seconds[chatmart.name]}

    def measure_floor(folder: Path) -> Values:
        command = [sys.executable, _PROGRAMS / "floor_years.py", folder, *size]
        return _measure_program(command, REPOSITORY, folder)

    yield {
        **{
            f"{chatmart.name} {title}": partial(measure_store, chatmart, kind)
            for chatmart in setting.chatmarts
            if chatmart.checkout
            for kind, title in KINDS.items()
        },
        FLOOR: measure_floor,
    }


def _measure_program(command: list[str | Path], checkout: Path, folder: Path) -> Values:
    """Run a program with the modules of a checkout, and with this one's benchmarks where the checkout lacks them."""
    measure(command, {"PYTHONPATH": f"{checkout}:{REPOSITORY}"}, folder)
    values: Values = json.loads((folder / "output.txt").read_text().splitlines()[-1])
    return values
