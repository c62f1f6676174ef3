"""Checks of the section ``network`` that need more than its values: plain credentials, and files of authorities."""

import re
import ssl
from pathlib import Path
from typing import Any

from extractors.http.network import (
    Network,
    is_proxy_url,
    load_authorities,
    read_environment_proxies,
    register_proxy_secrets,
)
from pipelines.configuration.secrets import REFERENCE

_CREDENTIAL = re.compile(r"[a-z]*:?/?/?(?P<credential>.*)@", re.IGNORECASE | re.DOTALL)


def find_plain_credential(raw_proxy: Any) -> str | None:
    """Return the problem of a proxy whose password stands in the file itself; None when it is given by reference."""
    match = _CREDENTIAL.match(raw_proxy) if isinstance(raw_proxy, str) else None
    if match is None or not REFERENCE.sub("", match["credential"].partition(":")[2]):
        return None
    register_proxy_secrets(raw_proxy)
    return "holds a password in plain text; write ${VARIABLE} and set the variable"


def list_network_problems(network: Network) -> list[tuple[str, str]]:
    """Return the problems of a network as pairs of a key and a sentence.

    The credentials of its proxies are registered for redaction.
    """
    proxies = read_environment_proxies() if network.use_environment else {}
    for url in (network.proxy or "", *proxies.values()):
        register_proxy_secrets(url)
    problems = [
        ("use_environment", f"the environment's proxy for {scheme} is no http:// or https:// address of a proxy")
        for scheme, url in proxies.items()
        if not is_proxy_url(url)
    ]
    if network.ca_file is not None and (problem := _find_file_problem(network.ca_file)):
        problems.append(("ca_file", f"{network.ca_file} {problem}"))
    try:
        load_authorities(Network(use_environment=network.use_environment))
    except OSError as error:  # ssl.SSLError is one
        reason = error.strerror or type(error).__name__
        problems.append(("use_environment", f"SSL_CERT_FILE or SSL_CERT_DIR holds no readable certificate ({reason})"))
    return problems


def _find_file_problem(ca_file: Path) -> str | None:
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=ca_file)
    except ssl.SSLError:
        return "holds no certificate (PEM)"
    except OSError as error:
        return f"cannot be read ({error.strerror or type(error).__name__})"
    return None
