"""Fields of a provider's objects that hold a credential by their name, and how they are left out. No I/O.

Nothing that is listed needs its credential: a channel's token, the password of a connection. Names of members are data
(an intent may be called ``reset password``), and so are numbers: only texts are left out, unless objects are listed.
"""

import operator
import re
from typing import Any

_WORDS = (b"token", b"secret", b"pass", b"api", b"access", b"private", b"author", b"credential")
"""One of these is in nearly every name of a secret field, in lower case. Each costs half a millisecond per MB."""

_SECRET_NAME = re.compile(
    r"(?!(next|continuation|page|previous|prev|cursor)).*token"
    r"|.*(secret|passwor[dt]|passwd|passphrase|authori[sz]ation|credential|bearer"
    r"|(api|private|access|signing|encryption|shared)key).*",
    re.DOTALL,
)
_SEPARATORS = str.maketrans("", "", "_- .")
_NUMBER = re.compile(r"\s*[-+]?\d[\d.,]*\s*", re.ASCII)


def may_hold_secret_fields(body: bytes) -> bool:
    """Whether a JSON body that lists no configured objects has to be searched: false for nearly all of them."""
    text = body.lower()
    return any(word in text for word in _WORDS) or (b"\\" in text and b"\\u00" in text)


def is_secret_name(name: str) -> bool:
    """Whether a field of this name holds a credential.

    The token of a next page is none; ``tokens`` are counted.

    >>> [is_secret_name(name) for name in ("token", "apiKey", "webhook_secret", "next_page_token", "tokens")]
    [True, True, True, False, False]
    """
    return _SECRET_NAME.fullmatch(name.translate(_SEPARATORS).casefold()) is not None


def remove_secret_fields(value: Any, *, is_listing: bool = False) -> Any:
    """Return a JSON value without its secret fields, at any depth; the value itself when it has none.

    With ``is_listing`` the value lists objects of the provider's configuration: a secret field is left out whatever it
    holds, unless that is true, false or null. Otherwise only texts that are no numbers are.

    >>> remove_secret_fields({"id": 1, "auth": {"password": "x"}, "reset password": 12})
    {'id': 1, 'auth': {}, 'reset password': 12}
    """
    return _remove(value, is_listing, is_secret=False)


def _remove(value: Any, is_listing: bool, is_secret: bool) -> Any:
    if isinstance(value, dict):
        cleaned = {}
        is_same = True
        for name, inner in value.items():
            inner_is_secret = is_secret or is_secret_name(name)
            if inner_is_secret and _is_removed(inner, is_listing):
                is_same = False
                continue
            cleaned[name] = _remove(inner, is_listing, inner_is_secret)
            is_same = is_same and cleaned[name] is inner
        return value if is_same else cleaned
    if isinstance(value, list):
        kept = [_remove(inner, is_listing, is_secret) for inner in value if not (is_secret and _is_text(inner))]
        return value if len(kept) == len(value) and all(map(operator.is_, kept, value)) else kept
    return value


def _is_removed(value: Any, is_listing: bool) -> bool:
    if is_listing:
        return value is not None and not isinstance(value, bool)
    return _is_text(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and not _NUMBER.fullmatch(value)
