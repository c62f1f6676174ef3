"""Files that are made from the code and kept beside it: written anew, or only said to be stale.

What must not come in: what stands in them.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import click


def write_or_check(current: Mapping[Path, str], *, check: bool) -> None:
    """Write the files whose text is another; with ``check`` write nothing, name them and end the program with 1."""
    stale = [path for path, text in current.items() if not path.is_file() or path.read_text("utf-8") != text]
    if check and stale:
        click.echo(f"Stale: {', '.join(path.name for path in stale)}. Run `make docs`.", err=True)
        sys.exit(1)
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(current[path], "utf-8", newline="\n")
