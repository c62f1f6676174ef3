"""Pseudonyms: the only way in which a user id reaches the warehouse, and, where wanted, other personal texts.

A pseudonym is a keyed hash. Its key is derived from the account's ``privacy.key``, its name and the kind of text, so
that the same person has another pseudonym in every account. What must not come in: a provider, a plain user id that
leaves this module.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Literal

from extractors.account import Account
from extractors.landing.forgotten import TOKEN_PREFIX, is_token

Kind = Literal["user_id", "conversation_id", "transfer_target"]
"""The kinds of texts that can be pseudonyms, by their column."""

_SETTINGS: Mapping[Kind, str] = {
    "user_id": "user_ids",
    "conversation_id": "conversation_ids",
    "transfer_target": "transfer_targets",
}
_PLAIN_SETTINGS = {"user_ids": "drop", "conversation_ids": "keep", "transfer_targets": "keep"}
_DROPPED = "drop"
_BLOCK_BYTES = 64  # of SHA-256; HMAC pads its key to a block
_MARK_LENGTH = 16


def conceal(account: Account, kind: Kind, text: str | None) -> str | None:
    """Return a text as the account's ``privacy`` lets it into the warehouse: hashed, as it is, or None.

    A hash is the HMAC-SHA256 under the account's derived key, as hex. User ids are never kept as they are: they are
    None without a key, and of people who were forgotten.
    """
    if not text or (kind == "user_id" and is_token(text)):
        return None if kind == "user_id" else text
    match _effective_setting(account, _SETTINGS[kind]):
        case "hash":
            return hmac.new(_derive_key(account, kind), text.encode(), hashlib.sha256).hexdigest()
        case "keep":
            return text
        case _:
            return None


def conceal_sql(account: Account, kind: Kind, column: str) -> str:
    """Return the SQL expression of ``conceal`` for a column of texts.

    Its parameters, ``conceal_parameters``, are never part of a statement: an error message or a plan shows that.
    """
    match _effective_setting(account, _SETTINGS[kind]):
        case "hash":
            inner = f"sha256(${kind}_inner_pad || encode({column}))"
            hashed = f"sha256(${kind}_outer_pad || unhex({inner}))"
            if kind == "user_id":
                return f"CASE WHEN {column} <> '' AND NOT starts_with({column}, '{TOKEN_PREFIX}') THEN {hashed} END"
            return f"CASE WHEN {column} <> '' THEN {hashed} ELSE {column} END"
        case "keep":
            return column
        case _:
            return "NULL"


def conceal_parameters(account: Account, *kinds: Kind) -> Mapping[str, bytes]:
    """Return the parameters of the ``conceal_sql`` of some kinds, which are as secret as the key."""
    parameters: dict[str, bytes] = {}
    for kind in kinds:
        if _effective_setting(account, _SETTINGS[kind]) == "hash":
            block = _derive_key(account, kind).ljust(_BLOCK_BYTES, b"\0")
            parameters[f"{kind}_inner_pad"] = bytes(byte ^ 0x36 for byte in block)
            parameters[f"{kind}_outer_pad"] = bytes(byte ^ 0x5C for byte in block)
    return parameters


def mark_privacy(account: Account) -> str | None:
    """Return a short text that differs between two settings of ``privacy`` with which facts would differ.

    It also differs between two keys, and reveals none. None where the facts hold nothing that depends on a setting.
    """
    settings = {name: _effective_setting(account, name) for name in account.PRIVACY_SETTINGS}
    chosen = {name: value for name, value in settings.items() if value != _PLAIN_SETTINGS.get(name, _DROPPED)}
    if not chosen:
        return None
    is_hashed = "hash" in chosen.values()
    key = _derive_key(account, "mark") if is_hashed else b""
    return hmac.new(key, json.dumps(chosen, sort_keys=True).encode(), hashlib.sha256).hexdigest()[:_MARK_LENGTH]


def _effective_setting(account: Account, name: str) -> str:
    """Return a setting of ``privacy``; user ids without a key are dropped."""
    setting = str(getattr(account.privacy, name))
    return _DROPPED if setting == "hash" and not _key_of(account) else setting


def _key_of(account: Account) -> str:
    key = account.privacy.key
    return key.get_secret_value() if key is not None else ""


def _derive_key(account: Account, purpose: str) -> bytes:
    return _derive(_key_of(account), account.provider, account.name, purpose)


@lru_cache(maxsize=1024)
def _derive(key: str, *purpose: str) -> bytes:
    return hmac.new(key.encode(), "\0".join(purpose).encode(), hashlib.sha256).digest()
