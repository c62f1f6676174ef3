"""Text without the characters that steer instead of showing. No secrets are known here."""


def make_printable_line(text: str) -> str:
    r"""Return a text as one line of printable characters.

    White space becomes a space; any other character that steers a terminal or the direction of writing, and half of an
    emoji, becomes a question mark.

    >>> make_printable_line("\x1b[2Jclear\u202e\n\ud83d")
    '?[2Jclear? ?'
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else " " if char.isspace() else "?" for char in text)


def make_printable_lines(text: str) -> str:
    """Return a text of several lines, such as a trace, of printable characters, line ends and tabs."""
    if text.isprintable():
        return text
    lines = (map(make_printable_line, line.split("\t")) for line in text.replace("\r\n", "\n").split("\n"))
    return "\n".join("\t".join(parts) for parts in lines)
