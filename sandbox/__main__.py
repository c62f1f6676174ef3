"""`python -m sandbox`: the five providers in the foreground until interrupted.

Only arguments and waiting are here.
"""

import argparse
import signal
import sys
from collections.abc import Iterator
from datetime import date
from threading import Event

from sandbox.demo.world import build_restated_demo_world, choose_first_day
from sandbox.server import Sandbox
from sandbox.vendors import VENDOR_NAMES
from sandbox.world import World, utc_now

DEMO, SAMPLE = "demo", "sample"
WORLDS = (DEMO, SAMPLE)


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM. Write the origins and the accounts to stderr, one per line.

    Raises OSError when a port is taken.
    """
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port of the five APIs; 0 takes a free one")
    parser.add_argument("--download-port", type=int, default=0, help="port of the export downloads; 0 takes a free one")
    parser.add_argument("--seed", type=int, default=7, help="another seed gives other conversations")
    parser.add_argument("--world", choices=WORLDS, default=SAMPLE, help="whose conversations")
    parser.add_argument("--first-day", type=date.fromisoformat, help="first day of the demo's events")
    options = parser.parse_args(arguments)
    stop_requested = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop_requested.set())
    world = build_world(options.world, options.seed, options.first_day)
    with Sandbox(world, api_port=options.port, download_port=options.download_port) as sandbox:
        sys.stderr.write("\n".join(describe_sandbox(sandbox)) + "\n")
        sys.stderr.flush()
        stop_requested.wait()
    return 0


def build_world(name: str, seed: int, first_day: date | None) -> World:
    """Return one of `WORLDS`. The events of the demo are counted from `first_day`, by default 60 days ago."""
    if name == SAMPLE:
        return World(seed)
    return build_restated_demo_world(first_day or choose_first_day(utc_now().date()), seed)


def describe_sandbox(sandbox: Sandbox) -> Iterator[str]:
    """Yield the base URL of each API, then each account with its ids and its invented credential."""
    for provider in VENDOR_NAMES:
        yield f"{provider:12} {sandbox.base_url(provider)}"
    yield f"{'downloads':12} {sandbox.download_origin}"
    yield ""
    width = max(len(name) for name in sandbox.world.accounts)
    for account in sandbox.world.accounts.values():
        ids = " ".join(f"{name}={value}" for name, value in account.ids.items()) or "-"
        yield f"{account.name:{width}} {account.provider:12} {account.timezone:17} {ids:36} {account.credential}"


if __name__ == "__main__":
    sys.exit(main())
