"""The way to the internet: a proxy, and the certificate authorities that are trusted. Nothing is sent here.

httpx is imported where it is used: a command that only reads the configuration need not wait for it.
"""

import os
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies

from extractors import redaction


@dataclass(frozen=True)
class Network:
    """``proxy`` is its URL, which may hold a credential. ``ca_file`` is a PEM file of further authorities.

    ``use_environment`` takes what is not set here from the usual variables: HTTP_PROXY, HTTPS_PROXY, ALL_PROXY,
    NO_PROXY, SSL_CERT_FILE, SSL_CERT_DIR.
    """

    proxy: str | None = None
    ca_file: Path | None = None
    use_environment: bool = False

    def build_client_options(self) -> dict[str, Any]:
        """Return the arguments of an httpx client or request that make it use this network.

        The credentials of proxies are registered for redaction. Raises OSError or ssl.SSLError for authorities that
        cannot be read.
        """
        import httpx

        authorities = load_authorities(self)
        for url in (self.proxy, *(read_environment_proxies().values() if self.use_environment else ())):
            if url:
                register_proxy_secrets(url)
        options = {"verify": authorities, "trust_env": self.use_environment}
        if self.proxy:
            has_tls = httpx.URL(self.proxy).scheme == "https"  # authorities for a plain connection are refused
            options["proxy"] = httpx.Proxy(self.proxy, ssl_context=authorities if has_tls else None)
        return options

    def names_proxy(self) -> bool:
        """Whether requests may go through a proxy: one is set here, or in an environment that counts."""
        return bool(self.proxy) or (self.use_environment and any(read_environment_proxies().values()))


DIRECT = Network()


def load_authorities(network: Network) -> ssl.SSLContext:
    """Return the authorities to trust: the public ones (or those of SSL_CERT_FILE and SSL_CERT_DIR), and ``ca_file``.

    Raises OSError or ssl.SSLError for a file that is missing or holds no certificate.
    """
    variables = ("SSL_CERT_FILE", "SSL_CERT_DIR") if network.use_environment else ()
    return _load_authorities(network.ca_file, tuple(os.environ.get(name) for name in variables))


@cache  # reading them takes longer than the requests of many a run
def _load_authorities(ca_file: Path | None, environment_values: tuple[str | None, ...]) -> ssl.SSLContext:
    import httpx

    context = httpx.create_ssl_context(trust_env=bool(environment_values))
    if ca_file is not None:
        context.load_verify_locations(cafile=ca_file)
    return context


def read_environment_proxies() -> Mapping[str, str]:
    """Return the URLs of the proxies that the environment names, by the scheme that each is for."""
    proxies = {scheme: url for scheme, url in getproxies().items() if scheme in ("http", "https", "all")}
    return {scheme: url if "://" in url else f"http://{url}" for scheme, url in proxies.items()}


def is_proxy_url(url: str) -> bool:
    """Whether a text is the URL of a proxy: http or https, a host, perhaps a port and a credential, and no more."""
    import httpx

    try:
        parts = urlsplit(url)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        return False
    return is_address and parts.path in ("", "/") and not parts.query and not parts.fragment


def register_proxy_secrets(url: str) -> None:
    """Register the credential of a proxy for redaction, in each form in which it travels."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return
    if parts.password:
        user, password = unquote(parts.username or ""), unquote(parts.password)
        redaction.register_secrets(parts.password, password, f"{user}:{password}")


def find_certificate_failure(error: BaseException) -> str | None:
    """Return the reason why a certificate was refused, from an error or one of its causes; None for another error."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return cause.verify_message
        cause = cause.__cause__ or cause.__context__
    return None
