"""Tables in Markdown, and the page `docs/performance.md` whose tables are written between two markers."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.compare.results import Measured
from benchmarks.compare.summary import RATIO, Rows, Spread

START, END = "<!-- tables: make bench -->", "<!-- end of the tables -->"
LABELS = {
    "cpu_seconds": "CPU s",
    RATIO: "× reference",
    "file_ratio": "× DuckDB store",
    "beyond_load_cpu_seconds": "beyond the load, CPU s",
    "instructions": "instructions, 10⁹",
    "wall_seconds": "wall s",
    "peak_megabytes": "peak MB",
    "requests": "requests",
    "cpu_ms_per_account": "CPU ms an account",
    "cpu_ms_beyond_floor": "beyond the floor",
    "landing_files": "landing files",
    "landing_megabytes": "landing MB",
    "landing_disk_megabytes": "MB on disk",
    "store_files": "files",
    "store_megabytes": "published MB",
    "day_again_cpu_seconds": "a day again, CPU s",
    "questions_p50_ms": "question p50 ms",
    "questions_p95_ms": "p95 ms",
    "questions_cpu_ms": "CPU ms",
    "questions_while_loading_p50_ms": "during a load p50 ms",
    "questions_while_loading_p95_ms": "p95 ms",
    "requests_before_kill": "before the kill",
    "most_at_once": "most at once",
    "requests_again": "requests again",
    "jobs_again": "jobs again",
    "runs": "runs",
}
_WITH_RANGE = ("cpu_seconds", RATIO, "requests_before_kill", "requests_again", "jobs_again", "questions_p95_ms")
_UNITS: Mapping[str, float] = {"instructions": 1e9}


def format_table(rows: Rows, reference: str) -> str:
    """Return a table with a line for each entry; the metrics of ``LABELS`` that an entry has are its columns."""
    metrics = [name for name in LABELS if any(name in row for row in rows.values())]
    labels = [f"× {reference}" if name == RATIO else LABELS[name] for name in metrics]
    lines = [f"| | {' | '.join(labels)} |", "|---|" + "--:|" * len(labels)]
    lines += [
        f"| {name} | {' | '.join(_format_cell(metric, row.get(metric)) for metric in metrics)} |"
        for name, row in rows.items()
    ]
    return "\n".join(lines)


def _format_cell(metric: str, spread: Spread | None) -> str:
    if spread is None:
        return "–"
    unit = _UNITS.get(metric, 1)
    form = _choose_form(metric, spread.median / unit)
    median, least, greatest = (form.format(value / unit) for value in (spread.median, spread.least, spread.greatest))
    return f"{median} ({least}–{greatest})" if metric in _WITH_RANGE and least != greatest else median


def _choose_form(metric: str, value: float) -> str:
    if metric.startswith(("requests", "runs", "jobs", "peak", "most")) or metric.endswith("files") or abs(value) >= 100:
        return "{:,.0f}"
    return "{:.2f}" if abs(value) < 10 else "{:.1f}"


def format_section(measured: Measured) -> str:
    """Return heading, circumstances, table and notes of a workload."""
    rounds = f"{measured.rounds} round{'s' * (measured.rounds > 1)} in turn"
    lines = [f"### {measured.title}", "", f"`{measured.name}`: {rounds}; {measured.circumstances}.", ""]
    lines += [format_table(measured.rows, measured.reference), ""]
    return "\n".join([*lines, measured.reading, ""] if measured.reading else lines)


def write_page(path: Path, machine: Mapping[str, str], workloads: Sequence[Measured]) -> None:
    """Replace the tables of the page. Raises ValueError when it has not both markers."""
    text = path.read_text("utf-8")
    versions = ", ".join(f"{name} {version}" for name, version in machine.items() if name != "processors")
    heading = f"Last measured on {machine['processors']} processors with {versions}."
    tables = "\n".join(map(format_section, workloads))
    path.write_text(replace_between_markers(text, f"{heading}\n\n{tables}"), "utf-8")


def replace_between_markers(text: str, tables: str) -> str:
    """Return the page with other tables. Raises ValueError when it has not both markers."""
    if text.count(START) != 1 or text.count(END) != 1:
        raise ValueError(f"the page needs one line {START} and one line {END}")
    head, _, rest = text.partition(START)
    return f"{head}{START}\n{tables}{END}{rest.partition(END)[2]}"
