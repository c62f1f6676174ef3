"""The hosts that may serve a file: which links are followed, and which are refused."""

import pytest

from extractors.errors import ErrorLocation, ExtractionError, ForbiddenHost, ShapeError
from extractors.exports.hosts import AllowedHosts

WHERE = ErrorLocation("chatcaptain", "a", "export")
HOSTS = AllowedHosts(frozenset({"files.example.test"}), plain_http=False)


@pytest.mark.parametrize(
    ("link", "error"),
    [
        ("https://elsewhere.example.test/x", ForbiddenHost),
        ("https://files.example.test.elsewhere.test/x", ForbiddenHost),
        ("https://files.example.test@elsewhere.test/x", ForbiddenHost),
        ("https://user:word@files.example.test/x", ForbiddenHost),
        ("http://files.example.test/x", ForbiddenHost),
        ("ftp://files.example.test/x", ShapeError),
        ("/exports/x.csv", ShapeError),
        ("https:///x", ShapeError),
        ("https://[::1/x", ShapeError),
        ("", ShapeError),
    ],
)
def test_refused_links(link: str, error: type[ExtractionError]) -> None:
    with pytest.raises(error):
        HOSTS.validate_link(WHERE, link)


@pytest.mark.parametrize("link", ["https://FILES.example.test:8443/x", "https://files.example.test./x?a=b"])
def test_a_listed_host_at_any_port(link: str) -> None:
    HOSTS.validate_link(WHERE, link)
