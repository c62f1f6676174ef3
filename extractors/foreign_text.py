"""Text that came from outside (a provider, a file, the engine), made safe to show: no secret, no control character.

A terminal, a log, an alert and Dagster's pages all show it. What must not come in: the meaning of a text.
"""

from extractors.printable import make_printable_line, make_printable_lines
from extractors.redaction import redact

MAX_SENTENCE = 1_000
"""The most characters of a sentence about one failure."""

_ELLIPSIS = " … "


def clean_line(text: str, max_length: int | None = MAX_SENTENCE) -> str:
    r"""Return a text as one printable line of at most ``max_length`` characters (None: of any), without secrets.

    What is too long is cut in the middle.

    >>> clean_line("the job \x1b[2J\u202e failed\n" + "w" * 1_000_000, 40)
    'the job ?[2J? faile … wwwwwwwwwwwwwwwwww'
    """
    line = make_printable_line(redact(text))  # redact before cutting: a part of a secret would not be found
    return line if max_length is None else shorten(line, max_length)


def clean_lines(text: str) -> str:
    """Return a text of several lines, such as a trace, without secrets; only its line ends and tabs stay."""
    return make_printable_lines(redact(text))


def shorten(text: str, max_length: int) -> str:
    """Return a text of at most ``max_length`` characters: the middle of a longer one is left out."""
    if len(text) <= max_length:
        return text
    rest = max_length - len(_ELLIPSIS)
    return f"{text[: rest - rest // 2]}{_ELLIPSIS}{text[len(text) - rest // 2 :]}"
