"""The httpx client of a run: its transport, time limits, headers, and no cookies. No provider is known here."""

import httpx

from extractors.http.direct_transport import DirectTransport
from extractors.http.encodings import REQUESTED_CODINGS
from extractors.http.network import Network
from extractors.http.settings import USER_AGENT, HttpSettings
from extractors.http.steady_bodies import require_steady_bodies

_MAX_CONNECTIONS = 64  # at once, of all accounts


class _NoCookies(httpx.Cookies):
    """Accounts share the client: a cookie would carry one account's session to another, or to a storage host."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Keep none."""


class _CookielessClient(httpx.AsyncClient):
    @property
    def cookies(self) -> httpx.Cookies:
        return _NO_COOKIES

    @cookies.setter
    def cookies(self, cookies: object) -> None:
        raise AttributeError("cookies are not kept")


_NO_COOKIES = _NoCookies()


def open_httpx_client(settings: HttpSettings, network: Network) -> httpx.AsyncClient:
    """Open a client that sends straight to the host, or by the proxy of ``network``, and follows no redirect.

    Raises OSError or ssl.SSLError for authorities that cannot be read.
    """
    options = network.build_client_options()
    if not network.names_proxy():
        options["transport"] = DirectTransport(options["verify"], _MAX_CONNECTIONS)
    return _CookielessClient(
        **options,
        follow_redirects=False,
        timeout=httpx.Timeout(settings.read_timeout_seconds, connect=settings.connect_timeout_seconds, pool=None),
        # every request has a connection of its own: docs/decisions/0017-one-request-a-connection.md
        limits=httpx.Limits(max_connections=_MAX_CONNECTIONS, max_keepalive_connections=0),
        headers={"User-Agent": USER_AGENT, "Accept-Encoding": ", ".join(REQUESTED_CODINGS), "Connection": "close"},
        event_hooks={"response": [require_steady_bodies(settings.steady_seconds, settings.least_bytes)]},
    )
