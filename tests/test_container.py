"""The image and the services on one machine, checked without building or starting them.

Every file that they name exists and reaches the builder; every command exists and has the options it is given.
"""

import os
import re
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from pipelines.orchestration.instance.home import SETTINGS_PATH
from tests.support.compose_schema import COMPOSE_SCHEMA
from tests.support.programs import read_help

ROOT = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
IMAGE = (ROOT / "Dockerfile").read_text("utf-8")
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "chatmart"}
COMPOSE_FILES = ("compose.yaml", "deploy/data-folder.compose.yaml", "deploy/cluster/compose.yaml")
PREPARE = "/opt/chatmart/share/prepare"


def list_instructions() -> list[tuple[str, str]]:
    """Return the Dockerfile's instructions with their arguments, without comments and line breaks."""
    lines = re.sub(r"^#.*\n", "", IMAGE, flags=re.MULTILINE).replace("\\\n", " ").splitlines()
    return [(line.split(maxsplit=1)[0], line.split(maxsplit=1)[1]) for line in lines if line.strip()]


def list_arguments(instruction: str) -> list[str]:
    return [argument for name, argument in list_instructions() if name == instruction]


def read_image_environment() -> dict[str, str]:
    return dict(re.findall(r"(\w+)=(\S+)", " ".join(list_arguments("ENV"))))


def list_copied_paths() -> Iterator[Path]:
    """Yield the paths that the image takes from the repository."""
    for argument in list_arguments("COPY"):
        *sources, _target = [word for word in argument.split() if not word.startswith("--")]
        if "--from=" not in argument:
            yield from (Path(source) for source in sources)


def list_commands() -> list[list[str]]:
    all_commands = [service["command"] for service in OURS.values()]
    checks = [service["healthcheck"] for service in OURS.values()]
    all_commands += [check["test"][1:] for check in checks if "test" in check]
    return [command for command in all_commands if command[0] not in (PREPARE, "python")]


def test_the_image_takes_files_that_exist_and_reach_the_builder() -> None:
    let_through = [
        line[1:].rstrip("/") for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    ]
    assert (ROOT / ".dockerignore").read_text().split("\n")[1] == "*"
    for source in list_copied_paths():
        assert (ROOT / source).exists(), source
        assert str(source) in let_through, source
    assert {str(path) for path in list_copied_paths()} == set(let_through)


def test_the_image_takes_every_package_that_is_installed() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]
    assert {name.rstrip("*") for name in setuptools["include"]} <= {str(path) for path in list_copied_paths()}


def test_the_image_installs_packages_by_their_hashes_only() -> None:
    installs = [command for command in list_arguments("RUN") if "pip install" in command]
    by_hash, ours = installs
    assert "--require-hashes --no-deps --only-binary :all: --requirement requirements-image.txt" in by_hash
    assert "--no-deps --no-build-isolation ." in ours
    assert 'build-backend = "setuptools.build_meta"' in (ROOT / "pyproject.toml").read_text("utf-8")


def test_the_image_runs_for_a_user_of_its_own() -> None:
    names = [name for name, _ in list_instructions()]
    assert list_arguments("USER") == ["chatmart"]
    assert names.index("USER") < names.index("CMD")
    assert "useradd --uid 10001" in IMAGE
    assert list_arguments("ARG") == ["BASE=python:3.11-slim"]
    assert {argument.split()[0] for argument in list_arguments("FROM")} == {"${BASE}"}
    assert PROJECT["requires-python"] == ">=3.11"
    for folder in (read_image_environment()["DAGSTER_HOME"], "/chatmart/data"):
        assert folder in list_arguments("VOLUME")[0].split()
        assert re.search(rf"install --directory --owner chatmart.* {folder}\b", IMAGE)


@pytest.mark.parametrize("command", list_commands(), ids=" ".join)
def test_each_command_is_a_real_one_with_its_options(command: list[str]) -> None:
    options = [word for word in command if word.startswith("--")]
    first = command.index(options[0]) if options else len(command)
    help_text = read_help(*command[:first])
    for option in options:
        assert re.search(rf"(^|[\s,]){option}\b", help_text), f"{option} is no option of {command[:first]}"


def test_commands_of_the_image_are_real() -> None:
    for argument in [*list_arguments("CMD"), list_arguments("HEALTHCHECK")[0].partition("CMD ")[2]]:
        program, option = yaml.safe_load(argument)
        assert subprocess.run([BIN / program, option], capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("path", COMPOSE_FILES, ids=str)
def test_a_file_for_compose_has_its_form(path: str) -> None:
    jsonschema.validate(yaml.safe_load((ROOT / path).read_text("utf-8")), COMPOSE_SCHEMA)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("volumes", ["./chatmart.yaml:/chatmart/chatmart.yaml:ro"]),
        ("volumes", [{"type": "bind", "source": "./data", "target": "/data"}]),
        ("healthcheck", {"test": ["CMD", "true"], "intervall": "60s"}),
        ("ports", ["3000:3000"]),
        ("depends_on", {"code": {"condition": "service_started"}}),
    ],
)
def test_the_form_refuses(key: str, value: object) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"services": {"webserver": {key: value}}}, COMPOSE_SCHEMA)


def test_each_service_says_whether_it_does_its_work_and_only_loads_get_secrets() -> None:
    for name, service in COMPOSE["services"].items():
        assert "healthcheck" in service, name
        assert ("env_file" in service) == (name == "code"), name
        assert set(service["environment"]) <= {"DAGSTER_POSTGRES_URL", "CHATMART_LOG"} or name == "postgres"


def test_the_data_can_lie_in_a_folder_of_the_host() -> None:
    override = yaml.safe_load((ROOT / "deploy/data-folder.compose.yaml").read_text("utf-8"))
    [mount] = override["services"]["code"]["volumes"]
    assert mount["target"] == "/chatmart/data"
    assert set(override["services"]) <= set(COMPOSE["services"])


def test_services_find_their_files_and_each_other() -> None:
    for service in COMPOSE["services"].values():
        for volume in service["volumes"]:
            if isinstance(volume, dict):  # the user's own
                assert volume["source"] == "./chatmart.yaml"
                assert read_image_environment()["CHATMART_CONFIG"] == volume["target"]
            else:
                assert volume.split(":")[0] in COMPOSE["volumes"], volume
        for other, dependency in service.get("depends_on", {}).items():
            needed = COMPOSE["services"][other]
            assert dependency["condition"] in ("service_healthy", "service_completed_successfully")
            assert dependency["condition"] != "service_healthy" or "test" in needed["healthcheck"]
            assert "profiles" not in needed or dependency["required"] is False
    assert OURS["code"]["volumes"][1] == "data:/chatmart/data"
    ports = {word for name in OURS for word in OURS[name]["command"] if word.isdigit()}
    assert ports == {"3000", "4000"}
    assert OURS["webserver"]["ports"] == ["127.0.0.1:3000:3000"]


def test_the_landing_zone_of_the_example_lies_on_the_volume() -> None:
    example = yaml.safe_load((ROOT / "chatmart.example.yaml").read_text("utf-8"))
    assert example["landing"].startswith("data/")
    assert example["warehouse"].partition("://")[2].startswith("data/")


def run_prepare(home: Path, **more: str) -> dict[str, Any]:
    """Run the script for a home and return the settings that it wrote there."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("DAGSTER_")}
    ours = {"DAGSTER_HOME": str(home), "PATH": f"{BIN}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT), **more}
    subprocess.run([ROOT / "deploy/prepare"], env={**inherited, **ours}, capture_output=True, check=True)
    written: dict[str, Any] = yaml.safe_load((home / "dagster.yaml").read_text())
    return written


@pytest.mark.long  # a real instance of Dagster
def test_a_home_is_made_ready(tmp_path: Path) -> None:
    assert (ROOT / "deploy/prepare").stat().st_mode & stat.S_IXOTH
    assert run_prepare(tmp_path / "home") == yaml.safe_load(SETTINGS_PATH.read_text("utf-8"))
    assert (tmp_path / "home/history/runs.db").is_file()


def test_a_home_with_postgres(tmp_path: Path) -> None:
    (tmp_path / "dagster").write_text('#!/bin/sh\necho "$@" > "$DAGSTER_HOME/called"\n')  # there is no database here
    (tmp_path / "dagster").chmod(0o755)
    url = "postgresql+psycopg2://dagster:invented@postgres/dagster"
    settings = run_prepare(tmp_path / "home", DAGSTER_POSTGRES_URL=url, PATH=f"{tmp_path}:{BIN}:{os.environ['PATH']}")
    assert settings["storage"] == {"postgres": {"postgres_url": {"env": "DAGSTER_POSTGRES_URL"}}}
    assert (tmp_path / "home/called").read_text() == "instance migrate\n"
    assert "invented" not in (tmp_path / "home/dagster.yaml").read_text()
