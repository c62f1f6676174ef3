"""The tool writes a provider that passes the conformance suite, and refuses names that it must not write."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import pytest

from extractors.registry import PROVIDERS
from tools import new_provider

ROOT = Path(__file__).parents[2]
NAME = "pingbot"
COPIED = (
    "extractors",
    "transforms",
    "warehouse",
    "pipelines",
    "sandbox",
    "benchmarks",
    "tests",
    "tools",
    "docs",
    "pyproject.toml",
)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder with the registries, and nothing else of the checkout."""
    for file in (*new_provider.REGISTRIES, "pyproject.toml"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    return tmp_path


def list_files(root: Path) -> set[str]:
    return {
        str(path.relative_to(root)) for path in root.rglob("*") if path.is_file() and ".ruff_cache" not in path.parts
    }


def test_every_layer_gets_a_package_of_the_same_name(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = list_files(checkout)
    assert new_provider.main([NAME, "--register", "--root", str(checkout)]) == 0
    written = list_files(checkout) - before
    assert written >= {
        f"extractors/{NAME}/account.py",
        f"extractors/{NAME}/provider.py",
        f"transforms/{NAME}/transform.py",
        f"transforms/{NAME}/fields.py",
        *(f"sandbox/{NAME}/{part}.py" for part in ("__init__", "api", "populate", "truth", "shapes")),
        f"tests/conformance/cases/{NAME}.py",
        f"tests/extractors/{NAME}/test_provider.py",
        f"tests/transforms/{NAME}/test_transform.py",
        f"tests/sandbox/{NAME}/test_api.py",
    }
    assert written <= set(capsys.readouterr().out.splitlines())
    for file, variable in new_provider.REGISTRIES.items():
        added = (checkout / file).read_text().replace((ROOT / file).read_text().partition(f"{variable} = (")[0], "")
        assert f'    "{PROVIDERS[-1]}",\n    "{NAME}",\n)' in added
    assert all("@" + "name@" not in (checkout / path).read_text().lower() for path in written)


def test_without_registration_the_two_lines_are_named(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    registries = {file: (checkout / file).read_text() for file in new_provider.REGISTRIES}
    assert new_provider.main([NAME, "--root", str(checkout)]) == 0
    assert registries == {file: (checkout / file).read_text() for file in new_provider.REGISTRIES}
    printed = capsys.readouterr().out
    assert f'extractors/registry.py: add "{NAME}" at the end of PROVIDERS' in printed
    assert f'sandbox/vendors.py: add "{NAME}" at the end of VENDOR_NAMES' in printed


@pytest.mark.parametrize(
    "name", ["PingBot", "ping_bot", "ping-bot", "1bot", "p", "testbot", "", "../x", "pingböt", "p" * 31]
)
def test_a_name_that_is_no_slug_is_refused(checkout: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    before = list_files(checkout)
    assert new_provider.main([name, "--root", str(checkout)]) == 1
    assert "is no name of a provider" in capsys.readouterr().err
    assert list_files(checkout) == before


@pytest.mark.parametrize(
    "taken", ["transforms/pingbot/notes.txt", "sandbox/pingbot.py", "tests/conformance/cases/pingbot.py"]
)
def test_nothing_is_written_over(checkout: Path, capsys: pytest.CaptureFixture[str], taken: str) -> None:
    (checkout / taken).parent.mkdir(parents=True, exist_ok=True)
    (checkout / taken).write_text("mine")
    before = list_files(checkout)
    assert new_provider.main([NAME, "--root", str(checkout)]) == 1
    assert "exists already; nothing was written" in capsys.readouterr().err
    assert list_files(checkout) == before


@pytest.mark.parametrize("name", [*PROVIDERS, "http", "landing", "registry"])
def test_a_name_of_a_provider_or_of_a_shared_module_is_refused(name: str) -> None:
    with pytest.raises(new_provider.ProviderExists, match="exists already"):
        new_provider.write_files(ROOT, name)


@pytest.mark.parametrize("name", ["aa", "p" * 20])
def test_no_name_breaks_the_lint(checkout: Path, name: str) -> None:
    paths = new_provider.write_files(checkout, name)
    run(checkout, "ruff", "check", "--quiet", *paths)
    run(checkout, "ruff", "format", "--quiet", "--check", *paths)


def run(root: Path, *arguments: str | Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]


def copy_checkout(root: Path, names: Iterable[str]) -> None:
    for name in names:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        else:
            shutil.copy(ROOT / name, root / name)


@pytest.mark.long
def test_a_written_provider_passes_all_checks(tmp_path: Path) -> None:
    copy_checkout(tmp_path, COPIED)
    assert new_provider.main([NAME, "--register", "--root", str(tmp_path)]) == 0
    written = [str(path) for path, _ in new_provider.list_files(NAME)]
    run(tmp_path, "ruff", "check", "--quiet", ".")
    run(tmp_path, "ruff", "format", "--quiet", "--check", *written)
    run(tmp_path, "mypy", *(part for layer in new_provider.LAYERS for part in ("-p", f"{layer}.{NAME}")))
    pytest_options = ("pytest", "-p", "no:xdist", "-p", "no:cacheprovider", "--tb=short")
    own = [f"tests/{layer}/{NAME}" for layer in new_provider.LAYERS]
    run(
        tmp_path,
        *pytest_options,
        *own,
        "tests/conformance/test_provider.py",
        "tests/conformance/test_provider_faults.py",
        "tests/transforms/test_lineage.py",
        "-k",
        NAME,
    )
    run(tmp_path, *pytest_options, "tests/test_imports.py", "tests/sandbox/test_vendors.py")
    command = [sys.executable, tmp_path / "tools/check_names.py", "--root", tmp_path, "--list"]
    names = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    assert "functions named by a bare participle" in names
    assert [line for line in names.splitlines() if NAME in line] == []
