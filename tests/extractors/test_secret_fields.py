"""Which fields of a provider's objects are never landed."""

import json

import pytest

from extractors.json_body import parse_json_body
from extractors.secret_fields import is_secret_name, may_hold_secret_fields, remove_secret_fields

SECRET_NAMES = [
    *("token", "Token", "accessToken", "bot_token", "secret", "clientSecret", "webhook-secret", "apiKey", "api_key"),
    *("APIKEY", "x-api-key", "password", "dbPassword", "passwd", "passphrase", "authorization", "Authorization"),
    *("proxyAuthorization", "credential", "credentials", "private_key", "privateKey", "aws.secret.access.key"),
    *("accessKeyId", "signingKey", "bearer"),
]
OTHER_NAMES = [
    "nextPageToken",
    "next_token",
    "continuationToken",
    "page_token",
    "tokens",
    "key",
    "id",
    "name",
    "passages",
]


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_secret_field_of_a_listed_object_is_left_out(name: str) -> None:
    for value in ("x", 5, {"user": "a", "text": "x"}, ["x"]):
        listed = {"channels": [{"id": 1, "settings": [{name: value, "tokens": 3}]}], name: value}
        left = remove_secret_fields(listed, is_listing=True)
        assert left == {"channels": [{"id": 1, "settings": [{"tokens": 3}]}]}


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_secret_text_is_left_out_of_every_body_and_a_number_of_a_member_is_not(name: str) -> None:
    body = {"rows": [{name: "x", "n": 1}], "login": {name: {"user": "a", "parts": ["b", 2]}}, "counts": {name: 12}}
    left = {"rows": [{"n": 1}], "login": {name: {"parts": [2]}}, "counts": {name: 12}}
    assert remove_secret_fields(body) == left
    counts = {"intents": {name: "12", f"reset {name}": {"count": 3, "value": "4,5"}}}
    assert remove_secret_fields(counts) is counts


@pytest.mark.parametrize("name", OTHER_NAMES)
def test_any_other_field_stays(name: str) -> None:
    assert not is_secret_name(name)
    listed = {"channels": [{"id": "x"}], name: "x", "hasPassword": True, "secret": None}
    assert remove_secret_fields(listed, is_listing=True) is listed


@pytest.mark.parametrize("name", [name for name in SECRET_NAMES if name not in ("signingKey", "bearer")])
def test_a_body_with_a_secret_field_is_searched(name: str) -> None:
    assert may_hold_secret_fields(json.dumps({"rows": [{name: "x"}]}).encode())


def test_a_name_that_is_escaped_is_seen() -> None:
    body = rb'{"pass\u0077ord": "x", "a": 1}'
    assert may_hold_secret_fields(body)
    assert remove_secret_fields(parse_json_body(body)) == {"a": 1}


def test_a_body_without_secret_fields_is_not_searched() -> None:
    assert not may_hold_secret_fields(b'{"items": [{"conversations": 5, "channel": "web"}]}')
