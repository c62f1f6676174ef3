"""Requests straight to their host, each on a connection of its own: asyncio's sockets, and HTTP/1.1 by h11.

It takes the place of httpx's own transport, whose pool of connections has nothing to keep here
(docs/decisions/0019-a-transport-without-a-pool.md). It knows no proxy; requests through one take httpx's transport.
"""

import asyncio
import ipaddress
import ssl
from collections import deque
from collections.abc import AsyncIterator
from typing import cast

import h11
import httpx

_LONGEST_HEAD_BYTES = 100 * 1024  # of status and headers, and of a line between chunks
_READ_BYTES = 64 * 1024  # at most in one piece: what it decompresses to is in memory at once
_UNREAD_BYTES = 256 * 1024  # that may wait here until the socket is left unread
_FRAMING_HEADERS = {b"content-length", b"transfer-encoding"}
_NEXT_ADDRESS_SECONDS = 0.25  # until the next address of a host is tried beside one that does not answer (RFC 8305)


class DirectTransport(httpx.AsyncBaseTransport):
    """Sends the requests of an httpx client. ``authorities`` sign the certificates that are trusted.

    A request that comes while ``max_connections`` are open waits for one to be closed.
    """

    def __init__(self, authorities: ssl.SSLContext, max_connections: int) -> None:
        authorities.set_alpn_protocols(["http/1.1"])
        self._authorities = authorities
        self._slots = asyncio.Semaphore(max_connections)
        self._read_buffer = memoryview(bytearray(_READ_BYTES))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and return its response, whose body is still to be read and which must be closed.

        Raises ConnectError and ConnectTimeout when nothing was sent, UnsupportedProtocol and LocalProtocolError for a
        request that cannot be sent, and else ReadError, ReadTimeout and RemoteProtocolError.
        """
        if request.url.scheme not in ("http", "https") or not request.url.host:
            raise httpx.UnsupportedProtocol(f"no absolute http(s) URL: {request.url.scheme}")
        await self._slots.acquire()
        connection = _Connection(self._read_buffer)
        try:
            await self._connect(connection, request)
            body = _Body(connection, self._slots, request)
            return await body.exchange(request)
        except BaseException:
            connection.abort()
            self._slots.release()
            raise

    async def aclose(self) -> None:
        """Let the sockets of the last connections be closed."""
        await asyncio.sleep(0)

    async def _connect(self, connection: "_Connection", request: httpx.Request) -> None:
        """Connect, and agree on TLS for https. A connect timeout counts for either by itself."""
        url, seconds, loop = request.url, request.extensions["timeout"]["connect"], asyncio.get_running_loop()
        host = url.raw_host.decode("ascii")
        port = url.port or (443 if url.scheme == "https" else 80)
        delay = None if _is_address(host) else _NEXT_ADDRESS_SECONDS
        try:
            async with asyncio.timeout(seconds):
                await loop.create_connection(lambda: connection, host, port, happy_eyeballs_delay=delay)
            if url.scheme == "https":
                async with asyncio.timeout(seconds):
                    await connection.start_tls(self._authorities, host)
        except TimeoutError as error:
            raise httpx.ConnectTimeout(str(error)) from error
        except (OSError, UnicodeError) as error:  # UnicodeError: a host whose name no name server could hold
            raise httpx.ConnectError(str(error)) from error


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


class _Connection(asyncio.BufferedProtocol):
    """The socket of one request: what it received and was not read yet, and how it ended."""

    def __init__(self, buffer: memoryview) -> None:
        self._buffer = buffer  # shared by all connections: what it receives is copied before another one receives
        self._pieces: deque[bytes] = deque()
        self._unread_bytes = 0
        self._has_ended = False
        self._is_paused = False
        self._error: Exception | None = None
        self._reader: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def get_buffer(self, _size_hint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, byte_count: int) -> None:
        self._pieces.append(bytes(self._buffer[:byte_count]))
        self._unread_bytes += byte_count
        if self._unread_bytes > _UNREAD_BYTES and self._transport and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()
        self._wake_reader()

    def eof_received(self) -> None:
        self._has_ended = True
        self._wake_reader()

    def connection_lost(self, error: Exception | None) -> None:
        self._has_ended, self._error = True, error
        self._wake_reader()

    async def start_tls(self, authorities: ssl.SSLContext, host: str) -> None:
        """Agree on TLS. Raises OSError (ssl.SSLError too) when that fails."""
        if self._transport:
            loop = asyncio.get_running_loop()
            self._transport = await loop.start_tls(self._transport, self, authorities, server_hostname=host)
        if self._transport is None or self._has_ended:
            raise ConnectionAbortedError("the connection was closed before TLS began")

    def write(self, content: bytes) -> None:
        """Send bytes. A failure shows when the answer is read: it may have come before."""
        if self._transport:
            self._transport.write(content)

    async def read(self, seconds: float | None) -> bytes:
        """Return the next bytes, none at the end. Raises OSError for a broken connection, TimeoutError in time."""
        if not self._pieces and not self._has_ended:
            self._reader = asyncio.get_running_loop().create_future()
            async with asyncio.timeout(seconds):
                await self._reader
        if not self._pieces:
            if self._error:
                raise self._error
            return b""
        piece = self._pieces.popleft()
        self._unread_bytes -= len(piece)
        if self._is_paused and self._unread_bytes <= _UNREAD_BYTES and self._transport:
            self._is_paused = False
            self._transport.resume_reading()
        return piece

    def abort(self) -> None:
        """Close the socket. Unread bytes are dropped."""
        if self._transport:
            self._transport.abort()

    def _wake_reader(self) -> None:
        if self._reader and not self._reader.done():
            self._reader.set_result(None)


class _Body(httpx.AsyncByteStream):
    """One exchange on a connection, and the body of its response as it travels."""

    def __init__(self, connection: _Connection, slots: asyncio.Semaphore, request: httpx.Request) -> None:
        self._connection = connection
        self._slots = slots
        self._read_seconds: float | None = request.extensions["timeout"]["read"]
        self._parser = h11.Connection(h11.CLIENT, max_incomplete_event_size=_LONGEST_HEAD_BYTES)
        self._length: int | None = None
        self._is_closed = False

    async def exchange(self, request: httpx.Request) -> httpx.Response:
        """Send the request and return the response with this body."""
        content = await request.aread()
        try:
            head = h11.Request(method=request.method, target=request.url.raw_path, headers=request.headers.raw)
            self._connection.write((self._parser.send(head) or b"") + content)  # the length is among httpx's headers
        except h11.LocalProtocolError as error:
            raise httpx.LocalProtocolError(str(error)) from error
        while not isinstance(event := await self._receive_event(), h11.Response):
            pass  # a response that informs only, such as 100 or 103
        self._length = _read_length(request.method, event)
        headers = event.headers.raw_items()
        extensions = {"http_version": b"HTTP/" + event.http_version, "reason_phrase": event.reason}
        return httpx.Response(event.status_code, headers=headers, stream=self, extensions=extensions)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._length is None:
            while isinstance(event := await self._receive_event(), h11.Data):
                yield bytes(event.data)
            return
        # h11 would copy the bytes three times, and has nothing to read in them
        missing_bytes, (piece, _is_ended) = self._length, self._parser.trailing_data
        while missing_bytes:
            piece = piece or await self._receive()
            if not piece:
                counts = f"(received {self._length - missing_bytes} bytes, expected {self._length})"
                raise httpx.RemoteProtocolError(
                    f"peer closed connection without sending complete message body {counts}"
                )
            yield piece[:missing_bytes]
            missing_bytes -= min(len(piece), missing_bytes)
            piece = b""

    async def aclose(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._connection.abort()
            self._slots.release()

    async def _receive_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        try:
            while (event := self._parser.next_event()) is h11.NEED_DATA:
                received = await self._receive()
                if not received and self._parser.their_state is h11.SEND_RESPONSE:
                    raise httpx.RemoteProtocolError("Server disconnected without sending a response.")
                self._parser.receive_data(received)
        except h11.RemoteProtocolError as error:
            raise httpx.RemoteProtocolError(str(error)) from error
        return event

    async def _receive(self) -> bytes:
        try:
            return await self._connection.read(self._read_seconds)
        except TimeoutError as error:
            raise httpx.ReadTimeout(str(error)) from error
        except OSError as error:
            raise httpx.ReadError(str(error)) from error


def _read_length(method: str, response: h11.Response) -> int | None:
    """Return the length of a body if its ``Content-Length`` counts (RFC 9112, 6.3). h11 has checked the headers."""
    if method == "HEAD" or response.status_code in (204, 304):
        return 0
    headers = dict(response.headers)
    return int(headers[b"content-length"]) if headers.keys() & _FRAMING_HEADERS == {b"content-length"} else None
