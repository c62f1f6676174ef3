"""The command: ``python -m tests.torture --seeds 200 --store duckdb parquet``. Ends with 1 when something is wrong."""

import argparse
import os
import resource
import shutil
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.torture.command_process import prepare_processes
from tests.torture.run import STORES, TortureReport, run_seed


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Carry out the plans of some seeds; print a line for each, what went wrong, and the sums."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.torture", description="Random faults, kills and restatements."
    )
    parser.add_argument("--seeds", type=int, default=200, help="number of seeds")
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--store", nargs="*", default=sorted(STORES), choices=sorted(STORES))
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="seeds at the same time")
    parser.add_argument("--story", action="store_true", help="print every step")
    parser.add_argument("--keep", type=Path, help="keep the folders of failed seeds here")
    options = parser.parse_args()
    context, began = prepare_processes(), time.monotonic()
    reports = []
    with ThreadPoolExecutor(options.processes) as pool:
        futures = [
            pool.submit(_run_in_folder, context, seed, store, options.keep)
            for seed in range(options.first, options.first + options.seeds)
            for store in options.store
        ]
        for future in as_completed(futures):
            reports.append(future.result())
            _print_report(reports[-1], options.story)
    _print_sums(reports, time.monotonic() - began)
    return int(any(report.wrongs for report in reports))


def _run_in_folder(context: object, seed: int, store: str, keep: Path | None) -> TortureReport:
    folder = Path(tempfile.mkdtemp(prefix=f"torture-{seed}-{store}-"))
    try:
        report = run_seed(context, seed, store, folder)
    except Exception as error:  # noqa: BLE001 - the other seeds go on
        report = TortureReport(seed, store, wrongs=[f"{type(error).__name__}: {error}"])
    if report.wrongs and keep:
        shutil.copytree(folder, keep / folder.name)
    shutil.rmtree(folder, ignore_errors=True)
    return report


def _print_report(report: TortureReport, story: bool) -> None:
    faults = report.faults.total()
    verdict = "WRONG" if report.wrongs else "ok"
    _write(
        f"{report.store} seed {report.seed}: {verdict}; {report.hours:,.0f} h, {report.commands} commands, "
        f"{report.kills} killed, {faults} faults"
    )
    for line in report.story if story or report.wrongs else ():
        _write(f"    {line}")
    for wrong in report.wrongs:
        _write(f"  WRONG: {wrong}")
    if report.wrongs:
        _write(f"  again: python -m tests.torture --first {report.seed} --seeds 1 --store {report.store} --story")


def _print_sums(reports: list[TortureReport], seconds: float) -> None:
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu_seconds = sum(part.ru_utime + part.ru_stime for part in usage)
    _write("\n| store | seeds | simulated hours | commands | killed | faults met | wrong |")
    _write("|---|--:|--:|--:|--:|--:|--:|")
    for store in sorted({report.store for report in reports}):
        group = [report for report in reports if report.store == store]
        hours, commands = sum(report.hours for report in group), sum(report.commands for report in group)
        kills, wrongs = sum(report.kills for report in group), sum(bool(report.wrongs) for report in group)
        faults = sum(report.faults.total() for report in group)
        _write(f"| {store} | {len(group)} | {hours:,.0f} | {commands:,} | {kills:,} | {faults:,} | {wrongs} |")
    kinds: Counter[str] = Counter()
    for report in reports:
        kinds += report.faults
    _write("\nfaults met: " + ", ".join(f"{kind} {count:,}" for kind, count in sorted(kinds.items())))
    _write(f"{seconds:,.0f} s, {cpu_seconds:,.0f} CPU s (without the commands)")


if __name__ == "__main__":
    raise SystemExit(main())
