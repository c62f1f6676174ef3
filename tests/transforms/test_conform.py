import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.cognigy.api import KNOWN_CHANNELS
from transforms import conform
from transforms.metrics import ADDITIVE, Metric

GROUPS = {"web", "messaging", "voice", "email", "agent", "api", "test", "unknown"}


@pytest.mark.parametrize(
    ("code", "channel", "group"),
    [
        ("webchat2", "webchat", "web"),
        ("WebChat3", "webchat", "web"),
        ("meta-whatsapp", "whatsapp", "messaging"),
        ("voiceGateway2", "voice", "voice"),
        ("microsoftTeams", "teams", "messaging"),
        ("debug", "test", "test"),
        ("unknown", "unknown", "unknown"),
        ("qx-new", "other", "unknown"),
        ("", "other", "unknown"),
        (" webchat", "other", "unknown"),
    ],
)
def test_channels(code: str, channel: str, group: str) -> None:
    conformed = conform.find_channel(code)
    assert (conformed.channel, conformed.channel_group) == (channel, group)
    assert conformed.is_test == (code == "debug")


def test_every_documented_channel_has_its_place() -> None:
    documented = {
        *KNOWN_CHANNELS,
        "facebook",
        "voice",
        "audiocodes",
        "web",
        "meta-whatsapp",
        "telegram",
        "brevo",
        "email",
    }
    assert not [code for code in documented if conform.find_channel(code).channel == conform.OTHER_CHANNEL]


def test_the_map_names_each_code_once_and_known_groups_only() -> None:
    codes = list(conform._channels())
    assert len(codes) == len(set(codes))
    assert {conform.find_channel(code).channel_group for code in codes} <= GROUPS


@pytest.mark.parametrize(
    ("raw_code", "code", "base"),
    [
        ("DE", "de", "de"),
        ("pt-br", "pt-BR", "pt"),
        ("pt_BR", "pt-BR", "pt"),
        ("ZH-HANT-tw", "zh-Hant-TW", "zh"),
        ("es-419", "es-419", "es"),
        ("sl-rozaj-biske", "sl-rozaj-biske", "sl"),
        ("EN-X-US", "en-x-us", "en"),
        ("de-DE-u-co-phonebk", "de-DE-u-co-phonebk", "de"),
        ("filipino", "filipino", "filipino"),
        ("", "unknown", "unknown"),
        (None, "unknown", "unknown"),
        ("null", "null", "null"),
    ],
)
def test_languages(raw_code: str | None, code: str, base: str) -> None:
    assert conform.normalize_language_code(raw_code) == code
    assert conform.base_language(code) == base


@given(st.from_regex(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8}){0,4}", fullmatch=True))
def test_a_canonical_tag_stays_as_it_is(raw_code: str) -> None:
    code = conform.normalize_language_code(raw_code)
    assert conform.normalize_language_code(code) == conform.normalize_language_code(raw_code.swapcase()) == code
    assert code.casefold() == raw_code.replace("_", "-").casefold()


@pytest.mark.parametrize(
    ("raw_code", "code", "name"),
    [
        ("de", "DE", "Germany"),
        ("NA", "NA", "Namibia"),
        ("", "unknown", "unknown"),
        (None, "unknown", "unknown"),
        ("xx", "XX", "unknown"),
    ],
)
def test_countries(raw_code: str | None, code: str, name: str) -> None:
    assert conform.normalize_country_code(raw_code) == code
    assert conform.country_name(code) == name


def test_the_members_that_were_seen_become_rows() -> None:
    metrics = {"calls": Metric("calls", "calls", ADDITIVE, "Calls.")}
    tables = conform.build_member_tables(
        {"channel_code": {"web", "qx"}, "metric": {"calls"}, "country_code": set()}, metrics
    )
    assert tables["channel"].to_pylist() == [
        {"channel_code": "qx", "channel": "other", "channel_group": "unknown", "is_test": False},
        {"channel_code": "web", "channel": "webchat", "channel_group": "web", "is_test": False},
    ]
    assert tables["metric"].column("unit").to_pylist() == ["calls"]
    assert set(tables) == {"channel", "metric"}
