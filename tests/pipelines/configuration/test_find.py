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
