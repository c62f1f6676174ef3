"""A folder with a configuration file, for the tests of this package."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from extractors.errors import ConfigError
from pipelines.configuration import config as configuration
from pipelines.configuration.config import Config

SECRET = "sk-live-planted-0123456789"
ACCOUNT: dict[str, Any] = {
    "name": "acme",
    "provider": "cognigy",
    "project_id": "5f0c2f4e8a1b2c3d4e5f6a7b",
    "api_key": "${ACME_KEY}",
}


def build_account(**changes: Any) -> dict[str, Any]:
    """Return the entry of an account; a key that is changed to None is left out."""
    return {key: value for key, value in {**ACCOUNT, **changes}.items() if value is not None}


class ConfigFolder:
    """A folder into which a test writes ``chatmart.yaml`` and ``.env``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = path / "chatmart.yaml"

    def load(self, text: str | None = None, /, env: str = "", **document: Any) -> Config:
        """Write a text, or a document with one account unless it names others, and load it."""
        self.write(text, env, **document)
        return configuration.load_config(self.file)

    def write(self, text: str | None = None, /, env: str = "", **document: Any) -> None:
        """Write a text, or a document with one account unless it names others."""
        self.file.write_text(text if text is not None else yaml.safe_dump({"accounts": [ACCOUNT], **document}))
        (self.path / ".env").write_text(env)

    def list_problems(self, *text: str, **document: Any) -> list[str]:
        """Return the problems of a wrong configuration, after checking that none contains the planted secret."""
        with pytest.raises(ConfigError) as caught:
            self.load(*text, **document)
        assert SECRET not in str(caught.value)
        assert SECRET not in repr(caught.value.__cause__)
        return caught.value.problems


@pytest.fixture(autouse=True)
def _known_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_KEY", "fake-key-from-the-environment")
    monkeypatch.delenv("CHATMART_CONFIG", raising=False)


@pytest.fixture
def config_folder(tmp_path: Path) -> ConfigFolder:
    return ConfigFolder(tmp_path)
