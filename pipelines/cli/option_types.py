"""The types of options, with a sentence of ours for each value that is wrong. Nothing slow to import may come in."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click

from extractors.similar_names import suggest


class DayType(click.DateTime):
    """A day, written as in 2025-01-31."""

    def __init__(self) -> None:
        super().__init__(["%Y-%m-%d"])

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the day as a datetime. Fails for a text of another form, and for a day that does not exist."""
        if isinstance(value, datetime):
            return value
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            digits = str(value).replace("-", "")
            has_form = len(str(value)) == 10 and str(value)[4:8:3] == "--" and digits.isdecimal()
            problem = "there is no such day" if has_form else "it is no day; write it as in 2025-01-31"
            self.fail(f"{value!r}: {problem}", param, ctx)


class NameChoice(click.Choice[str]):
    """One of some names. A misspelt one is answered with the nearest."""

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__(names)
        self.names = tuple(names)

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        """Return the sentence for a name that is none of these."""
        return f"{str(value)!r} is none of: {', '.join(self.names)}{suggest(str(value), self.names)}"


class PortType(click.IntRange):
    """The first of two ports that follow each other."""

    def __init__(self) -> None:
        super().__init__(1, 65534)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the port. Fails for any other text than a number from 1 to 65534."""
        try:
            return super().convert(value, param, ctx)
        except click.BadParameter:
            self.fail(f"{value!r} is no port; it is a number from 1 to 65534", param, ctx)
