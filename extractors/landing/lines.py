"""The lines of a landing log: JSON objects that check themselves. No file is touched here.

An ``answer`` line holds one response with its verbatim body. A ``batch`` line names the places of the answers that
belong together. An ``abandoned`` line says that a batch was given up, a ``sealed`` line that its segment ended well.
Each line ends with the CRC-32 of what stands before it.
"""

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from extractors.http.messages import Request, Response
from extractors.landing.batch import BatchKey, BatchPart
from extractors.redaction import redact_json
from extractors.windows import Window

_CHECK = b',"crc32":"%08x"}'
_CHECK_LENGTH = len(_CHECK % 0)


def encode_line(fields: Mapping[str, Any]) -> bytes:
    """Return a line with its check and its line end. Raises ValueError for a number that is no JSON."""
    try:
        content = json.dumps(fields, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()[:-1]
    except UnicodeEncodeError:  # half a character, which JSON can escape and UTF-8 cannot hold
        content = json.dumps(fields, allow_nan=False, separators=(",", ":")).encode()[:-1]
    return content + _CHECK % zlib.crc32(content) + b"\n"


def decode_line(line: bytes) -> dict[str, Any]:
    """Return the fields of a line, with or without its line end. Raises ValueError for one that is damaged."""
    whole = line.rstrip(b"\n")
    content = whole[:-_CHECK_LENGTH]
    if whole[-_CHECK_LENGTH:] != _CHECK % zlib.crc32(content):
        raise ValueError("a line of the landing log is damaged: its check differs")
    fields: dict[str, Any] = json.loads(content + b"}")
    return fields


def build_answer_fields(key: BatchKey, stream: str, response: Response, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of an answer line. ``key`` is the batch that asked; ``body`` comes from a function below."""
    return {
        "kind": "answer",
        "stream": stream,
        "window": describe_window(key.window),
        "external_id": key.external_id,
        "zone": key.zone,
        "asked": describe_request(response.request),
        "context": redact_json(response.context),
        "status": response.status,
        "headers": redact_json(response.headers),
        "fetched_at": response.fetched_at.isoformat(),
        **body,
    }


def describe_window(window: Window) -> list[str]:
    """Return a window as it is landed: its first day, and the day after its last."""
    return [window.start.isoformat(), window.end.isoformat()]


def describe_request(request: Request) -> Any:
    """Return a request as it is landed: without secrets."""
    described = {"method": request.method, "path": request.path, "query": request.query, "body": request.body}
    return redact_json(described)


def build_inline_body(body: bytes) -> dict[str, Any]:
    """Return the fields of a body that stands in its line, as text, or in base64 when it is not in UTF-8."""
    return {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest(), **build_body_text(body)}


def build_body_text(body: bytes) -> dict[str, Any]:
    """Return the field that holds a body in its line."""
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(body).decode()}


def build_body_reference(file_name: str, size: int, sha256: str) -> dict[str, Any]:
    """Return the fields of a body that is a file of its own: its name, its length unpacked, and its hash."""
    return {"bytes": size, "sha256": sha256, "body_file": file_name}


def parse_inline_body(fields: Mapping[str, Any]) -> bytes:
    """Return the body that stands in an answer line. Raises ValueError when it is not the one that was landed.

    ``erased`` describes the body from which a person was removed; the line keeps the hash of the body that came.
    """
    text = fields.get("body")
    body: bytes = base64.b64decode(fields["body_base64"]) if text is None else text.encode()
    if hashlib.sha256(body).hexdigest() != fields.get("erased", fields)["sha256"]:
        raise ValueError("an answer of the landing log is damaged: its hash differs")
    return body


def parse_part(fields: Mapping[str, Any]) -> BatchPart:
    """Return the description of the response in an answer line."""
    return BatchPart(
        request=fields["asked"],
        context=fields["context"],
        status=fields["status"],
        headers=fields["headers"],
        fetched_at=datetime.fromisoformat(fields["fetched_at"]),
        bytes=fields["bytes"],
        sha256=fields["sha256"],
    )


def parse_response(fields: Mapping[str, Any]) -> Response:
    """Return the response in an answer line, its body included. Raises ValueError when it is damaged."""
    part = parse_part(fields)
    request = Request(**fields["asked"])
    return Response(request, part.status, part.headers, part.fetched_at, parse_inline_body(fields), part.context)
