"""The command: `python -m tests.power_cut --cuts 200 --store duckdb --seed 1`. Ends with 1 when a fault was found."""

import argparse
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from sandbox.server import Sandbox
from tests.power_cut.judge import CutOutcome
from tests.power_cut.run import Cut, build_states, choose_cuts, run_state
from tests.power_cut.trace import explain_missing_recorder
from tests.power_cut.workload import STORES, Recording, record_workload


def main() -> int:
    """Record the commands, cut the power at some places, print what stood, and each fault with how to repeat it."""
    parser = argparse.ArgumentParser(prog="python -m tests.power_cut", description="Cut the power, judge what stands.")
    parser.add_argument("--cuts", type=int, default=200, help="number of cuts")
    parser.add_argument("--store", choices=sorted(STORES), default="duckdb")
    parser.add_argument("--seed", type=int, default=1, help="the same seed cuts at the same share of the record")
    parser.add_argument("--minutes", type=float, default=600.0, help="begin no further cut after this time")
    parser.add_argument("--only", type=int, help="one cut by its number")
    parser.add_argument("--keep", type=Path, help="a folder for the states with a fault")
    options = parser.parse_args()
    if problem := explain_missing_recorder():
        sys.stderr.write(f"{problem}\n")
        return 2
    started = time.monotonic()
    outcomes: dict[Cut, CutOutcome] = {}
    with tempfile.TemporaryDirectory(prefix="power-cut-") as temporary, Sandbox() as sandbox:
        folder = Path(temporary) / "recorded"
        folder.mkdir()
        recording = record_workload(folder, sandbox, options.store)
        cuts = choose_cuts(recording, options.cuts, options.seed)
        keep = (options.keep or Path(temporary)).resolve()
        known: dict[tuple[str, int], CutOutcome] = {}
        for state in build_states(recording, cuts, options.seed):
            if options.only not in (None, state.cut.number):
                continue
            if time.monotonic() - started > options.minutes * 60:
                break
            key = (state.digest, len(recording.list_loaded_days(state.cut.place)))
            if key not in known:  # the same disk gives the same outcome
                name = f"{options.store}-{options.seed}-{state.cut.number}"
                known[key] = run_state(state, keep / name, sandbox, options.store, recording)
                print_faults(recording, state.cut, known[key])
            outcomes[state.cut] = known[key]
            sys.stderr.write(f"\r{len(outcomes)} of {len(cuts)} cuts")
            sys.stderr.flush()
    print_table(recording, outcomes)
    faulty = sum(bool(outcome.faults) for outcome in outcomes.values())
    words = f"{options.store}, seed {options.seed}, {time.monotonic() - started:.0f} s"
    sys.stdout.write(f"{len(outcomes)} cuts, {len(known)} different disks, {words}: {faulty} with a fault\n")
    return 1 if faulty else 0


def print_faults(recording: Recording, cut: Cut, outcome: CutOutcome) -> None:
    """Print the faults of one cut."""
    for fault in outcome.faults:
        before = recording.operations[cut.place - 1] if cut.place else None
        name = recording.find_command(cut.place).name
        sys.stdout.write(f"cut {cut.number} ({name}, {cut.loss}, after {str(before)[:80]}): {fault}\n")
    sys.stdout.flush()


def print_table(recording: Recording, outcomes: Mapping[Cut, CutOutcome]) -> None:
    """Print for each command and kind of loss: cuts, slices that stood, requests of the next run, faults."""
    rows: dict[tuple[str, str], list[CutOutcome]] = defaultdict(list)
    for cut, outcome in outcomes.items():
        rows[recording.find_command(cut.place).name, str(cut.loss)].append(outcome)
    sys.stdout.write("command | lost | cuts | published slices | requests of the next run | faults\n")
    for (name, loss), group in sorted(rows.items()):
        slices = sorted(outcome.published_slices for outcome in group)
        requests = sorted(outcome.requests for outcome in group)
        faults = sum(bool(outcome.faults) for outcome in group)
        spans = [f"{values[0]} to {values[-1]}" for values in (slices, requests)]
        sys.stdout.write(f"{name} | {loss} | {len(group)} | {spans[0]} | {spans[1]} | {faults}\n")


if __name__ == "__main__":
    sys.exit(main())
