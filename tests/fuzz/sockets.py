"""Changed answers over real connections: with a length, in chunks, in small pieces, or until the connection ends.

An answer that is shorter than announced ends early in the way it is sent. No change, no verdict.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from extractors.http.direct_transport import DirectTransport
from tests.fuzz.answers import Answer, send_over_network
from tests.support.raw_server import RawRequest, RawServer, run_raw_server

WAYS = ("length", "pieces", "chunks", "until the end")
_CHUNK = 1000


@dataclass
class AnswerServer:
    """Sends ``answer`` to every request, in the way ``way``."""

    server: RawServer
    answer: Answer
    way: str = WAYS[0]

    async def send(self, transport: DirectTransport, request: httpx.Request, answer: Answer) -> httpx.Response:
        """Send the request to this server instead of the sandbox, and the answer back."""
        self.answer = answer
        url = request.url.copy_with(scheme="http", host="127.0.0.1", port=self.server.port)
        redirected = httpx.Request(
            request.method, url, headers=request.headers, content=request.content, extensions=request.extensions
        )
        return await send_over_network(transport, redirected)

    def respond(self, request: RawRequest) -> bool:
        """Send the answer; keep the connection only after a whole one."""
        answer, body = self.answer, self.answer.body
        is_cut = answer.announced_length is not None
        lines = [f"HTTP/1.1 {answer.status} OK", *(f"{name}: {value}" for name, value in answer.plain_headers.items())]
        if self.way == "chunks":
            lines.append("transfer-encoding: chunked")
        elif self.way == "until the end":
            lines.append("connection: close")
        else:
            lines.append(f"content-length: {len(body) if answer.announced_length is None else answer.announced_length}")
        request.connection.sendall("\r\n".join([*lines, "", ""]).encode())
        pieces = [body] if self.way in ("length", "until the end") else _divide(body)
        for piece in pieces:
            framed = b"%x\r\n%s\r\n" % (len(piece), piece) if self.way == "chunks" else piece
            request.connection.sendall(framed)
        if self.way == "chunks" and not is_cut:
            request.connection.sendall(b"0\r\n\r\n")
        return not is_cut and self.way != "until the end"


def _divide(body: bytes) -> list[bytes]:
    return [body[start : start + _CHUNK] for start in range(0, len(body), _CHUNK)]


@contextmanager
def run_answer_server() -> Iterator[AnswerServer]:
    """Run a server for the time of the block."""
    with run_raw_server() as server:
        answers = AnswerServer(server, Answer(200, {}, b"{}"))
        server.respond = answers.respond
        yield answers
