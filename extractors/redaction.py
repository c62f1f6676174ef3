"""The one filter that keeps credentials out of logs, errors, manifests and metadata. No I/O.

A secret is registered when the configuration is read; from then on every text that leaves the process passes
``redact``. The forms in which a secret travels (URL-encoded, base64, inside JSON) are covered too.
"""

import base64
import json
import logging
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "[redacted]"
_MIN_LENGTH = 4  # a shorter text would blot out ordinary words
_secrets: set[str] = set()


def register(*values: str) -> None:
    """Remember secrets; each is masked in its plain, URL-encoded, base64 and JSON forms."""
    for value in values:
        if len(value) >= _MIN_LENGTH:
            encoded = base64.b64encode(value.encode()).decode()
            quoted = json.dumps(value)[1:-1]
            _secrets.update({value, quote(value, safe=""), quote_plus(value), encoded, quoted})


def redact(text: str) -> str:
    """``text`` with every registered secret masked, longest first."""
    for secret in sorted(_secrets, key=len, reverse=True):
        if secret in text:
            text = text.replace(secret, MASK)
    return text


def redacted(value: Any) -> Any:
    """JSON-like data with every text in it redacted; its keys, numbers and shape stay."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {key: redacted(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [redacted(each) for each in value]
    return value


class RedactingFilter(logging.Filter):
    """Masks secrets in log records, their arguments and their traces."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record in place; never drops one."""
        record.msg = redact(record.getMessage())
        record.args = None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        return True
