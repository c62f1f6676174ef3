"""A year of nights of a landing zone in an object store: objects of an account, what a listing and a night cost.

`python -m benchmarks.landing_year` prints a Markdown table. The nights are those of ``benchmarks.landing_objects``. The
store is in the memory of this process: requests are counted, their time is not part of the figures. An object store
answers a listing with pages of 1,000 objects, each a request.
"""

import argparse
import math
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from obstore.store import MemoryStore

from benchmarks.landing_objects import FIRST, MeasuredObjects, run_night
from extractors.landing.copy_folders import CopyFolder
from extractors.landing.mirror import Mirror
from extractors.landing.shared_zone import SharedLandingZone

OBJECTS_IN_A_PAGE = 1_000


def simulate(accounts: Sequence[str], shown: Sequence[int]) -> Iterator[str]:
    """Run nights of some accounts, and yield a line of the table for each number of nights in `shown`."""
    objects = MeasuredObjects(MemoryStore())
    with tempfile.TemporaryDirectory() as name:
        zone = SharedLandingZone(Mirror(objects, CopyFolder(Path(name) / "copies"), 2**40))
        for night in range(max(shown)):
            objects.counts.clear()
            cpu = time.process_time()
            run_night(zone, accounts, night)
            cpu = time.process_time() - cpu
            if night + 1 in shown:
                requests, lists = objects.counts.total(), objects.counts["list_objects"]
                held = len(objects.list_objects(f"provider=cognigy/account={accounts[0]}"))
                everything = len(objects.list_objects(""))
                pages = math.ceil(held / OBJECTS_IN_A_PAGE)
                count = len(accounts)
                yield (
                    f"| {night + 1} | {held:,} | {everything / count:,.0f} | {requests / count:g} | {lists / count:g} "
                    f"| {pages} | {cpu * 1000 / count:.0f} |"
                )


def main() -> None:
    """Simulate and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accounts", type=int, default=3)
    parser.add_argument("--nights", nargs="*", type=int, default=[30, 180, 365], help="when a line is printed")
    options = parser.parse_args()
    accounts = [f"account-{number:03}" for number in range(options.accounts)]
    print(f"Nights from {FIRST}, an account's share of {options.accounts}\n")
    print(
        "| nights | objects of an account | of all, by account | requests a night "
        "| of which listings | pages of one | CPU ms |"
    )
    print("|--:|--:|--:|--:|--:|--:|--:|")
    for line in simulate(accounts, options.nights):
        print(line, flush=True)


if __name__ == "__main__":
    main()
