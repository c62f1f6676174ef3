"""The one filter that keeps credentials out of logs, errors, manifests and metadata. No I/O.

A secret is registered when the configuration is read; from then on every text that leaves the process passes
``redact``. The forms in which a secret travels (URL-encoded, base64, inside JSON) are covered too.
"""

import base64
import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "[redacted]"
_MIN_LENGTH = 4  # a shorter text would blot out ordinary words
_MIN_LENGTH_IN_BODY = 12  # in data, which must not change, only what nobody takes for a word
_secrets: set[str] = set()
_signatures: set[str] = set()


def register_secrets(*values: str) -> None:
    """Remember secrets; each is masked in its plain, URL-encoded, base64, JSON and Python forms."""
    _remember(_secrets, values)


def register_signatures(*values: str) -> None:
    """Remember what signs a link. Other links share parts of it, so it is masked in texts, not in what is read."""
    _remember(_signatures, values)


def _remember(known: set[str], values: Iterable[str]) -> None:
    for value in values:
        if len(value) >= _MIN_LENGTH:
            known.update(_forms(value))


def _forms(value: str) -> Iterator[str]:
    quoted = json.dumps(value)[1:-1]
    yield from (value, quoted, quoted.replace("/", "\\/"), repr(value)[1:-1])
    for encoded in (base64.b64encode(value.encode()), base64.urlsafe_b64encode(value.encode())):
        yield from (encoded.decode(), encoded.decode().rstrip("="))
    for url in (quote(value, safe=""), quote(value), quote_plus(value)):
        yield from (url, re.sub("%..", lambda code: code[0].lower(), url))


def redact(text: str) -> str:
    """``text`` with every registered secret masked, longest first."""
    for secret in _longest_first(_secrets | _signatures):
        if secret in text:
            text = text.replace(secret, MASK)
    return text


def redact_body(body: bytes, *, signatures: bool = False) -> bytes:
    """An answer's bytes without the secrets that a provider sends back; all else stays as it came.

    With ``signatures`` those of links are masked too: the answer is kept, and its links are not followed any more.
    """
    for secret in _longest_first(_secrets | _signatures if signatures else _secrets):
        if len(secret) >= _MIN_LENGTH_IN_BODY:
            body = body.replace(secret.encode(), MASK.encode())
    return body


def _longest_first(secrets: set[str]) -> list[str]:
    return sorted(secrets, key=len, reverse=True)


def redact_json(value: Any) -> Any:
    """JSON-like data with every text in it redacted; its keys, numbers and shape stay."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {key: redact_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [redact_json(each) for each in value]
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
