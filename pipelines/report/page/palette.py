"""The colours of the page: the built-in themes, files of own colours, and their CSS variables.

A theme is one palette, or one for light and one for dark displays. The layout of the page is in ``page.css``.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal

import yaml

from pipelines.report.model import SLOT_COUNT

THEMES = ("auto", "light", "dark", "print")
"""The names of the built-in themes; auto follows the light or dark setting of the reader's display."""

Scheme = Literal["light", "dark"]

MIN_TEXT_CONTRAST, MIN_MARK_CONTRAST = 4.5, 3.0
"""The contrast to the paper that WCAG asks for: of text, and of the marks of charts."""

_SERIES, _DARK = "series", "dark"
_COLOUR = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_DARK_BELOW = 0.18  # luminance of a paper that is taken for dark: between those of black and white for the eye


class ThemeError(ValueError):
    """A theme is unknown, or its file cannot be used. The message names the file, the key and the remedy."""


@dataclass(frozen=True)
class Palette:
    """Hexadecimal colours by the names of their CSS variables."""

    colours: Mapping[str, str]

    @property
    def scheme(self) -> Scheme:
        """Whether the paper is light or dark."""
        return "dark" if measure_luminance(self.colours["paper"]) < _DARK_BELOW else "light"

    def list_faint_colours(self) -> Iterator[str]:
        """Yield a sentence for each colour of text, or of a chart's marks, that can hardly be told from the paper."""
        limits = dict.fromkeys(("ink", "soft"), MIN_TEXT_CONTRAST)
        limits.update(dict.fromkeys([f"slot-{slot}" for slot in range(1, SLOT_COUNT + 1)], MIN_MARK_CONTRAST))
        for name, least in limits.items():
            contrast = measure_contrast(self.colours[name], self.colours["paper"])
            if contrast < least:
                key = name.replace("slot-", f"{_SERIES} ")
                yield (
                    f"{key} ({self.colours[name]}) has a contrast of {contrast:.1f} to the paper "
                    f"({self.colours['paper']}); {least:g} is the least that everybody can read"
                )


@dataclass(frozen=True)
class Theme:
    """The palettes of a page: ``main``, ``dark`` for dark displays where there is one, and ``paper`` for printing."""

    main: Palette
    paper: Palette
    dark: Palette | None = None
    warnings: Sequence[str] = ()

    @property
    def color_scheme(self) -> str:
        """The value of the CSS property and of the HTML meta element ``color-scheme``."""
        return "light dark" if self.dark else self.main.scheme

    def write_css(self) -> str:
        """Return the CSS that sets all variables."""
        blocks = [f":root {{ color-scheme: {self.color_scheme}; {_write_variables(self.main)} }}"]
        if self.dark:
            blocks.append(f"@media (prefers-color-scheme: dark) {{ :root {{ {_write_variables(self.dark)} }} }}")
        blocks.append(f"@media print {{ :root {{ {_write_variables(self.paper)} }} }}")
        return "\n".join(blocks)


def load_theme(name: str, folder: Path = Path()) -> Theme:
    """Return a built-in theme, or that of a YAML file, whose path is relative to ``folder``.

    Raises ThemeError when there is no such theme or file, and for every wrong key and colour of a file.
    """
    light, dark, paper = (_load_built_in(built_in) for built_in in ("light", "dark", "print"))
    match name:
        case "auto":
            return Theme(light, paper, dark)
        case "light":
            return Theme(light, paper)
        case "dark":
            return Theme(dark, paper)
        case "print":
            return Theme(paper, paper)
    return _load_file(folder / name, name)


def measure_contrast(first: str, second: str) -> float:
    """Return WCAG's contrast ratio of two hexadecimal colours, a number of 1 (equal) to 21 (black and white)."""
    light, dark = sorted((measure_luminance(first), measure_luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def measure_luminance(colour: str) -> float:
    """Return the relative luminance of a hexadecimal colour, as a share from 0 (black) to 1 (white)."""
    digits = colour[1:] if len(colour) == len("#rrggbb") else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(share * part for share, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


@cache
def _load_built_in(name: str) -> Palette:
    document = yaml.safe_load((files("pipelines.report.page.themes") / f"{name}.yaml").read_text("utf-8"))
    return Palette(dict(_list_variables(document)))


def _load_file(path: Path, name: str) -> Theme:
    if not path.is_file():
        guess = get_close_matches(name, THEMES, 1)
        hint = f" Did you mean {guess[0]}?" if guess else ""
        raise ThemeError(
            f"there is no theme and no file {name!r}; themes are {', '.join(THEMES)}, and a file is YAML with "
            f"colours.{hint}"
        )
    try:
        document = yaml.safe_load(path.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, OSError) as error:
        raise ThemeError(f"{name} cannot be read as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise ThemeError(f'{name} has no colours; write lines such as ink: "#1b1f24"')
    own_dark = document.pop(_DARK, None)
    problems = list(_list_problems(document))
    if own_dark is not None:
        problems += [f"{_DARK}: {problem}" for problem in _list_problems(own_dark)]
    if problems:
        raise ThemeError(f"{name}: {'; '.join(problems)}")
    main = _complete(document)
    dark = None if own_dark is None else _complete(own_dark, "dark")
    faint = [*main.list_faint_colours(), *(dark.list_faint_colours() if dark else ())]
    paper = main if main.scheme == "light" else _load_built_in("print")
    return Theme(main, paper, dark, [f"{name}: {sentence}." for sentence in faint])


def _complete(document: Mapping[str, Any], scheme: Scheme = "light") -> Palette:
    """Return a file's colours; those that it leaves out are of the built-in theme that suits its paper."""
    own = dict(_list_variables(document))
    if "paper" in own:
        scheme = "dark" if measure_luminance(own["paper"]) < _DARK_BELOW else "light"
    return Palette({**_load_built_in(scheme).colours, **own})


def _list_variables(document: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in document.items():
        if key == _SERIES:
            yield from ((f"slot-{slot}", colour) for slot, colour in enumerate(value, start=1))
        else:
            yield key, value


def _list_problems(document: object) -> Iterator[str]:
    if not isinstance(document, dict):
        yield "is not a mapping of names to colours"
        return
    known = [_SERIES, *(name for name in _load_built_in("light").colours if not name.startswith("slot-"))]
    for key, value in document.items():
        if key not in known:
            guess = get_close_matches(str(key), known, 1)
            yield f"there is no colour {key!r}" + (
                f", did you mean {guess[0]}?" if guess else f"; known: {', '.join(known)}"
            )
        elif key == _SERIES:
            yield from _list_series_problems(value)
        elif not _is_colour(value):
            yield f"{key} is {_describe_value(value)}"


def _list_series_problems(value: object) -> Iterator[str]:
    if not isinstance(value, list) or not 1 <= len(value) <= SLOT_COUNT:
        yield f'{_SERIES} is a list of one to {SLOT_COUNT} colours, such as ["#20508f", "#cc7722"]'
    else:
        wrong = [entry for entry in value if not _is_colour(entry)]
        yield from (f"{_SERIES} has {_describe_value(entry)}" for entry in wrong)


def _is_colour(value: object) -> bool:
    return isinstance(value, str) and _COLOUR.fullmatch(value) is not None


def _describe_value(value: object) -> str:
    if value is None:
        return 'empty: an unquoted # begins a comment in YAML, so write the colour in quotes, such as "#1b1f24"'
    return f'{value!r}, not a colour such as "#1b1f24"'


def _write_variables(palette: Palette) -> str:
    return " ".join(f"--{name}: {colour};" for name, colour in palette.colours.items())
