"""`python -m benchmarks.compare`: each workload by each contestant in turn, some rounds, on one machine in one run.

Servers run beside the contestants and are not counted. The tables go to standard output as Markdown, progress to
standard error. The exit code is 1 only when a workload broke.
"""

import argparse
import sys
import tempfile
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.compare.contestants import REPOSITORY, Chatmart, find_chatmart, find_own_chatmart
from benchmarks.compare.machine import describe_machine, watch_other_work
from benchmarks.compare.page import format_section, write_page
from benchmarks.compare.registry import WORKLOADS
from benchmarks.compare.results import PATH, Measured, read_results, write_results
from benchmarks.compare.summary import find_worse, summarize
from benchmarks.compare.workload import Entry, Setting, Values

PAGE = REPOSITORY / "docs" / "performance.md"
_SIZES = ("days", "years", "accounts")


def parse_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.compare", description=__doc__)
    parser.add_argument("--rounds", type=int, help="default: each workload's own")
    parser.add_argument("--workload", nargs="+", choices=list(WORKLOADS), action="extend", help="default: all")
    parser.add_argument("--only", nargs="+", action="extend", metavar="ENTRY", help="entries to measure; default: all")
    parser.add_argument(
        "--chatmart", type=Path, metavar="PATH", help="another checkout or its .venv/bin/chatmart in place of this one"
    )
    parser.add_argument(
        "--also", action="append", default=[], metavar="NAME=PATH", help="a further chatmart, measured in turn"
    )
    parser.add_argument("--days", type=int, default=365, help="of the workloads of a year")
    parser.add_argument("--years", type=int, default=5, help="of the lake")
    parser.add_argument("--accounts", type=int, default=100, help="of the lake")
    parser.add_argument("--busy", action="store_true", help="keep the machine busy while back-fills are killed")
    parser.add_argument(
        "--simulate", action="store_true", help="count the instructions of `status` and `sql` with valgrind (slow)"
    )
    parser.add_argument("--write", action="store_true", help="write docs/performance.md and benchmarks/results.json")
    parser.add_argument("--against", type=Path, default=PATH, metavar="FILE", help="the table to compare with")
    options = parser.parse_args(arguments)
    options.is_full_size = all(getattr(options, name) == parser.get_default(name) for name in _SIZES)
    if options.write and (not options.is_full_size or options.only or options.also or options.chatmart):
        parser.error("--write needs all entries of this checkout, in full size")
    return options


def choose_chatmarts(options: argparse.Namespace) -> list[Chatmart]:
    """Return the versions of chatmart to measure."""
    own = find_chatmart("chatmart", options.chatmart) if options.chatmart else find_own_chatmart()
    further = [find_chatmart(name, Path(path)) for name, _, path in (text.partition("=") for text in options.also)]
    return [chatmart for chatmart in (own, *further) if not options.only or _is_chosen(chatmart, options.only)]


def _is_chosen(chatmart: Chatmart, only: Sequence[str]) -> bool:
    """Say whether an entry of this chatmart is chosen; an entry's name begins with it."""
    return any(name == chatmart.name or name.startswith(f"{chatmart.name} ") for name in only)


def measure_workload(name: str, setting: Setting, rounds: int | None) -> Measured:
    """Measure all entries of a workload in turn. Raises the error of the first one that fails."""
    workload = WORKLOADS[name]
    count = rounds or workload.rounds
    with watch_other_work() as other_work, workload.open_entries(setting) as entries:
        runs = _measure_in_turn(name, setting.choose(entries), count)
    rows = summarize(runs, workload.reference)
    title = setting.fill_title(workload.title)
    return Measured(name, title, workload.reference, workload.reading, count, other_work.describe(), rows)


def _measure_in_turn(workload: str, entries: Mapping[str, Entry], rounds: int) -> Mapping[str, Sequence[Values]]:
    runs: dict[str, list[Values]] = {name: [] for name in entries}
    for number in range(1, rounds + 1):
        for name, entry in entries.items():
            with tempfile.TemporaryDirectory() as folder:
                values = entry(Path(folder))
            runs[name].append(values)
            figures = ", ".join(f"{metric} {value:.4g}" for metric, value in values.items())
            print(f"{workload} {number}/{rounds} {name}: {figures}", file=sys.stderr, flush=True)
    return runs


def main() -> int:
    """Measure, print, compare, and write if asked to."""
    options = parse_options()
    setting = Setting(
        choose_chatmarts(options),
        frozenset(options.only or ()),
        options.days,
        options.years,
        options.accounts,
        options.busy,
        options.simulate,
    )
    machine = describe_machine()
    print(", ".join(f"{name} {value}" for name, value in machine.items()), flush=True)
    earlier = read_results(options.against)
    results = read_results(PATH)
    exit_code = 0
    for name in options.workload or WORKLOADS:
        try:
            measured = measure_workload(name, setting, options.rounds)
        except Exception:  # noqa: BLE001 - a workload that breaks must not hide the others
            traceback.print_exc()
            print(f"broke: {name}", flush=True)
            exit_code = 1
            continue
        results[name] = measured
        print(f"\n{format_section(measured)}", flush=True)
        if name in earlier and options.is_full_size:
            print("\n".join(find_worse(name, measured.rows, earlier[name].rows)), flush=True)
        if options.write:
            in_order = {known: results[known] for known in WORKLOADS if known in results}
            write_results(PATH, machine, in_order)
            write_page(PAGE, machine, list(in_order.values()))
    return exit_code


if __name__ == "__main__":
    sys.exit(main())
