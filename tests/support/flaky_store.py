"""An object store before which a proxy answers slowly, and 500 or 503 to some requests. No expectations."""

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx

_HOP_HEADERS = {"connection", "transfer-encoding", "content-length", "content-encoding", "host"}


@contextmanager
def run_flaky_store(endpoint: str, *, fail_every: int, delay_seconds: float) -> Iterator[str]:
    """Yield the address of a proxy before a store. Every so-many-th request fails, in turn with 500 and 503."""
    numbers, statuses = itertools.count(1), itertools.cycle([500, 503])
    client = httpx.Client(timeout=60)

    class FlakyHandler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            time.sleep(delay_seconds)
            if next(numbers) % fail_every == 0:
                self.answer(next(statuses), {}, b"")
                return
            headers = {name: text for name, text in self.headers.items() if name.lower() not in _HOP_HEADERS}
            response = client.request(self.command, endpoint + self.path, headers=headers, content=body)
            self.answer(response.status_code, dict(response.headers), response.content)

        def answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
            self.send_response(status)
            length = headers.get("content-length", str(len(body))) if self.command == "HEAD" else str(len(body))
            for name, text in headers.items():
                if name.lower() not in _HOP_HEADERS:
                    self.send_header(name, text)
            self.send_header("content-length", length)
            self.end_headers()
            self.wfile.write(body if self.command != "HEAD" else b"")

        def log_message(self, *_arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), FlakyHandler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        client.close()
