"""Dagster's home for a configuration: its folder, its settings, and whether Dagster was ever started there.

Dagster is not imported here: commands check this module before they import it.
"""

import os
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote

from extractors.errors import ConfigError
from pipelines.configuration.config import Config

HOME_VARIABLE = "DAGSTER_HOME"
POSTGRES_VARIABLE = "DAGSTER_POSTGRES_URL"
"""The address of a PostgreSQL database for Dagster's state. Without it, the state is in SQLite files in the home."""

SETTINGS_PATH = Path(__file__).with_name("dagster.yaml")
"""The project's settings of a Dagster instance. They are in the package: an installed program has them too."""

_IN_POSTGRES = f"""
storage:
  postgres:
    postgres_url: {{env: {POSTGRES_VARIABLE}}}
"""


def home_folder(config: Config) -> Path:
    """Return the absolute path of ``DAGSTER_HOME``, or of the folder ``.dagster`` beside the configuration."""
    return config.dagster_home.absolute()


def prepare_home(config: Config) -> dict[str, str]:
    """Write the home and its ``dagster.yaml``, and return the environment variables that Dagster's processes need.

    Nothing is written to a home that ``DAGSTER_HOME`` names: it belongs to the user. Raises ConfigError when
    ``DAGSTER_POSTGRES_URL`` is set and dagster-postgres is not installed, and for a path that Dagster misreads.
    """
    folder = home_folder(config)
    if os.environ.get(POSTGRES_VARIABLE) and find_spec("dagster_postgres") is None:
        raise ConfigError(
            [f"{POSTGRES_VARIABLE} is set and dagster-postgres is not installed: pip install 'chatmart[postgres]'"]
        )
    if not os.environ.get(POSTGRES_VARIABLE) and ("?" in str(folder) or unquote(str(folder)) != str(folder)):
        # Dagster puts the path into the address of its SQLite files as it stands: its files would lie elsewhere.
        problem = "cannot be Dagster's home, as Dagster misreads ? and % in a path"
        raise ConfigError([f"{folder} {problem}: set {HOME_VARIABLE} to another folder"])
    if os.environ.get(HOME_VARIABLE):
        return dagster_environment(config)
    folder.mkdir(mode=0o700, exist_ok=True)  # Dagster's logs name accounts and numbers
    (folder / "dagster.yaml").write_text(render_settings())
    return dagster_environment(config)


def render_settings() -> str:
    """Return the text of ``dagster.yaml``: this project's settings and, if configured, the PostgreSQL storage."""
    return SETTINGS_PATH.read_text() + (_IN_POSTGRES if os.environ.get(POSTGRES_VARIABLE) else "")


def dagster_environment(config: Config) -> dict[str, str]:
    """Return ``DAGSTER_HOME`` and, if set, the database's address in the form that the driver needs."""
    url = os.environ.get(POSTGRES_VARIABLE)
    variables = {HOME_VARIABLE: str(home_folder(config))}
    if url:
        # dagster-postgres installs psycopg2, which is no longer the default driver of SQLAlchemy
        variables[POSTGRES_VARIABLE] = url.replace("postgresql://", "postgresql+psycopg2://", 1)
    return variables


def has_instance(config: Config) -> bool:
    """Return whether Dagster was started here: its SQLite files exist, or its settings name another storage."""
    folder = home_folder(config)
    if (folder / "history" / "runs.db").is_file():
        return True
    try:
        return "\nstorage:" in (folder / "dagster.yaml").read_text()
    except OSError:
        return False
