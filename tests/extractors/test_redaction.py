import base64
import json
import logging
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors import redaction
from extractors.redaction import MASK, RedactingFilter, redact, redact_body, redact_json, register_secrets

SECRETS = st.text(st.characters(exclude_categories=["Cs"]), min_size=6).filter(lambda text: len(set(text)) > 4)


@given(SECRETS)
def test_a_secret_is_masked_in_every_form_it_travels_in(secret: str) -> None:
    register_secrets(secret)
    forms = (
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        base64.b64encode(secret.encode()).decode(),
        json.dumps(secret)[1:-1],
    )
    for form in forms:
        assert form not in redact(f"before {form} after {form}")


def test_the_longest_secret_is_masked_first() -> None:
    register_secrets("planted-secret", "planted-secret-and-more")
    assert redact("a planted-secret-and-more b planted-secret c") == f"a {MASK} b {MASK} c"


def test_signatures_of_links_are_masked_in_texts_and_stay_in_what_is_read() -> None:
    register_secrets("planted-secret")
    redaction.register_signatures("signer=planted-signer")
    original = "planted-secret https://store.test/f?signer=planted-signer"
    assert redact(original) == f"{MASK} https://store.test/f?{MASK}"
    assert redact_body(original.encode()) == f"{MASK} https://store.test/f?signer=planted-signer".encode()
    assert redact_body(original.encode(), signatures=True) == redact(original).encode()


def test_a_short_text_is_no_secret() -> None:
    register_secrets("abc", "")
    assert redact("abc") == "abc"


def test_data_keeps_its_shape() -> None:
    register_secrets("planted-secret")
    original = {"a": ["x planted-secret", 1, None, True, 1.5, {"b": ("planted-secret",)}], "planted-secret": "y"}
    assert redact_json(original) == {"a": [f"x {MASK}", 1, None, True, 1.5, {"b": [MASK]}], "planted-secret": "y"}


def test_log_records_are_masked_with_their_arguments_and_traces(caplog: pytest.LogCaptureFixture) -> None:
    register_secrets("planted-secret")
    logger = logging.getLogger("chatmart.test")
    caplog.handler.addFilter(RedactingFilter())
    try:
        int("planted-secret in an error")
    except ValueError:
        logger.exception("at %s with %d", "planted-secret", 5)
    assert "planted-secret" not in caplog.text
    assert f"at {MASK} with 5" in caplog.text
    assert f"'{MASK} in an error'" in caplog.text


def test_a_secret_that_comes_later_is_masked_too() -> None:
    register_secrets("planted-secret")
    assert redact_body(b"planted-secret, later-secret-of-all") == f"{MASK}, later-secret-of-all".encode()
    assert redact("planted-secret, later-secret-of-all") == f"{MASK}, later-secret-of-all"
    register_secrets("later-secret-of-all")
    redaction.register_signatures("signature-of-a-link")
    assert redact_body(b"later-secret-of-all, signature-of-a-link") == f"{MASK}, signature-of-a-link".encode()
    assert redact("later-secret-of-all, signature-of-a-link") == f"{MASK}, {MASK}"
    assert redact_body(b"signature-of-a-link", signatures=True) == MASK.encode()
