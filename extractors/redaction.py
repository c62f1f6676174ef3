"""The one filter that keeps credentials out of logs, errors, manifests and metadata. No I/O.

A secret is registered when the configuration is read. From then on every text that leaves the process passes
``redact``, which also masks the forms in which a secret travels (URL-encoded, base64, escaped in JSON or HTML).
"""

import base64
import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote_plus

from extractors.printable import make_printable_lines
from extractors.secret_finder import SecretFinder, Span, merge_spans

MASK = "[redacted]"
_MIN_LENGTH = 4  # bytes; masking a shorter text would mask parts of ordinary words
_MIN_LENGTH_IN_BODY = 6  # data must not change: texts that are as short as many words are not masked there
_MIN_DIGITS = 12  # a shorter number in JSON is data: as likely as not it is equal by chance
_LONGEST_IN_FILE = 8192
"""Bytes of a file that are held back, since a secret may begin in them: with every character escaped it is long."""

_secrets = SecretFinder()
_signatures = SecretFinder()

_JSON_TOKEN = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|-?[0-9][-+.0-9eE]*+', re.DOTALL)
"""A text or a number of a JSON body."""


def register_secrets(*values: str) -> None:
    """Register secrets. Each is masked as it is, in base64, and with any of its characters escaped."""
    _secrets.add(_iter_forms(values))


def register_signatures(*values: str) -> None:
    """Register the signature of a link.

    It is masked in texts, but not in response bodies: other links, still to be followed, share parts of it.
    """
    _signatures.add(_iter_forms(values))


def _iter_forms(values: Iterable[str]) -> Iterator[str]:
    for value in values:
        if len(value) >= _MIN_LENGTH:
            yield from (value, quote_plus(value))  # of a form's texts: a space is a plus sign there
            for encoded in (base64.b64encode(value.encode()), base64.urlsafe_b64encode(value.encode())):
                yield from (encoded.decode(), encoded.decode().rstrip("="))


def redact(text: str) -> str:
    """Return ``text`` with every registered secret and signature masked."""
    encoded = text.encode("utf-8", "surrogatepass")
    spans = [*_secrets.find(encoded), *_signatures.find(encoded)]
    return _mask(encoded, merge_spans(spans)).decode("utf-8", "surrogatepass") if spans else text


def redact_body(body: bytes, *, signatures: bool = False) -> bytes:
    """Return a response body with the secrets masked that a provider sends back; every other byte is unchanged.

    A body that is JSON stays JSON: texts are masked, and numbers of twelve and more digits. With ``signatures`` the
    signatures of links are masked too. That is for a body that is kept and whose links are not followed any more.
    """
    spans = _secrets.find(body, _MIN_LENGTH_IN_BODY)
    if signatures:
        spans = merge_spans([*spans, *_signatures.find(body, _MIN_LENGTH_IN_BODY)])
    if not spans:
        return body
    return _mask_json(body, spans) if _is_json(body) else _mask(body, spans)


class FileRedactor:
    """Masks the secrets of a file of text that comes in pieces, also one that comes in two of them.

    Numbers of fewer than twelve digits stay: as likely as not they are equal by chance. A file in UTF-16 holds a secret
    in bytes that are not searched for.
    """

    def __init__(self) -> None:
        self._held = b""

    def feed(self, piece: bytes) -> bytes:
        """Return the masked bytes that no later piece can change."""
        return self._mask(self._held + piece, _LONGEST_IN_FILE)

    def finish(self) -> bytes:
        """Return the masked rest of the file."""
        return self._mask(self._held, 0)

    def _mask(self, text: bytes, held_back: int) -> bytes:
        end = max(len(text) - held_back, 0)
        found_spans = _secrets.find(text, _MIN_LENGTH_IN_BODY)
        spans = [(start, stop) for start, stop in found_spans if not _is_short_number(text[start:stop])]
        end = min([end, *(start for start, stop in spans if start < end < stop)])
        self._held = text[end:]
        return _mask(text[:end], [span for span in spans if span[1] <= end])


def _is_short_number(text: bytes) -> bool:
    return text.isdigit() and len(text) < _MIN_DIGITS


def _mask(text: bytes, spans: Sequence[Span]) -> bytes:
    pieces, position = [], 0
    for start, end in spans:
        pieces += [text[position:start], MASK.encode()]
        position = end
    return b"".join([*pieces, text[position:]])


def _mask_json(body: bytes, spans: Sequence[Span]) -> bytes:
    """Mask parts of a JSON body within its texts and numbers."""
    waiting = list(reversed(spans))

    def mask_token(match: re.Match[bytes]) -> bytes:
        while waiting and waiting[-1][1] <= match.start():
            waiting.pop()
        within: list[Span] = []
        while waiting and waiting[-1][0] < match.end():
            start, end = waiting[-1]
            within.append((max(start - match.start(), 0), min(end, match.end()) - match.start()))
            if end > match.end():
                break  # it goes on in the next text
            waiting.pop()
        return _mask_token(match[0], within) if within else match[0]

    return _JSON_TOKEN.sub(mask_token, body)


def _mask_token(token: bytes, spans: Sequence[Span]) -> bytes:
    """Mask parts of a JSON text, or a whole number."""
    mask = json.dumps(MASK).encode()
    if not token.startswith(b'"'):
        return mask if spans == [(0, len(token))] and len(token) >= _MIN_DIGITS else token
    masked = (
        b'"' + _mask(token[1:-1], [(max(start, 1) - 1, min(end, len(token) - 1) - 1) for start, end in spans]) + b'"'
    )
    return masked if _is_json(masked) else mask  # a part may have begun or ended within an escape


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def redact_json(value: Any) -> Any:
    """Return JSON-like data with every text in it redacted. Keys, numbers and shape are unchanged."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, Mapping):
        return {key: redact_json(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [redact_json(inner) for inner in value]
    return value


class RedactingFilter(logging.Filter):
    """A logging filter that masks secrets in records, their arguments and their traces, and steering characters."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Rewrite the record in place and return True: no record is dropped."""
        record.msg = make_printable_lines(redact(record.getMessage()))
        record.args = None
        if record.exc_info and not record.exc_text:
            record.exc_text = logging.Formatter().formatException(record.exc_info)
        if record.exc_text:
            record.exc_text = make_printable_lines(redact(record.exc_text))
        return True
