"""``chatmart.ChatmartComponent`` in a Dagster project of somebody else, loaded from its YAML."""

import re
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import dagster as dg
import pytest

import chatmart
from tests.pipelines.conftest import DagsterProject

Load = Callable[[str], dg.Definitions]


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """A function that writes ``defs.yaml`` with these attributes into a project, and loads the project."""
    name = f"guest_{uuid4().hex}"  # modules stay imported
    project = tmp_path / "project"
    package = project / name
    folder = package / "defs" / "chatbots"
    folder.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "defs/__init__.py").touch()
    (project / "pyproject.toml").write_text(
        f'[tool.dg]\ndirectory_type = "project"\n[tool.dg.project]\nroot_module = "{name}"\n'
    )
    own = 'import dagster as dg\n\n@dg.asset(deps=[["views", "conversation_daily"]])\ndef slide() -> None: ...\n'
    (package / "defs/own.py").write_text(own)
    monkeypatch.syspath_prepend(project)

    def load_project(attributes: str) -> dg.Definitions:
        text = "type: chatmart.ChatmartComponent\nattributes:\n" + attributes
        (folder / "defs.yaml").write_text(text)
        return dg.load_from_defs_folder(path_within_project=project)

    return load_project


def test_a_component_brings_a_configuration_into_a_project(
    build_dagster_project: Callable[..., DagsterProject], load: Load
) -> None:
    build_dagster_project("acme-support", "globex-support", "acme-docs")
    defs = load('  config: "{{ project_root }}/../chatmart.yaml"\n')
    keys = {key.to_user_string() for key in defs.resolve_asset_graph().get_all_asset_keys()}
    assert {"slide", "cognigy/slices", "inkeep/landing", "star/published", "marts/conversation_monthly"} <= keys
    schedules = defs.get_repository_def().schedule_defs
    assert {schedule.default_status for schedule in schedules} == {dg.DefaultScheduleStatus.RUNNING}
    assert defs.executor is None  # the project's own


def test_a_component_chooses_accounts_and_leaves_schedules_off(
    build_dagster_project: Callable[..., DagsterProject], load: Load
) -> None:
    build_dagster_project("acme-support", "globex-support", "acme-docs")
    defs = load('  config: "../../../../chatmart.yaml"\n  accounts: [acme-support]\n  schedules: false\n')
    assert "inkeep" not in {key.path[0] for key in defs.resolve_asset_graph().get_all_asset_keys()}
    [spec] = [spec for spec in defs.resolve_all_asset_specs() if spec.key == dg.AssetKey(["cognigy", "slices"])]
    accounts = [record.data["account"] for record in spec.metadata["configured accounts"].records]
    assert accounts == ["acme-support"]
    schedules = defs.get_repository_def().schedule_defs
    assert {schedule.default_status for schedule in schedules} == {dg.DefaultScheduleStatus.STOPPED}


@pytest.mark.parametrize(
    ("attributes", "problem"),
    [
        ("  config: nowhere.yaml\n", r"chatbots: config: there is no file .*nowhere\.yaml"),
        ("  config: ../../../../chatmart.yaml\n  accounts: [acme]\n", "there is no account 'acme'"),
        ("  config: ../../../../chatmart.yaml\n  acounts: [acme]\n", "acounts"),
    ],
)
def test_what_is_wrong_is_named(
    build_dagster_project: Callable[..., DagsterProject], load: Load, attributes: str, problem: str
) -> None:
    build_dagster_project("acme-support")
    with pytest.raises(Exception) as raised:  # Dagster's own, with ours as the cause
        load(attributes)
    causes = [raised.value]
    while causes[-1].__cause__:
        causes.append(causes[-1].__cause__)
    assert re.search(problem, "\n".join(map(str, causes)))


def test_the_component_is_a_name_of_the_package() -> None:
    assert "ChatmartComponent" in dir(chatmart)
    with pytest.raises(AttributeError, match="no attribute 'Chatmart'"):
        chatmart.Chatmart  # noqa: B018
