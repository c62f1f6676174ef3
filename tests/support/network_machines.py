"""Machines in network namespaces: this process is on the hub, and each other machine has one cable to it.

Needs a process that is root in a network namespace of its own (``run_on_hub``). No expectations.
"""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.wait_until import wait_until

HUB = "10.77.0.1"
_BRIDGE = "hub0"


def run_on_hub(module: str, *arguments: str, timeout_seconds: float) -> Any:
    """Run a program on the hub of a network of its own, and return the JSON on the last line of its output.

    Whatever it starts ends with it. Skips the test where no namespaces can be made.
    """
    if os.geteuid() != 0 or not all(map(shutil.which, ("ip", "unshare", "nsenter"))):
        pytest.skip("network namespaces need root, and the programs ip, unshare and nsenter (Debian: iproute2)")
    alone = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if subprocess.run([*alone, "ip", "link", "add", _BRIDGE, "type", "bridge"], capture_output=True).returncode:
        pytest.skip("network namespaces, or a bridge in one, are not allowed here")
    command = [*alone, sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_seconds)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def begin_hub() -> None:
    """Give the hub its address."""
    _ip("link", "set", "lo", "up")
    _ip("link", "add", _BRIDGE, "type", "bridge")
    _ip("addr", "add", f"{HUB}/24", "dev", _BRIDGE)
    _ip("link", "set", _BRIDGE, "up")


@dataclass(frozen=True)
class Machine:
    """A machine with an address, and a process that keeps it."""

    address: str
    cable: str
    keeper: "subprocess.Popen[bytes]"

    @property
    def entry(self) -> list[str]:
        """The command that runs the rest of its line on this machine."""
        return ["nsenter", f"--net={_network_of(self.keeper.pid)}"]

    def cut_cable(self) -> None:
        """Cut the cable: nothing arrives any more, and neither side is told."""
        _ip("link", "set", self.cable, "down")

    def mend_cable(self) -> None:
        """Put the cable back."""
        _ip("link", "set", self.cable, "up")


def add_machine(number: int) -> Machine:
    """Connect a machine to the hub."""
    keeper = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
    wait_until(lambda: _network_of(keeper.pid).readlink() != _network_of(os.getpid()).readlink())
    machine = Machine(f"10.77.0.1{number}", f"cable{number}", keeper)
    _ip("link", "add", machine.cable, "type", "veth", "peer", "name", "e0", "netns", str(keeper.pid))
    _ip("link", "set", machine.cable, "master", _BRIDGE)
    machine.mend_cable()
    _ip("link", "set", "lo", "up", entry=machine.entry)
    _ip("addr", "add", f"{machine.address}/24", "dev", "e0", entry=machine.entry)
    _ip("link", "set", "e0", "up", entry=machine.entry)
    return machine


def _network_of(process: int) -> Path:
    return Path(f"/proc/{process}/ns/net")


def _ip(*words: str, entry: list[str] | None = None) -> None:
    subprocess.run([*(entry or []), "ip", *words], check=True)
