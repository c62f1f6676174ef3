"""The known names that a misspelt one may stand for. No message is shown here."""

from collections.abc import Iterable


def suggest(name: str, known: Iterable[str], limit: int = 2) -> str:
    """Return `; did you mean …?` with the nearest known names, in any case; an empty text when none is near.

    >>> suggest("Inkep", ["cognigy", "inkeep"])
    '; did you mean inkeep?'
    >>> suggest("xyz", ["cognigy", "inkeep"])
    ''
    """
    near = find_similar(name, known, limit)
    return f"; did you mean {' or '.join(near)}?" if near else ""


def find_similar(name: str, known: Iterable[str], limit: int = 2) -> list[str]:
    """Return the nearest known names, the nearest first. Upper and lower case are the same, and so are - and _."""
    from difflib import get_close_matches  # imported late: only an error needs it

    by_form = {_simplify(item): item for item in known}
    near = [by_form[form] for form in get_close_matches(_simplify(name), by_form, n=limit, cutoff=0.65)]
    exact = by_form.get(_simplify(name))
    return [exact] if exact is not None else near


def _simplify(name: str) -> str:
    return name.casefold().replace("_", "-").replace(" ", "-")
