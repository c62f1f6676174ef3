"""The packages of the image: the versions of constraints.txt, each with hashes, and nothing that names a place.

Where one fails after a change of constraints.txt or of the dependencies, run `tools/hash_pins.py`.
"""

import re
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.hash_pins import HEAD, MACHINES, format_lines, list_requirements

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "requirements-image.txt").read_text("utf-8")
BUILD_TOOL = "setuptools"


def read_pins(text: str) -> dict[str, str]:
    pins = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", text, re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pins}


def read_hashes() -> dict[str, list[str]]:
    return {
        canonicalize_name(name): re.findall(r"--hash=sha256:([0-9a-f]{64})\b", block)
        for name, block in re.findall(r"^([A-Za-z0-9._-]+)==((?:.*\\\n)*.*\n)", TEXT, re.MULTILINE)
    }


def test_versions_are_those_of_the_constraints() -> None:
    constraints = read_pins((ROOT / "constraints.txt").read_text("utf-8"))
    pins = read_pins(TEXT)
    assert {name: version for name, version in pins.items() if name != BUILD_TOOL}.items() <= constraints.items()
    assert {canonicalize_name(Requirement(line).name) for line in list_requirements()} <= pins.keys()
    assert BUILD_TOOL in pins, "the image is built without another one"


def test_every_package_has_a_hash_for_each_kind_of_machine() -> None:
    hashes = read_hashes()
    assert hashes.keys() == read_pins(TEXT).keys()
    assert all(1 <= len(digests) <= len(MACHINES) for digests in hashes.values())
    compiled = {name for name, digests in hashes.items() if len(digests) == len(MACHINES)}
    assert {"duckdb", "pyarrow", "pandas", "zstandard"} <= compiled


def test_the_file_names_no_place_and_is_written_by_the_tool() -> None:
    pins = read_pins(TEXT)
    assert "/" not in TEXT.removeprefix(HEAD)
    names = dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", TEXT, re.MULTILINE))
    hashes = read_hashes()
    assert len(names) == len(pins)
    written = {f"{name}=={version}": set(hashes[canonicalize_name(name)]) for name, version in names.items()}
    assert "".join(format_lines(written)) == TEXT
