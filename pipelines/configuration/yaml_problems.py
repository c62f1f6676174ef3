"""The sentence for each way in which a file can fail to be YAML, with its line and column. No file is read here.

The library names tokens of its own; ours say what a person did, and what to write. No sentence quotes the file: a
secret may stand in it by mistake.
"""

import re

import yaml

_COLON = (
    "a colon where no key can stand; indent this line as the lines it belongs to are indented, and put a text with a "
    "colon and a blank in quotes"
)
_INDENTATION = "this line is indented otherwise than the lines that it belongs to, or lacks its `- `"
_BACKSLASH = "a backslash in double quotes that begins no known character; use single quotes"
_TAG = "a text that begins with ! is put in quotes; no other type is read"
_REFERENCE = "a text that begins with * or & is put in quotes"

_WORDS: tuple[tuple[str, str, bool], ...] = (
    (r"found character '\\t'", "a tab, where only blanks may indent; write blanks", False),
    (r"found character '[%@`]'", "a text that begins with %, @ or ` is put in quotes", False),
    (r"expected ',' or '\]'", "the list in [ ] that begins here is not closed, or lacks a comma", True),
    (r"expected ',' or '\}'", "the section in { } that begins here is not closed, or lacks a comma", True),
    (r"unexpected end of stream", "the quote that is opened here is never closed", True),
    (r"mapping values are not allowed", _COLON, False),
    (r"expected <block end>", _INDENTATION, False),
    (r"could not find expected ':'", "a line without `key: value`; a key is followed by a colon and a blank", True),
    (r"expected the node content", "a value is missing, or a bracket is not closed", False),
    (r"undefined alias|while scanning an (alias|anchor)", _REFERENCE, False),
    (r"could not determine a constructor|while (scanning|parsing) a tag", _TAG, False),
    (r"unknown escape character|expected escape sequence", _BACKSLASH, False),
    (r"another document", "a second document begins with ---; the file holds one", False),
    (r"unhashable key", "a list or a section stands where a key must stand", False),
)
"""A pattern in the library's words, our sentence, and whether the place is where the construct begins."""


def describe_yaml_error(error: yaml.MarkedYAMLError) -> str:
    """Return one sentence that begins with line and column, both counted from 1.

    >>> try:
    ...     yaml.safe_load("a: [1, 2")
    ... except yaml.MarkedYAMLError as error:
    ...     describe_yaml_error(error)
    'line 1, column 4: the list in [ ] that begins here is not closed, or lacks a comma'
    """
    text = f"{error.context or ''} {error.problem or ''}"
    for pattern, words, is_at_beginning in _WORDS:
        if re.search(pattern, text):
            mark = error.context_mark if is_at_beginning else error.problem_mark
            return f"{_format_place(mark or error.problem_mark)}{words}"
    problem = re.sub(r"'[^']*'", "…", error.problem or error.context or "is not valid YAML")
    return f"{_format_place(error.problem_mark or error.context_mark)}{problem}"


def _format_place(mark: yaml.Mark | None) -> str:
    return f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""


def describe_other_error(error: Exception) -> str:
    """Return a sentence for content that is no YAML at all; the beginning names the file."""
    if isinstance(error, UnicodeDecodeError):
        return "is no text in UTF-8; save it as UTF-8"
    if isinstance(error, RecursionError):
        return "its lists and sections are nested too deeply"
    if isinstance(error, yaml.reader.ReaderError):
        return f"its character {error.position + 1} is none that a text may hold; write the file anew"
    return "a list or section contains itself (an alias inside its own anchor); write it without & and *"
