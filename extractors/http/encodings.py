"""The codings and the character encoding of a body. Nothing is sent or parsed here."""

import json
from collections.abc import Collection, Mapping

from extractors.errors import ErrorLocation, ShapeError
from extractors.redaction import redact

_NO_CODINGS = frozenset(
    {"", "identity", "none", "null", "utf-8", "utf8", "us-ascii", "iso-8859-1", "aws-chunked", "binary", "7bit", "8bit"}
)
"""Words in ``Content-Encoding`` that name no coding: character sets, and a mark of uploads that storages repeat."""

REQUESTED_CODINGS = ("gzip", "deflate")
"""Those that every request names in ``Accept-Encoding``, except where it names others."""

_CODINGS = {"gzip": "gzip", "x-gzip": "gzip", "deflate": "deflate"}
_CONTEXT_BYTES = 40  # shown before a byte that is no UTF-8


def read_codings(
    where: ErrorLocation, headers: Mapping[str, str], requested: Collection[str] = REQUESTED_CODINGS
) -> tuple[str, ...]:
    """Return the coding of a body, ``gzip`` or ``deflate``; empty without one.

    Raises ShapeError for a coding that is not among those ``requested``, and for more than one: nobody asks for a
    body that is packed twice, and a few bytes of it may stand for gigabytes.
    """
    words = [word.strip().casefold() for word in headers.get("content-encoding", "").split(",")]
    names = [word for word in words if word not in _NO_CODINGS]
    unknown = [name for name in names if _CODINGS.get(name) not in requested]
    if unknown:
        problem = "is a coding that was not asked for (Accept-Encoding), and cannot be undone"
        raise ShapeError(where, "content-encoding", problem, ", ".join(unknown), is_landed=False)
    if len(names) > 1:
        problem = "names more than one coding, and only one is undone"
        raise ShapeError(where, "content-encoding", problem, ", ".join(names), is_landed=False)
    return tuple(_CODINGS[name] for name in names)


def refuse_other_encoding(where: ErrorLocation, body: bytes) -> None:
    """Raise ShapeError for JSON that is not encoded in UTF-8, with the byte; return for UTF-8 and for no JSON at all.

    A byte order mark of UTF-8 is accepted. UTF-16 and UTF-32 are refused too, though they can be told apart: secrets
    are masked in the bytes of a body as UTF-8.
    """
    encoding = json.detect_encoding(body)
    if not encoding.startswith("utf-8"):
        if _is_json(body, encoding):
            problem = f"is encoded in {encoding.upper()}; JSON is read in UTF-8 only"
            raise ShapeError(where, "$", problem, _decode(body[:_CONTEXT_BYTES], encoding), is_landed=False)
        return
    try:
        body.decode()
    except UnicodeDecodeError as error:
        if _is_json(body, "latin-1"):  # else it was cut within a character, or is a gateway's page
            before = body[max(0, error.start - _CONTEXT_BYTES) : error.start + 1]
            problem = f"is not encoded in UTF-8 at byte {error.start}, behind {_quote(before)}"
            raise ShapeError(where, "$", problem, body[error.start : error.start + 1], is_landed=False) from None


def _is_json(body: bytes, encoding: str) -> bool:
    try:
        json.loads(_decode(body, encoding))
    except (ValueError, RecursionError):
        return False
    return True


def _decode(body: bytes, encoding: str) -> str:
    return body.decode(encoding, errors="replace")


def _quote(piece: bytes) -> str:
    return redact(repr(_decode(piece[:-1], "latin-1")))
