"""The measured workloads as plain data: `benchmarks/results.json` has those of the last release."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.compare.summary import Rows, Spread

PATH = Path(__file__).parents[1] / "results.json"


@dataclass(frozen=True)
class Measured:
    """A measured workload; ``circumstances`` say how long it took and what else ran."""

    name: str
    title: str
    reference: str
    reading: str
    rounds: int
    circumstances: str
    rows: Rows


def read_results(path: Path) -> dict[str, Measured]:
    """Return the workloads of a file by name; none when it is missing."""
    if not path.exists():
        return {}
    return {name: _parse(entry) for name, entry in json.loads(path.read_text("utf-8"))["workloads"].items()}


def write_results(path: Path, machine: Mapping[str, str], workloads: Mapping[str, Measured]) -> None:
    """Write the workloads; numbers have four digits, so that a change can be read."""
    entries = {name: asdict(measured) for name, measured in workloads.items()}
    document = {"machine": dict(machine), "workloads": _round_numbers(entries)}
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _parse(entry: Mapping[str, Any]) -> Measured:
    rows = {
        name: {metric: Spread(**spread) for metric, spread in metrics.items()}
        for name, metrics in entry["rows"].items()
    }
    return Measured(**{**entry, "rows": rows})


def _round_numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _round_numbers(entry) for name, entry in value.items()}
    return float(f"{value:.4g}") if isinstance(value, float) else value
