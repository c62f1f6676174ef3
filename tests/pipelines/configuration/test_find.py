from pathlib import Path

import pytest

from extractors.errors import ConfigError
from pipelines.configuration.find import find_config


def test_where_a_configuration_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"there is no configuration at .*chatmart\.yaml; write one: `chatmart init`"):
        find_config(None)
    for name in ("chatmart.yaml", "named.yaml", "other.yaml"):
        (tmp_path / name).write_text("")
    assert find_config(None) == tmp_path / "chatmart.yaml"
    monkeypatch.setenv("CHATMART_CONFIG", "other.yaml")
    assert find_config(None) == tmp_path / "other.yaml"
    assert find_config("named.yaml") == tmp_path / "named.yaml"


def test_the_demo_is_found_in_the_folder_and_in_the_root_of_the_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = tmp_path / "data/demo/chatmart.yaml"
    demo.parent.mkdir(parents=True)
    demo.write_text("")
    inner = tmp_path / "a/b"
    inner.mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    assert find_config(None) == demo
    monkeypatch.chdir(inner)
    with pytest.raises(ConfigError, match="there is no configuration"):
        find_config(None)  # the folder above is no project
    (tmp_path / "pyproject.toml").write_text("")
    assert find_config(None) == demo
    with pytest.raises(ConfigError, match=r"no configuration at .*named\.yaml"):
        find_config("named.yaml")
    monkeypatch.setenv("CHATMART_CONFIG", "other.yaml")
    with pytest.raises(ConfigError, match=r"no configuration at .*other\.yaml"):
        find_config(None)
    monkeypatch.delenv("CHATMART_CONFIG")
    (inner / "chatmart.yaml").write_text("")
    assert find_config(None) == inner / "chatmart.yaml"


def test_a_demo_of_another_user_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    demo = tmp_path / "data/demo/chatmart.yaml"
    demo.parent.mkdir(parents=True)
    demo.write_text("")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("os.getuid", lambda: demo.stat().st_uid + 1)
    with pytest.raises(ConfigError, match="there is no configuration"):
        find_config(None)
