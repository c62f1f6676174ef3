"""Writes the files of a new provider: `python tools/new_provider.py NAME [--register]`.

The files are the texts of `tools/templates/` with the name filled in: a small provider that works, with its simulator
and its tests. No provider's own rule lives here. Not installed; needs the development dependencies (ruff).
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

TEMPLATES = Path(__file__).with_name("templates")
ROOT = TEMPLATES.parents[1]
NAME = re.compile(r"(?!test)[a-z][a-z0-9]{1,19}")  # pytest would collect a class `Test…`
LAYERS = ("extractors", "transforms", "sandbox")
REGISTRIES = {"extractors/registry.py": "PROVIDERS", "sandbox/vendors.py": "VENDOR_NAMES"}
"""Each registry with its list; the two are independent of one another on purpose."""

NEXT_STEPS = """
Next:
{registration}  - put the vendor's rules in place of the template's: docs/adding-a-provider.md, section by section
  - transforms/channels.yaml: the vendor's channel codes that are not listed yet
  - docs/mapping.md: a section "{title}", with every field, its column and the rule
  - CHANGELOG.md: a line
  - make docs: the generated pages and the schema of the configuration
  - pytest tests -k {name} && make test: the conformance suite and the provider's own tests
"""


class ProviderExists(Exception):
    """A file of that provider exists already."""


def list_files(name: str) -> Iterator[tuple[Path, str]]:
    """Yield the path of each file, relative to the checkout, and its text."""
    for template in sorted(TEMPLATES.rglob("*.txt")):
        path = template.relative_to(TEMPLATES).with_suffix("")
        text = template.read_text("utf-8").replace("@name@", name).replace("@Name@", name.capitalize())
        yield Path(*(part.replace("_name_", name) for part in path.parts)), text


def write_files(root: Path, name: str) -> list[Path]:
    """Write the files of a provider below `root` and return their paths, relative to it.

    Raises ValueError for a name that is no slug, and ProviderExists when one of the files or its folder exists; nothing
    is written then.
    """
    if not NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is no name of a provider: 2 to 20 small letters and digits, first a letter, not `test`"
        )
    files = dict(list_files(name))
    folders = [Path(layer, name) for layer in LAYERS]
    candidates = [*folders, *(folder.with_suffix(".py") for folder in folders), *files]
    taken = [path for path in candidates if (root / path).exists()]
    if taken:
        raise ProviderExists(f"{', '.join(map(str, taken))} exists already; nothing was written")
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, "utf-8")
    _sort_imports(root, list(files))
    return list(files)


def _sort_imports(root: Path, paths: list[Path]) -> None:
    """Bring imports into the project's order and lines to their length: both depend on the name."""
    for arguments in (["check", "--quiet", "--fix", "--select", "I"], ["format", "--quiet"]):
        subprocess.run([sys.executable, "-m", "ruff", *arguments, *paths], cwd=root, check=True)


def register(root: Path, name: str) -> None:
    """Append the name to both registries. Raises ValueError when a registry has no such list."""
    for file, variable in REGISTRIES.items():
        path = root / file
        text, count = re.subn(
            rf'^({variable} = \(\n(?:    "\w+",\n)+)\)',
            rf'\1    "{name}",\n)',
            path.read_text("utf-8"),
            flags=re.MULTILINE,
        )
        if count != 1:
            raise ValueError(f"{file} has no list {variable} with one name a line")
        path.write_text(text, "utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Run the command; return 0, or 1 when nothing was written."""
    parser = argparse.ArgumentParser(
        prog="python tools/new_provider.py", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("name", help="the provider's slug, such as pingbot: small letters and digits")
    parser.add_argument("--register", action="store_true", help="add the name to both registries")
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout to write into; default: this one")
    options = parser.parse_args(arguments)
    try:
        paths = write_files(options.root, options.name)
    except (ValueError, ProviderExists) as error:
        print(error, file=sys.stderr)
        return 1
    print("\n".join(map(str, paths)))
    registration = ""
    if options.register:
        register(options.root, options.name)
        print("\n".join(f"{file}: {variable}" for file, variable in REGISTRIES.items()))
    else:
        for file, variable in REGISTRIES.items():
            registration += f'  - {file}: add "{options.name}" at the end of {variable}\n'
    print(NEXT_STEPS.format(registration=registration, name=options.name, title=options.name.capitalize()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
