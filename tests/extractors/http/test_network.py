"""Proxies and private certificate authorities: requests and downloads go the configured way, and no other."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from extractors import redaction
from extractors.errors import CertificateRefused, ExtractionError, NotSent, RequestRefused
from extractors.http.client import Client
from extractors.http.messages import Response
from extractors.http.network import Network
from tests.support.certificates import Authority, create_authority
from tests.support.clock import FakeClock
from tests.support.http_session import LIMITS, build_account, download_thing, get_thing
from tests.support.proxy import run_proxy
from tests.support.raw_server import RawRequest, RawServer, encode_response, run_raw_server

CREDENTIAL = "fake-user:fake-pass/word"
CREDENTIAL_URL = "fake-user:fake-pass%2Fword"
BODY = b'{"ok": true}'


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return create_authority(tmp_path_factory.mktemp("authority"))


def respond(request: RawRequest) -> bool:
    request.connection.sendall(encode_response(BODY))
    return True


@pytest.fixture(scope="module")
def running_tls_server(authority: Authority) -> Iterator[RawServer]:
    with run_raw_server(authority.server_context) as server:
        yield server


@pytest.fixture
def tls_server(running_tls_server: RawServer) -> RawServer:
    running_tls_server.respond = respond
    running_tls_server.requests.clear()
    return running_tls_server


@pytest.fixture
def plain_server() -> Iterator[RawServer]:
    with run_raw_server() as server:
        server.respond = respond
        yield server


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def request_and_download(server: RawServer, network: Network) -> list[bytes | ExtractionError]:
    """Return the bodies of an API request and of a download, or their errors."""

    async def run() -> list[Any]:
        async with Client(clock=FakeClock(), network=network) as client:
            session = client.open_session(build_account(server.origin), LIMITS)
            response = await asyncio.gather(get_thing(session), return_exceptions=True)
            file = await asyncio.gather(download_thing(session, f"{server.origin}/file"), return_exceptions=True)
            return [*(answer.body if isinstance(answer, Response) else answer for answer in response), *file]

    return asyncio.run(run())


def test_a_private_authority_is_trusted_when_it_is_configured(tls_server: RawServer, authority: Authority) -> None:
    assert request_and_download(tls_server, Network(ca_file=authority.ca_file)) == [BODY, BODY]


def test_a_certificate_that_is_not_trusted_is_refused_at_once(tls_server: RawServer) -> None:
    api_error, file_error = request_and_download(tls_server, Network())
    assert isinstance(api_error, CertificateRefused)
    assert isinstance(file_error, CertificateRefused)
    assert str(api_error) == (
        "acme (cognigy.stream): the certificate of 127.0.0.1 is not trusted (unable to get local issuer certificate); "
        "set network.ca_file to the authority that signed it, if that is your company's or your proxy's; "
        "else check base_url"
    )
    assert str(file_error).endswith("else check the file's host")
    assert tls_server.requests == []


def test_an_expired_certificate_is_named_as_such(tmp_path: Path) -> None:
    authority = create_authority(tmp_path, is_expired=True)
    with run_raw_server(authority.server_context) as server:
        api_error, _ = request_and_download(server, Network(ca_file=authority.ca_file))
    assert isinstance(api_error, CertificateRefused)
    assert "is not trusted (certificate has expired)" in str(api_error)


def test_an_untrusted_certificate_stops_the_account(tls_server: RawServer) -> None:
    async def run() -> tuple[int, bool]:
        async with Client(clock=FakeClock()) as client:
            session = client.open_session(build_account(tls_server.origin), LIMITS)
            errors = await asyncio.gather(*(get_thing(session) for _ in range(5)), return_exceptions=True)
            assert {type(error) for error in errors} == {CertificateRefused}
            return session.stats.requests, session.is_stopped

    assert asyncio.run(run()) == (1, True)


def test_an_answer_too_many_over_tls_reaches_no_other_request(tls_server: RawServer, authority: Authority) -> None:
    def send_two(request: RawRequest) -> bool:
        body = f'{{"path": "{request.path}"}}'.encode()
        request.connection.sendall(encode_response(body) + encode_response(b'{"path": "stray"}'))
        return True

    tls_server.respond = send_two

    async def run() -> list[str]:
        async with Client(clock=FakeClock(), network=Network(ca_file=authority.ca_file)) as client:
            session = client.open_session(build_account(tls_server.origin), LIMITS)
            return [(await get_thing(session, path)).root["path"] for path in ("/1", "/2")]

    assert asyncio.run(run()) == ["/base/1", "/base/2"]


@pytest.mark.parametrize("credential", [None, CREDENTIAL])
def test_requests_and_downloads_go_through_the_proxy(
    tls_server: RawServer, plain_server: RawServer, authority: Authority, credential: str | None
) -> None:
    with run_proxy(credential) as proxy:
        prefix = f"{CREDENTIAL_URL}@" if credential else ""
        network = Network(f"http://{prefix}127.0.0.1:{proxy.port}", authority.ca_file)
        assert request_and_download(tls_server, network) == [BODY, BODY]
        assert [request.method for request in proxy.requests] == ["CONNECT", "CONNECT"]
        proxy.requests.clear()
        assert request_and_download(plain_server, network) == [BODY, BODY]
        assert [request.path for request in proxy.requests] == [
            f"{plain_server.origin}/base/thing",
            f"{plain_server.origin}/file",
        ]
    assert all(b"proxy-authorization" not in request.head.lower() for request in tls_server.requests)


def test_a_proxy_that_refuses_its_credential_is_asked_once(tls_server: RawServer, plain_server: RawServer) -> None:
    with run_proxy(CREDENTIAL) as proxy:
        network = Network(f"http://fake-user:wrong-password@127.0.0.1:{proxy.port}")
        for server in (tls_server, plain_server):
            proxy.requests.clear()
            error, _ = request_and_download(server, network)
            assert isinstance(error, RequestRefused)
            assert error.status == 407
            assert str(error).endswith("; check the credential in network.proxy")
            assert "wrong-password" not in str(error)
            assert len(proxy.requests) == 2  # the request and the download
    assert redaction.redact("fake-user:wrong-password") == redaction.MASK
    assert tls_server.requests == plain_server.requests == []


def test_a_proxy_that_is_gone_is_named_in_the_advice(plain_server: RawServer) -> None:
    error, _ = request_and_download(plain_server, Network("http://127.0.0.1:1"))
    assert isinstance(error, NotSent)
    assert str(error).startswith("acme (cognigy.stream): no connection: ")
    assert error.advice == "check base_url, and network.proxy if a proxy is needed, or run again later"
    assert plain_server.requests == []


@pytest.mark.parametrize(
    ("use_environment", "no_proxy", "is_proxied"), [(True, "", 2), (True, "127.0.0.1", 0), (False, "", 0)]
)
def test_the_environment_counts_only_when_asked_for(
    plain_server: RawServer,
    monkeypatch: pytest.MonkeyPatch,
    use_environment: bool,
    no_proxy: str,
    is_proxied: int,
) -> None:
    with run_proxy() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("NO_PROXY", no_proxy)
        assert request_and_download(plain_server, Network(use_environment=use_environment)) == [BODY, BODY]
        assert len(proxy.requests) == is_proxied


def test_the_environments_authorities_count_only_when_asked_for(
    tls_server: RawServer, authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    assert request_and_download(tls_server, Network(use_environment=True)) == [BODY, BODY]
    assert isinstance(request_and_download(tls_server, Network())[0], CertificateRefused)
