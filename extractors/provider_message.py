"""What a provider says in words: the message of a refusal, and the failure that a body reports under status 200.

What must not come in: the reaction to a failure.
"""

import json
from collections.abc import Mapping
from typing import Any

from extractors.foreign_text import clean_line
from extractors.json_body import format_json

FAILURE_KEYS = ("error", "errors", "fault")
"""The keys under which a body reports a failure, when their value is not empty."""

_MESSAGE_LENGTH = 300  # characters
_MAX_DEPTH = 20  # of a message in objects and lists
_MESSAGE_KEYS = ("message", "detail", "title", "error", "error_description")
_FAILURE_WORDS = frozenset({"error", "errors", "fail", "failed", "failure", "fault"})
_SUCCESS_CODES = range(200, 400)


def parse_error_message(body: bytes) -> str:
    """Return the provider's message in an error body as one printable line without secrets; empty when it has none."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    return _clean(_find_message(parsed))


def find_reported_failure(root: Any) -> str | None:
    """Return the words of a failure that a body reports at its top, as one printable line without secrets.

    A failure is a ``error``, ``errors`` or ``fault`` that is not empty, a ``status`` or ``state`` that is a word of
    failure, a ``success`` or ``ok`` that is false, or a code of an error (gRPC or HTTP) beside a message. None for a
    body that reports none of them.

    >>> find_reported_failure({"items": [], "errors": [{"message": "out of memory"}]})
    'out of memory'
    >>> find_reported_failure({"status": "ok", "errors": []}) is None
    True
    """
    if not isinstance(root, dict):
        return None
    for key in FAILURE_KEYS:
        if root.get(key):
            return describe_failure(root[key])
    for key in ("status", "state"):
        word = root.get(key)
        if isinstance(word, str) and word.strip().casefold() in _FAILURE_WORDS:
            return _clean(_find_message(root) or f"{key} {word}")
    for key in ("success", "ok"):
        if root.get(key) is False:
            return _clean(_find_message(root) or f"{key} is false")
    return _find_coded_failure(root)


def _find_coded_failure(root: Mapping[str, Any]) -> str | None:
    """Return the message beside a code of gRPC (1 to 16) or of HTTP (400 and above)."""
    message = next((root[key] for key in ("message", "detail", "title") if isinstance(root.get(key), str)), "")
    for key in ("code", "status"):
        code = root.get(key)
        digits = code.strip() if isinstance(code, str) else str(code) if isinstance(code, int) else ""
        is_code = digits.isdecimal() and not isinstance(code, bool)
        if message and is_code and int(digits) and int(digits) not in _SUCCESS_CODES:
            return _clean(f"{message} ({key} {digits})")
    return None


def describe_failure(value: Any) -> str:
    """Return the value of a key of ``FAILURE_KEYS`` in words, as one printable line without secrets."""
    return _clean(_describe(value))


def _describe(value: Any, depth: int = 0) -> str:
    """Return a reported error in words: its message, the messages of a list, or the value as it is."""
    if isinstance(value, list) and depth < _MAX_DEPTH:
        return "; ".join(_describe(inner, depth + 1) for inner in value)
    try:
        return _find_message(value) or format_json(value)
    except RecursionError:
        return "an error that is nested too deeply to be shown"


def _find_message(value: Any, depth: int = 0) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, dict) or depth == _MAX_DEPTH:
        return ""
    for key in _MESSAGE_KEYS:
        message = _find_message(value.get(key), depth + 1)
        if message:
            return message
    return ""


def _clean(text: str) -> str:
    return " ".join(clean_line(text, None).split())[:_MESSAGE_LENGTH]
