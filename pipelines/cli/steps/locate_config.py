"""Find the configuration of a command, and say so when it is not the one of the current folder."""

from pathlib import Path

from pipelines.cli.display.paths import shorten_path
from pipelines.configuration.find import find_config, find_demo_config


def locate_config(config: str | None) -> Path:
    """Return the path of the configuration. Raises ConfigError as ``find_config``."""
    path = find_config(config)
    if config is None and path == find_demo_config():
        from pipelines.cli.display.output import print_message  # imported late: most commands print nothing here

        print_message(f"using the demo's configuration {shorten_path(path)}", style="dim")
    return path
