"""`python -m sandbox`: the five providers in the foreground until interrupted.

Only arguments and waiting are here.
"""

import argparse
import signal
import sys
from collections.abc import Iterator
from threading import Event

from sandbox.server import Sandbox
from sandbox.vendors import VENDOR_NAMES
from sandbox.world import World


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM. Write the origins and the accounts to stderr, one per line."""
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port of the five APIs; 0 takes a free one")
    parser.add_argument("--download-port", type=int, default=0, help="port of the export downloads; 0 takes a free one")
    parser.add_argument("--seed", type=int, default=7, help="another seed gives other conversations")
    options = parser.parse_args(arguments)
    stop_requested = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop_requested.set())
    with Sandbox(World(options.seed), api_port=options.port, download_port=options.download_port) as sandbox:
        sys.stderr.write("\n".join(describe_sandbox(sandbox)) + "\n")
        sys.stderr.flush()
        stop_requested.wait()
    return 0


def describe_sandbox(sandbox: Sandbox) -> Iterator[str]:
    """Yield the base URL of each API, then each account with its ids and its invented credential."""
    for provider in VENDOR_NAMES:
        yield f"{provider:12} {sandbox.base_url(provider)}"
    yield f"{'downloads':12} {sandbox.download_origin}"
    yield ""
    for account in sandbox.world.accounts.values():
        ids = " ".join(f"{name}={value}" for name, value in account.ids.items()) or "-"
        yield f"{account.name:15} {account.provider:12} {account.timezone:17} {ids:36} {account.credential}"


if __name__ == "__main__":
    sys.exit(main())
