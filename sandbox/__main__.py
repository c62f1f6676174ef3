"""`python -m sandbox`: the five providers in the foreground until interrupted.

Only arguments and waiting live here.
"""

import argparse
import signal
import sys
from collections.abc import Iterator
from threading import Event

from sandbox.accounts import PROVIDERS
from sandbox.server import Sandbox
from sandbox.world import World


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT or SIGTERM; the origins and the accounts are written to stderr, one per line."""
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="of the five APIs; 0 takes a free one")
    parser.add_argument("--download-port", type=int, default=0, help="of the export downloads")
    parser.add_argument("--seed", type=int, default=7, help="another seed is another world")
    options = parser.parse_args(arguments)
    ended = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with Sandbox(World(options.seed), api_port=options.port, download_port=options.download_port) as sandbox:
        sys.stderr.write("\n".join(describe_sandbox(sandbox)) + "\n")
        sys.stderr.flush()
        ended.wait()
    return 0


def describe_sandbox(sandbox: Sandbox) -> Iterator[str]:
    """What a configuration for it needs: where each API is, and whom it knows by which ids and invented credential."""
    for provider in PROVIDERS:
        yield f"{provider:12} {sandbox.base_url(provider)}"
    yield f"{'downloads':12} {sandbox.download_origin}"
    yield ""
    for account in sandbox.world.accounts.values():
        ids = " ".join(f"{name}={value}" for name, value in account.ids.items()) or "-"
        yield f"{account.name:15} {account.provider:12} {account.timezone:17} {ids:36} {account.credential}"


if __name__ == "__main__":
    sys.exit(main())
