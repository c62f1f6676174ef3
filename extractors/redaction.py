"""The one filter that keeps credentials out of logs, errors, manifests and metadata. No I/O.

A secret is registered when the configuration is read. From then on every text that leaves the process passes
``redact``, which also masks the forms in which a secret travels (URL-encoded, base64, inside JSON).
"""

import base64
import json
import logging
import operator
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote, quote_plus

MASK = "[redacted]"
_MIN_LENGTH = 4  # masking a shorter text would mask parts of ordinary words
_MIN_LENGTH_IN_BODY = 12  # data must not change: only texts too long to be an ordinary word are masked there
_secrets: set[str] = set()
_signatures: set[str] = set()


def register_secrets(*values: str) -> None:
    """Register secrets. Each is masked in its plain, URL-encoded, base64, JSON and Python forms."""
    _add_forms(_secrets, values)


def register_signatures(*values: str) -> None:
    """Register the signature of a link.

    It is masked in texts, but not in response bodies: other links, still to be followed, share parts of it.
    """
    _add_forms(_signatures, values)


def _add_forms(known: set[str], values: Iterable[str]) -> None:
    for value in values:
        if len(value) >= _MIN_LENGTH:
            known.update(_iter_forms(value))


def _iter_forms(value: str) -> Iterator[str]:
    quoted = json.dumps(value)[1:-1]
    yield from (value, quoted, quoted.replace("/", "\\/"), repr(value)[1:-1])
    for encoded in (base64.b64encode(value.encode()), base64.urlsafe_b64encode(value.encode())):
        yield from (encoded.decode(), encoded.decode().rstrip("="))
    for url in (quote(value, safe=""), quote(value), quote_plus(value)):
        yield from (url, re.sub("%..", lambda code: code[0].lower(), url))


def redact(text: str) -> str:
    """Return ``text`` with every registered secret and signature masked, longest first."""
    return _mask(text, _order(_secrets, _signatures).texts)


def _mask(text: str, secrets: Iterable[str]) -> str:
    for secret in secrets:
        if secret in text:
            text = text.replace(secret, MASK)
    return text


def redact_body(body: bytes, *, signatures: bool = False) -> bytes:
    """Return a response body with the secrets masked that a provider sends back; every other byte is unchanged.

    With ``signatures`` the signatures of links are masked too. That is for a body that is kept and whose links are
    not followed any more.
    """
    for secret in (_order(_secrets, _signatures) if signatures else _order(_secrets)).long_texts:
        body = body.replace(secret, MASK.encode())
    return body


class _LongestFirst:
    """The texts of some sets in the order in which they are masked. ``long_texts`` are those that count in a body."""

    def __init__(self, sets: Sequence[set[str]]) -> None:
        self.sets = sets
        self.sizes = [len(texts) for texts in sets]
        self.texts = sorted(set().union(*sets), key=len, reverse=True)
        self.long_texts = [text.encode() for text in self.texts if len(text) >= _MIN_LENGTH_IN_BODY]

    def is_current(self, sets: Sequence[set[str]]) -> bool:
        """Whether it is of these sets. Texts are only ever added to a set: sets of the same size hold the same."""
        return [len(texts) for texts in sets] == self.sizes and all(map(operator.is_, sets, self.sets))


_orders: dict[int, _LongestFirst] = {}
"""By the number of sets. Sorting them anew for each header and body would cost more than to mask it."""


def _order(*sets: set[str]) -> _LongestFirst:
    order = _orders.get(len(sets))
    if order is None or not order.is_current(sets):
        order = _orders[len(sets)] = _LongestFirst(sets)
    return order


def redact_json(value: Any) -> Any:
    """Return JSON-like data with every text in it redacted. Keys, numbers and shape are unchanged."""
    return _redact_value(value, _order(_secrets, _signatures).texts)


def _redact_value(value: Any, secrets: Sequence[str]) -> Any:
    if isinstance(value, str):
        return _mask(value, secrets)
    if isinstance(value, Mapping):
        return {key: _redact_value(inner, secrets) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_redact_value(inner, secrets) for inner in value]
    return value


class RedactingFilter(logging.Filter):
    """A logging filter that masks secrets in records, their arguments and their traces."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record in place and return True: no record is dropped."""
        record.msg = redact(record.getMessage())
        record.args = None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = redact(record.exc_text)
        return True
