"""The command: ``python -m tests.fuzz --mutations 20000 --seed 1``. Ends with 1 when an outcome is wrong."""

import argparse
import logging
import os
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor, as_completed

from tests.fuzz.run import Verdict, run_changes
from tests.fuzz.subjects import PLANS, SubjectPlan

SHARE_OF_FILES = 0.5
"""An export takes about five times as long as another answer: its accounts get fewer changes."""
CHANGES_AT_ONCE = 250
OUTCOMES = ("equal", "drift", "as told", "NULL", "unexplained", "refused", "crashed", "WRONG")

Task = tuple[SubjectPlan, int, range, str]


def main() -> int:
    """Run the changes in processes, print a table and each wrong outcome with the line that repeats it."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Change answers, judge what is loaded.")
    parser.add_argument("--mutations", type=int, default=20_000, help="number of changed answers")
    parser.add_argument("--seed", type=int, default=1, help="the same seed changes the same answers")
    parser.add_argument(
        "--subjects", nargs="*", default=[], help="only these accounts: " + ", ".join(plan.name for plan in PLANS)
    )
    parser.add_argument("--change", default="", help="only this kind of change, by its name in the table")
    parser.add_argument("--only", type=int, help="one change by its number")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    started = time.monotonic()
    plans = [plan for plan in PLANS if not options.subjects or plan.name in options.subjects]
    tasks = list(divide_changes(plans, options.seed, options.mutations, options.change))
    if options.only is not None:
        tasks = [(plan, options.seed, range(options.only, options.only + 1), options.change) for plan in plans]
    verdicts = run_tasks(tasks, options.processes)
    print_table(verdicts)
    faults = [verdict for verdict in verdicts if verdict.fault]
    print_faults(faults, options.seed)
    seconds = time.monotonic() - started
    words = f"seed {options.seed}, {seconds:.0f} s, {measure_cpu_seconds():.0f} s of CPU"
    sys.stdout.write(f"{len(verdicts):,} changed answers, {words}: {len(faults)} wrong\n")
    return 1 if faults else 0


def measure_cpu_seconds() -> float:
    """Return the CPU time of this process and of those that it has ended, in seconds."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def divide_changes(plans: list[SubjectPlan], seed: int, mutations: int, change: str) -> Iterable[Task]:
    """Yield tasks that together have the number of changes."""
    weights = [SHARE_OF_FILES if "export" in plan.settings.get("streams", ()) else 1.0 for plan in plans]
    counts = [int(mutations * weight / sum(weights)) for weight in weights]
    counts[0] += mutations - sum(counts)
    for plan, count in zip(plans, counts, strict=True):
        for first in range(0, count, CHANGES_AT_ONCE):
            yield plan, seed, range(first, min(first + CHANGES_AT_ONCE, count)), change


def run_tasks(tasks: list[Task], processes: int) -> list[Verdict]:
    """Run tasks in processes; return the verdicts in the order of the tasks."""
    if len(tasks) == 1:
        return run_task(tasks[0])
    with ProcessPoolExecutor(processes) as pool:
        futures = {pool.submit(run_task, task): number for number, task in enumerate(tasks)}
        results: dict[int, list[Verdict]] = {}
        for future in as_completed(futures):
            results[futures[future]] = future.result()
            sys.stderr.write(f"\r{len(results)} of {len(tasks)} parts")
        sys.stderr.write("\n")
    return [verdict for number in sorted(results) for verdict in results[number]]


def run_task(task: Task) -> list[Verdict]:
    """Run one task, without the product's log."""
    logging.disable(logging.CRITICAL)
    return run_changes(*task)


def print_table(verdicts: list[Verdict]) -> None:
    """Print the outcomes by provider and kind of change."""
    counts = Counter((verdict.provider, verdict.mutation, verdict.result) for verdict in verdicts)
    rows = sorted({(provider, mutation) for provider, mutation, _ in counts})
    line = "{:<12} {:<24} " + " ".join("{:>11}" for _ in OUTCOMES) + "\n"
    sys.stdout.write(line.format("provider", "change", *OUTCOMES))
    for provider, mutation in rows:
        sys.stdout.write(
            line.format(provider, mutation, *(counts[provider, mutation, name] or "" for name in OUTCOMES))
        )
    for provider in sorted({verdict.provider for verdict in verdicts}):
        totals = Counter(verdict.result for verdict in verdicts if verdict.provider == provider)
        sys.stdout.write(line.format(provider, "all", *(totals[name] for name in OUTCOMES)))
    totals = Counter(verdict.result for verdict in verdicts)
    sys.stdout.write(line.format("all", "all", *(totals[name] for name in OUTCOMES)))


def print_faults(faults: list[Verdict], seed: int, at_most: int = 3) -> None:
    """Print the wrong outcomes by kind, each kind with a few examples."""
    kinds: dict[tuple[str, ...], list[Verdict]] = {}
    for verdict in faults:
        kinds.setdefault((verdict.provider, verdict.stream, verdict.mutation, verdict.fault or ""), []).append(verdict)
    for (provider, stream, mutation, fault), examples in sorted(kinds.items()):
        sys.stdout.write(f"\nWRONG {provider}.{stream} {mutation}: {fault} ({len(examples)})\n")
        for verdict in examples[:at_most]:
            sys.stdout.write(f"  {_cut(verdict.note, 160)}\n    -> {_cut(verdict.outcome, 300)}\n")
            sys.stdout.write(
                f"    python -m tests.fuzz --seed {seed} --subjects {verdict.subject} --only {verdict.number}\n"
            )


def _cut(text: str, length: int) -> str:
    line = " ".join(text.split())
    return line if len(line) <= length else f"{line[: length - 3]}..."


if __name__ == "__main__":
    sys.exit(main())
