"""The section ``network``: what it may hold, and what is refused by name when the file is read."""

from pathlib import Path
from typing import Any

import pytest

from extractors import redaction
from extractors.http.network import Network
from tests.pipelines.configuration.conftest import SECRET, ConfigFolder
from tests.support.certificates import create_authority

BAD_FORM = "a proxy is http:// (or https://), a host name and a port, perhaps with a credential"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "ssl_cert_file", "ssl_cert_dir"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def test_without_the_section_nothing_is_between_here_and_the_providers(
    config_folder: ConfigFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks5://nowhere")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere")
    assert config_folder.load().network == Network()


def test_a_proxy_and_a_file_of_authorities(config_folder: ConfigFolder) -> None:
    create_authority(config_folder.path)
    network = {"proxy": "http://proxy.acme.test:3128", "ca_file": "ca.pem"}
    assert config_folder.load(network=network).network == Network(
        "http://proxy.acme.test:3128", config_folder.path / "ca.pem"
    )


@pytest.mark.parametrize("proxy", ["${PROXY}", "http://${USER_NAME}:${PASSWORD}@proxy.acme.test:3128"])
def test_a_proxys_credential_is_given_by_reference_and_redacted(config_folder: ConfigFolder, proxy: str) -> None:
    env = f"PROXY=http://acme-user:{SECRET}@proxy.acme.test:3128\nUSER_NAME=acme-user\nPASSWORD={SECRET}\n"
    config = config_folder.load(env=env, network={"proxy": proxy})
    assert config.network.proxy == f"http://acme-user:{SECRET}@proxy.acme.test:3128"
    assert SECRET not in redaction.redact(str(config.network.proxy))
    assert SECRET not in repr(config.settings)


@pytest.mark.parametrize(
    ("network", "problem"),
    [
        (
            {"proxy": f"http://acme-user:{SECRET}@proxy.acme.test:3128"},
            "network.proxy: holds a password in plain text; write ${VARIABLE} and set the variable",
        ),
        ({"proxy": "proxy.acme.test:3128"}, f"network.proxy: {BAD_FORM}"),
        ({"proxy": "socks5://proxy.acme.test:1080"}, f"network.proxy: {BAD_FORM}"),
        ({"proxy": "http://proxy.acme.test:3128/path"}, f"network.proxy: {BAD_FORM}"),
        ({"proxy": "${NOBODY_SET_THIS}"}, "network.proxy: the variable NOBODY_SET_THIS is not set; set it or write"),
        (
            {"ca_file": "nowhere.pem"},
            "network.ca_file: {folder}/nowhere.pem cannot be read (No such file or directory)",
        ),
        ({"ca_file": "empty.pem"}, "network.ca_file: {folder}/empty.pem holds no certificate (PEM)"),
        ({"ca_file": "."}, "network.ca_file: {folder} "),
        ({"ca_file": ""}, "network.ca_file: is empty"),
        ({"certificate": "x"}, "network.certificate: is not a known key"),
        ({"use_environment": "perhaps"}, "network.use_environment: is neither true nor false"),
    ],
)
def test_a_wrong_network_is_named(config_folder: ConfigFolder, network: dict[str, Any], problem: str) -> None:
    (config_folder.path / "empty.pem").write_text("no certificate\n")
    (line,) = config_folder.list_problems(network=network)
    assert line.startswith(f"chatmart.yaml: {problem}".replace("{folder}", str(config_folder.path)))


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("HTTPS_PROXY", "socks5://proxy.acme.test:1080", "the environment's proxy for https is no http:// or https://"),
        ("SSL_CERT_FILE", "/nowhere.pem", "SSL_CERT_FILE or SSL_CERT_DIR holds no readable certificate (No such file"),
    ],
)
def test_a_wrong_environment_is_named_when_it_counts(
    config_folder: ConfigFolder, monkeypatch: pytest.MonkeyPatch, name: str, value: str, problem: str
) -> None:
    monkeypatch.setenv(name, value)
    (line,) = config_folder.list_problems(network={"use_environment": True})
    assert line.startswith(f"chatmart.yaml: network.use_environment: {problem}")


def test_the_environments_proxy_is_redacted(config_folder: ConfigFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://acme-user:{SECRET}@proxy.acme.test:3128")
    assert config_folder.load(network={"use_environment": True}).network == Network(use_environment=True)
    assert redaction.redact(SECRET) == redaction.MASK


def test_an_unreadable_file_is_no_crash(config_folder: ConfigFolder, tmp_path: Path) -> None:
    (tmp_path / "binary.pem").write_bytes(b"\0\xff" * 100)
    (line,) = config_folder.list_problems(network={"ca_file": "binary.pem"})
    assert line.endswith("binary.pem holds no certificate (PEM)")
