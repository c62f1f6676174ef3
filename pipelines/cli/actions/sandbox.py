"""The work of ``chatmart sandbox``: start the simulator alone, where the demo's configuration points.

The simulator itself is ``sandbox``.
"""

import errno
from pathlib import Path

from extractors.errors import ConfigError
from pipelines.cli.display.output import print_message
from pipelines.cli.display.paths import shorten_path
from pipelines.cli.options import SANDBOX_PORTS
from pipelines.configuration.find import config_path, find_demo_config
from sandbox.__main__ import DEMO, main
from sandbox.remembered import RememberedSandbox, read_remembered


def run_sandbox(config: str | None, port: int | None, seed: int | None, world: str) -> int:
    """Serve until interrupted. Returns the exit code.

    A port or a seed that is not given is the one that the demo used. Raises ConfigError when a port is taken.
    """
    path, remembered = _find_remembered(config)
    if port is not None:
        ports = (port, port + 1)
    elif remembered is not None:
        ports = (remembered.port, remembered.download_port)
    else:
        ports = SANDBOX_PORTS
    arguments = ["--port", str(ports[0]), "--download-port", str(ports[1]), "--world", world]
    arguments += _choose_data(seed, world, remembered)
    if path is not None and remembered is not None:
        _print_place(path, ports[0], remembered)
    try:
        return main(arguments)
    except OSError as error:
        raise ConfigError([_describe_taken_ports(error, ports, path if port is None else None)]) from error


def _find_remembered(config: str | None) -> tuple[Path, RememberedSandbox] | tuple[None, None]:
    """Return the configuration of a demo, and what is remembered of its sandbox.

    It is the one that the command would read, or the project's.
    """
    for path in (config_path(config), find_demo_config()):
        if path is not None and (remembered := read_remembered(path.parent)):
            return path, remembered
    return None, None


def _choose_data(seed: int | None, world: str, remembered: RememberedSandbox | None) -> list[str]:
    chosen_seed = seed if seed is not None else remembered.seed if remembered and world == DEMO else None
    arguments = [] if chosen_seed is None else ["--seed", str(chosen_seed)]
    return arguments + (["--first-day", remembered.first_day.isoformat()] if remembered else [])


def _print_place(path: Path, port: int, remembered: RememberedSandbox) -> None:
    if port == remembered.port:
        print_message(f"serving where {shorten_path(path)} points", style="dim")
    else:
        advice = f"run `chatmart sandbox` without --port for {remembered.port}, or change the addresses there"
        print_message(f"{shorten_path(path)} points to port {remembered.port}, not to {port}: {advice}", style="yellow")


def _describe_taken_ports(error: OSError, ports: tuple[int, int], path: Path | None) -> str:
    """Return the sentence for ports that cannot be used; ``path`` is the configuration that points to them."""
    reason = "in use by another program" if error.errno == errno.EADDRINUSE else (error.strerror or str(error))
    problem = f"the sandbox cannot listen on ports {ports[0]} and {ports[1]} of 127.0.0.1: {reason}"
    advice = f"end that program (perhaps another sandbox), or choose another port with --port {ports[0] + 100}"
    if path is not None:
        advice += f", and write it into the addresses (base_url) of {shorten_path(path)}; `chatmart demo` does both"
    return f"{problem}; {advice}"
