"""Write requirements-image.txt: the packages of the image, each with the hashes of the wheels that may be installed.

The versions are those of constraints.txt; the hashes come from the index that pip uses by default, for CPython 3.11 on
Linux (glibc), on x86-64 and ARM. Downloads next to nothing, and takes two minutes. Run it after each change of
constraints.txt or of the dependencies; tests/test_hashes.py says when.
"""

import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "requirements-image.txt"
PYTHON = "3.11"
MACHINES = ("x86_64", "aarch64")
GLIBC = ("manylinux_2_28", "manylinux_2_17", "manylinux2014")
HEAD = """\
# The packages of the image, with the SHA-256 of their wheels for CPython 3.11 on Linux (x86_64, aarch64).
# Written by tools/hash_pins.py; the versions are those of constraints.txt.
"""


def list_requirements() -> list[str]:
    """Return the direct dependencies of the image, as pyproject.toml has them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    own = [*extras["dagster"], *extras["postgres"]]
    return [*project["dependencies"], *(line for line in own if not line.startswith(f"{project['name']}["))]


def resolve(machine: str) -> list[Mapping[str, Any]]:
    """Return pip's report of the packages for a kind of machine. Raises CalledProcessError when there is no answer."""
    # no mirror of this machine: what it serves may have other bytes
    settings = {name: value for name, value in os.environ.items() if not _names_a_source(name)}
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
        command += ["--only-binary", ":all:", "--python-version", PYTHON, "--target", folder, "--report", str(report)]
        command += [word for glibc in GLIBC for word in ("--platform", f"{glibc}_{machine}")]
        command += ["--constraint", str(ROOT / "constraints.txt"), *list_requirements()]
        subprocess.run(command, env={**settings, "PIP_CONFIG_FILE": os.devnull}, check=True)
        packages: list[Mapping[str, Any]] = json.loads(report.read_bytes())["install"]
        return packages


def collect_hashes() -> dict[str, set[str]]:
    """Return the SHA-256 of the wheels of each pin (name==version)."""
    hashes: dict[str, set[str]] = defaultdict(set)
    for machine in MACHINES:
        for package in resolve(machine):
            pin = f"{package['metadata']['name'].lower()}=={package['metadata']['version']}"
            hashes[pin].add(package["download_info"]["archive_info"]["hashes"]["sha256"])
    return hashes


def format_lines(hashes: Mapping[str, set[str]]) -> Iterator[str]:
    """Yield the text of a requirements file, pin by pin."""
    yield HEAD
    for pin, digests in sorted(hashes.items()):
        yield " \\\n".join([pin, *(f"    --hash=sha256:{digest}" for digest in sorted(digests))]) + "\n"


def _names_a_source(variable: str) -> bool:
    return variable in {"PIP_FIND_LINKS", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_NO_INDEX", "PIP_CONSTRAINT"}


if __name__ == "__main__":
    TARGET.write_text("".join(format_lines(collect_hashes())), "utf-8")
