"""The hosts that may serve an account's files, and the secrets in signed links. Nothing is downloaded here."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

import httpx

from extractors import redaction
from extractors.errors import ErrorLocation, ForbiddenHost, ShapeError

_SIGNATURE_LENGTH = 16  # characters; a link's other values are shorter: dates, numbers, names of algorithms


@dataclass(frozen=True)
class AllowedHosts:
    """Host names that may serve a file, at any port.

    ``plain_http`` allows links without TLS, which is so only where the account's own base_url is plain http.
    """

    names: frozenset[str]
    plain_http: bool

    def validate_link(self, where: ErrorLocation, link: str) -> httpx.URL:
        """Return the link as a URL. Raises ShapeError when it is no URL, ForbiddenHost when its host is not allowed."""
        try:
            url = httpx.URL(link)
        except httpx.InvalidURL as error:
            raise ShapeError(where, "download link", "is no URL", is_landed=False) from error
        if url.scheme not in ("http", "https") or not url.host:
            raise ShapeError(where, "download link", "is no absolute http(s) URL", is_landed=False)
        if url.host.rstrip(".").casefold() not in self.names:
            raise ForbiddenHost(
                where,
                f"the file lies on {url.host}, which is none of {', '.join(sorted(self.names))}",
                "add it to the account's download_hosts if you trust it",
            )
        if url.userinfo:
            raise ForbiddenHost(where, f"the link to {url.host} carries a user name or password")
        if url.scheme == "http" and not self.plain_http:
            raise ForbiddenHost(where, f"the link to {url.host} is plain http", "only an http base_url allows that")
        return url


def register_link_secrets(link: str) -> None:
    """Register a link's signature for redaction, also when the link is no valid URL."""
    try:
        query = urlsplit(link).query
    except ValueError:
        query = link
    redaction.register_signatures(query, *(value for _, value in parse_qsl(query) if len(value) >= _SIGNATURE_LENGTH))
