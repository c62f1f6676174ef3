"""Paths as a person reads them."""

from pathlib import Path


def shorten_path(path: Path) -> Path:
    """Return a path below the current folder relative to it, any other as it is."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
