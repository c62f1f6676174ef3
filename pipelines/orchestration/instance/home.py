"""Dagster's home for a configuration: where it is, with which settings, and whether an instance lives there.

No dagster is imported: commands that do without it ask here first.
"""

import os
from importlib.util import find_spec
from pathlib import Path

from extractors.errors import ConfigError
from pipelines.configuration.config import Config

HOME_VARIABLE = "DAGSTER_HOME"
POSTGRES_VARIABLE = "DAGSTER_POSTGRES_URL"
"""Where it is set, Dagster keeps its state in that PostgreSQL database, else in SQLite files in its home."""

SETTINGS_PATH = Path(__file__).parents[3] / "dagster.yaml"

_IN_POSTGRES = f"""
storage:
  postgres:
    postgres_url: {{env: {POSTGRES_VARIABLE}}}
"""


def home_folder(config: Config) -> Path:
    """``DAGSTER_HOME``, else the folder ``.dagster`` beside the configuration."""
    return config.dagster_home.absolute()


def prepare_home(config: Config) -> dict[str, str]:
    """Make the home and its ``dagster.yaml``; returns the variables that Dagster's processes need.

    A home that ``DAGSTER_HOME`` names is somebody's own: nothing is written there. Raises ConfigError where the state
    is to be kept in PostgreSQL and the driver is not installed.
    """
    if os.environ.get(POSTGRES_VARIABLE) and find_spec("dagster_postgres") is None:
        raise ConfigError(
            [f"{POSTGRES_VARIABLE} is set and dagster-postgres is not installed: pip install 'chatmart[postgres]'"]
        )
    if os.environ.get(HOME_VARIABLE):
        return dagster_environment(config)
    place = home_folder(config)
    place.mkdir(exist_ok=True)
    if SETTINGS_PATH.is_file():
        (place / "dagster.yaml").write_text(render_settings())
    return dagster_environment(config)


def render_settings() -> str:
    """The text of ``dagster.yaml``: this project's settings, and where the state is kept."""
    return SETTINGS_PATH.read_text() + (_IN_POSTGRES if os.environ.get(POSTGRES_VARIABLE) else "")


def dagster_environment(config: Config) -> dict[str, str]:
    """``DAGSTER_HOME``, and the database's address as the driver wants it, where there is one."""
    url = os.environ.get(POSTGRES_VARIABLE)
    found = {HOME_VARIABLE: str(home_folder(config))}
    if url:
        # the driver that dagster-postgres brings is no longer the one that SQLAlchemy takes by default
        found[POSTGRES_VARIABLE] = url.replace("postgresql://", "postgresql+psycopg2://", 1)
    return found


def has_instance(config: Config) -> bool:
    """Whether Dagster was ever started here: its SQLite files are there, or its settings name another storage."""
    place = home_folder(config)
    if (place / "history" / "runs.db").is_file():
        return True
    try:
        return "\nstorage:" in (place / "dagster.yaml").read_text()
    except OSError:
        return False
