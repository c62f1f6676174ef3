"""Pseudonyms of users: the only way in which a user id reaches the warehouse.

What must not come in: a provider, a plain user id that leaves this module.
"""

import hashlib
import hmac
from collections.abc import Mapping

from extractors.account import Account

_BLOCK_BYTES = 64  # of SHA-256; HMAC pads its key to a block, and hashes a longer key first


def pseudonymize_user_id(account: Account, user_id: str | None) -> str | None:
    """Return the HMAC-SHA256 of a user id under the account's ``privacy.key``, as hex.

    None without an id, without a key, and with ``privacy: {user_ids: drop}``. The same id under the same key has the
    same pseudonym in every account.
    """
    key = account.privacy.key
    if not user_id or key is None or account.privacy.user_ids == "drop":
        return None
    return hmac.new(key.get_secret_value().encode(), user_id.encode(), hashlib.sha256).hexdigest()


def pseudonym_sql(user_id: str) -> str:
    """Return the SQL expression of the pseudonym of a column of user ids; NULL for a user without an id.

    Its parameters, ``pseudonym_parameters``, are never part of a statement: an error message or a plan shows that.
    """
    inner = f"sha256($inner_pad || encode({user_id}))"
    return f"CASE WHEN {user_id} <> '' THEN sha256($outer_pad || unhex({inner})) END"


def pseudonym_parameters(account: Account) -> Mapping[str, bytes] | None:
    """Return the parameters of ``pseudonym_sql``, which are as secret as the key; None where ids are dropped."""
    key = account.privacy.key
    if key is None or account.privacy.user_ids == "drop":
        return None
    secret = key.get_secret_value().encode()
    block = (hashlib.sha256(secret).digest() if len(secret) > _BLOCK_BYTES else secret).ljust(_BLOCK_BYTES, b"\0")
    return {"inner_pad": bytes(byte ^ 0x36 for byte in block), "outer_pad": bytes(byte ^ 0x5C for byte in block)}
