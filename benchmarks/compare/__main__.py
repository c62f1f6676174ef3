"""`python -m benchmarks.compare`: each workload by each contestant in turn, some rounds, against one loopback server.

The server runs in a process of its own and is not counted. A contestant whose loaded conversations differ from what
was served ends the run. The tables go to standard output as Markdown.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.compare.contestants import WORKLOADS, Contestant
from benchmarks.compare.server import expected_conversations, write_csv
from benchmarks.compare.usage import Usage, measure

TITLES = {"requests": "1,000 daily requests (4 accounts x 250 days)", "export": "An export of {rows:,} rows"}


@contextmanager
def run_server(csv_path: Path) -> Iterator[str]:
    """Run the server and yield its origin."""
    command = [sys.executable, "-m", "benchmarks.compare.server", str(csv_path)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()


def measure_contestant(contestant: Contestant, origin: str, expected: int) -> Usage:
    """Run a contestant once in an empty folder. Raises SystemExit when it loaded something else."""
    with tempfile.TemporaryDirectory() as name:
        run = contestant(origin, Path(name))
        usage = measure(run.command, run.environment, Path(name))
        loaded = run.count_conversations()
        if loaded != expected:
            raise SystemExit(f"{run.command}: loaded {loaded} conversations of {expected}")
    return usage


def format_table(usages: Mapping[str, Sequence[Usage]]) -> str:
    """Return a Markdown table: medians and range of CPU seconds, wall seconds and peak memory, ratio to the floor."""
    floor = statistics.median(usage.cpu_seconds for usage in usages["floor"]) if "floor" in usages else None
    lines = ["| | CPU s (range) | x floor | wall s | peak MB |", "|---|--:|--:|--:|--:|"]
    for name, measured in usages.items():
        seconds = sorted(usage.cpu_seconds for usage in measured)
        median = statistics.median(seconds)
        ratio = f"{median / floor:.2f}" if floor else "–"
        wall = statistics.median(usage.wall_seconds for usage in measured)
        peak = statistics.median(usage.peak_megabytes for usage in measured)
        lines.append(
            f"| {name} | {median:.2f} ({seconds[0]:.2f}–{seconds[-1]:.2f}) | {ratio} | {wall:.1f} | {peak:.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--rows", type=int, default=1_000_000, help="of the export")
    parser.add_argument("--workload", choices=list(WORKLOADS), action="append")
    parser.add_argument("--only", action="append", help="contestants; default: all")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        csv_path = Path(folder) / "export.csv"
        write_csv(csv_path, options.rows)
        with run_server(csv_path) as origin:
            for workload in options.workload or WORKLOADS:
                expected = expected_conversations() if workload == "requests" else options.rows
                chosen = {
                    name: contestant
                    for name, contestant in WORKLOADS[workload].items()
                    if not options.only or name in options.only
                }
                usages: dict[str, list[Usage]] = {name: [] for name in chosen}
                for _ in range(options.rounds):
                    for name, contestant in chosen.items():
                        usages[name].append(measure_contestant(contestant, origin, expected))
                print(f"\n## {TITLES[workload].format(rows=options.rows)}\n\n{format_table(usages)}", flush=True)


if __name__ == "__main__":
    main()
