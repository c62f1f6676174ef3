"""The path of the configuration file. Its content must not come in: no file is opened here."""

import os
from pathlib import Path

from extractors.errors import ConfigError

ENVIRONMENT_VARIABLE = "CHATMART_CONFIG"
DEFAULT_NAME = "chatmart.yaml"
DEMO_FOLDER = Path("data/demo")
"""The folder of the demo's files, below the project's root."""

_PROJECT_FILE = "pyproject.toml"  # in the root of a project


def config_path(path: str | None) -> Path:
    """Return the absolute path of the configuration, whether or not the file exists.

    It is ``path``, else the variable ``CHATMART_CONFIG``, else ``chatmart.yaml`` in the current folder.
    """
    return Path(path or os.environ.get(ENVIRONMENT_VARIABLE) or DEFAULT_NAME).absolute()


def find_config(path: str | None) -> Path:
    """Return the absolute path of an existing configuration, chosen as by ``config_path``.

    Where neither ``path`` nor the variable names one, and the current folder has none, it is the demo's configuration,
    if there is one (``find_demo_config``). Raises ConfigError when there is no file.
    """
    file = config_path(path)
    if file.is_file():
        return file
    is_named = bool(path or os.environ.get(ENVIRONMENT_VARIABLE))
    demo = None if is_named else find_demo_config()
    if demo is None:
        place = f"{file}, which is a folder" if file.is_dir() else file
        raise ConfigError([f"there is no configuration at {place}; write one: `chatmart init`, or try `chatmart demo`"])
    return demo


def find_demo_config() -> Path | None:
    """Return the absolute path of the demo's configuration, or None.

    It is looked for in the current folder and in the project's root: the nearest folder above with a `pyproject.toml`.
    A file of another user is passed over: it could send this user's secrets to an address of its own.
    """
    here = Path.cwd()
    root = next((folder for folder in (here, *here.parents) if (folder / _PROJECT_FILE).is_file()), here)
    for folder in dict.fromkeys((here, root)):
        file = folder / DEMO_FOLDER / DEFAULT_NAME
        if file.is_file() and _is_own(file):
            return file
    return None


def _is_own(file: Path) -> bool:
    return not hasattr(os, "getuid") or file.stat().st_uid == os.getuid()
