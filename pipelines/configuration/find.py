"""The path of the configuration file. Its content must not come in: no file is opened here."""

import os
from pathlib import Path

from extractors.errors import ConfigError

ENVIRONMENT_VARIABLE = "CHATMART_CONFIG"
DEFAULT_NAME = "chatmart.yaml"


def config_path(path: str | None) -> Path:
    """Return the absolute path of the configuration, whether or not the file exists.

    It is ``path``, else the variable ``CHATMART_CONFIG``, else ``chatmart.yaml`` in the current folder.
    """
    return Path(path or os.environ.get(ENVIRONMENT_VARIABLE) or DEFAULT_NAME).absolute()


def find_config(path: str | None) -> Path:
    """Return the absolute path of an existing configuration, chosen as by ``config_path``.

    Raises ConfigError when there is no file.
    """
    file = config_path(path)
    if not file.is_file():
        raise ConfigError([f"there is no configuration at {file}; write one: `chatmart init`, or try `chatmart demo`"])
    return file
