"""The examples of a cluster's deployment, checked by their form: names that fit, real commands, pinned packages.

No container is built or started, and no Kubernetes sees the manifests.
"""

import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from pipelines.configuration.config import validate_config
from tests.test_container import COMPOSE, read_image_environment
from tests.test_hashes import read_pins

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "deploy/cluster"
OVERLAY_TEXT = (FOLDER / "compose.yaml").read_text("utf-8")
OVERLAY = yaml.safe_load(OVERLAY_TEXT)
SERVICES = {**COMPOSE["services"], **OVERLAY["services"]}
VALUES = yaml.safe_load((FOLDER / "dagster-values.yaml").read_text("utf-8"))
DASK = yaml.safe_load((FOLDER / "dask-cluster.yaml").read_text("utf-8"))
IMAGE = (FOLDER / "Dockerfile").read_text("utf-8")
PINS = read_pins((FOLDER / "requirements.txt").read_text("utf-8"))
IMAGE_PINS = read_pins((ROOT / "requirements-image.txt").read_text("utf-8"))

_CONTAINER = {
    "type": "object",
    "required": ["name", "image", "args", "resources"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string"},
        "image": {"type": "string"},
        "args": {"type": "array", "items": {"type": "string"}},
        "env": {"type": "array", "items": {"required": ["name", "value"], "properties": {"value": {"type": "string"}}}},
        "envFrom": {"type": "array", "items": {"required": ["secretRef"]}},
        "ports": {"type": "array", "items": {"required": ["name", "containerPort"]}},
        "readinessProbe": {"type": "object"},
        "resources": {"required": ["requests", "limits"]},
        "volumeMounts": {"type": "array", "items": {"required": ["name", "mountPath"]}},
    },
}
_POD = {
    "type": "object",
    "required": ["containers"],
    "properties": {"containers": {"type": "array", "minItems": 1, "maxItems": 1, "items": _CONTAINER}},
}
DASK_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "properties": {
        "apiVersion": {"const": "kubernetes.dask.org/v1"},
        "kind": {"const": "DaskCluster"},
        "metadata": {"required": ["name"]},
        "spec": {
            "required": ["scheduler", "worker"],
            "additionalProperties": False,
            "properties": {
                "scheduler": {"required": ["spec", "service"], "properties": {"spec": _POD}},
                "worker": {
                    "required": ["spec", "replicas"],
                    "properties": {"spec": _POD, "replicas": {"type": "integer", "minimum": 1}},
                },
            },
        },
    },
}
VALUES_SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["dagster-user-deployments", "runLauncher", "postgresql"],
    "properties": {
        "dagster-user-deployments": {
            "properties": {
                "deployments": {
                    "items": {
                        "required": ["name", "image", "dagsterApiGrpcArgs", "port"],
                        "properties": {
                            "image": {"required": ["repository", "tag", "pullPolicy"]},
                            "port": {"type": "integer"},
                            "env": {"additionalProperties": {"type": "string"}},
                            "envSecrets": {"items": {"required": ["name"]}},
                        },
                    }
                }
            }
        },
        "runLauncher": {
            "required": ["type", "config"],
            "additionalProperties": False,
            "properties": {"type": {}, "config": {}},
        },
        "postgresql": {"properties": {"enabled": {"const": False}}},
    },
}


@cache
def read_dask_help(command: str) -> str:
    """In a process of its own: the program registers its commands once a process."""
    words = [sys.executable, "-m", f"distributed.cli.dask_{command}", "--help"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout


def container(part: str) -> dict[str, Any]:
    [found_container] = DASK["spec"][part]["spec"]["containers"]
    return dict(found_container)


def list_needed_packages(*extras: str) -> set[str]:
    """The packages that extras bring on Linux and Python 3.11, with all that these need."""
    waiting = [text for extra in extras for text in PROJECT["optional-dependencies"][extra]]
    needed: set[str] = set()
    while waiting:
        requirement = Requirement(waiting.pop())
        name = canonicalize_name(requirement.name)
        if name not in needed and (requirement.marker is None or requirement.marker.evaluate({"extra": ""})):
            needed.add(name)
            waiting += requires(name) or []
    return needed


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_the_image_has_all_that_the_extras_need_at_the_pinned_versions() -> None:
    constraints = read_pins((ROOT / "constraints.txt").read_text("utf-8"))
    assert PINS.items() <= constraints.items()
    assert list_needed_packages("lake", "cluster") - IMAGE_PINS.keys() <= PINS.keys()
    assert not PINS.keys() & IMAGE_PINS.keys()
    assert "FROM chatmart\n" in IMAGE
    assert "--no-deps --only-binary :all: --requirement /tmp/requirements.txt" in IMAGE
    assert IMAGE.rstrip().endswith("USER chatmart")


def test_no_example_names_a_digest() -> None:
    for path in FOLDER.iterdir():
        assert "sha256" not in path.read_text("utf-8"), path


def test_services_find_each_other_and_their_volumes() -> None:
    for name, service in OVERLAY["services"].items():
        for other, dependency in service.get("depends_on", {}).items():
            assert other in SERVICES, name
            assert dependency["condition"] != "service_healthy" or "test" in SERVICES[other]["healthcheck"]
        assert "healthcheck" in {**COMPOSE["services"].get(name, {}), **service}
        assert ("env_file" in service) == (name == "worker")
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in {**COMPOSE["volumes"], **OVERLAY["volumes"]}
    assert OVERLAY["services"]["code"]["build"]["additional_contexts"] == {"chatmart": "service:prepare"}
    assert (ROOT / OVERLAY["services"]["code"]["build"]["context"] / "Dockerfile").is_file()
    ours = [name for name, service in OVERLAY["services"].items() if service["image"] == "chatmart-cluster"]
    assert ours == ["code", "scheduler", "worker"]


@pytest.mark.parametrize(
    "command",
    [
        OVERLAY["services"]["scheduler"]["command"],
        OVERLAY["services"]["worker"]["command"],
        container("scheduler")["args"],
        container("worker")["args"],
    ],
    ids=["compose scheduler", "compose worker", "operator scheduler", "operator worker"],
)
def test_the_commands_of_dask_are_real(command: list[str]) -> None:
    assert command[:2] in (["dask", "scheduler"], ["dask", "worker"])
    help_text = read_dask_help(command[1])
    for option in (word for word in command if word.startswith("--")):
        assert re.search(rf"[\s/]{option}\b", help_text), option
    if command[1] == "worker":
        assert command[command.index("--preload") + 1] == "pipelines.worker"
        assert command[command.index("--nthreads") + 1] == "1"


def test_the_settings_of_the_example_are_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSTGRES_PASSWORD", "invented")
    comment = re.findall(
        r"^#   (\w+: .*)$", OVERLAY_TEXT.partition("chatmart.yaml (")[2].partition("and .env")[0], re.MULTILINE
    )
    settings = yaml.safe_load("\n".join(comment))
    assert settings.keys() == {"landing", "warehouse", "object_store", "locks", "executor"}
    account = {"name": "docs", "provider": "inkeep", "api_key": "${NOT_SET}"}
    config = validate_config(tmp_path / "chatmart.yaml", {**settings, "accounts": [account]}, allow_unset_secrets=True)
    assert config.settings.executor == "dask://scheduler:8786"
    port = OVERLAY["services"]["scheduler"]["command"]
    assert port[port.index("--port") + 1] == "8786"


def test_the_cluster_for_the_operator_has_its_form() -> None:
    jsonschema.validate(DASK, DASK_SCHEMA)
    assert container("scheduler")["image"] == container("worker")["image"]
    selector = DASK["spec"]["scheduler"]["service"]["selector"]
    assert selector["dask.org/cluster-name"] == DASK["metadata"]["name"]
    mounts = {mount["name"] for mount in container("worker")["volumeMounts"]}
    assert mounts == {volume["name"] for volume in DASK["spec"]["worker"]["spec"]["volumes"]}


def test_the_values_for_helm_have_their_form() -> None:
    jsonschema.validate(VALUES, VALUES_SCHEMA)
    [deployment] = VALUES["dagster-user-deployments"]["deployments"]
    image = f"{deployment['image']['repository']}:{deployment['image']['tag']}"
    assert image == container("worker")["image"]
    assert deployment["image"]["tag"] == PROJECT["version"]
    [mount] = deployment["volumeMounts"]
    assert mount["mountPath"] == read_image_environment()["CHATMART_CONFIG"]
    assert {volume["name"] for volume in deployment["volumes"]} == {mount["name"]}
    secrets = [secret["name"] for secret in deployment["envSecrets"]]
    assert secrets == [source["secretRef"]["name"] for source in container("worker")["envFrom"]]
