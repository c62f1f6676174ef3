"""Writes the files that are made from the code, or checks them: `python tools/make_docs.py [--check]`.

What must not come in: the text of a page. The packages build it; here stands only the list of the files.
"""

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from pipelines import fields_page
from pipelines.configuration import json_schema, schema_file
from warehouse.ddl import keys
from warehouse.docs import diagram, dictionary

ROOT = Path(__file__).resolve().parents[1]


def build_files(root: Path) -> dict[Path, str]:
    """Return the text of every generated file of the checkout `root`, by its path."""
    docs = root / "docs"
    return {
        docs / fields_page.PAGE_NAME: fields_page.render_page(),
        docs / dictionary.PAGE_NAME: dictionary.render_page(),
        docs / diagram.FILE_NAME: diagram.render_star_svg(),
        docs / keys.DBML_NAME: keys.render_dbml(),
        root / "pipelines" / "configuration" / schema_file.SCHEMA_PATH.name: json_schema.render_schema(),
    }


def find_stale(files: Mapping[Path, str]) -> list[Path]:
    """Return the paths whose file is missing or has another text."""
    return [path for path, text in files.items() if not path.is_file() or path.read_text("utf-8") != text]


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit 1 and name the stale files.")
@click.option(
    "--root", type=click.Path(path_type=Path, file_okay=False), default=ROOT, help="Another checkout than this one."
)
def main(check: bool, root: Path) -> None:
    """Write the generated pages, the picture of the star and the JSON Schema of the configuration."""
    files = build_files(root)
    stale = find_stale(files)
    if check and stale:
        names = ", ".join(path.relative_to(root).as_posix() for path in stale)
        click.echo(f"Stale: {names}. Run `make docs`.", err=True)
        sys.exit(1)
    for path in stale:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[path], "utf-8", newline="\n")


if __name__ == "__main__":
    main()
