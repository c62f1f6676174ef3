"""Pseudonyms of users: the only way in which a user id reaches the warehouse.

What must not come in: a provider, a plain user id that leaves this module.
"""

import hashlib
import hmac

from extractors.account import Account


def pseudonymize_user_id(account: Account, user_id: str | None) -> str | None:
    """Return the HMAC-SHA256 of a user id under the account's ``privacy.key``, as hex.

    None without an id, without a key, and with ``privacy: {user_ids: drop}``. The same id under the same key has the
    same pseudonym in every account.
    """
    key = account.privacy.key
    if not user_id or key is None or account.privacy.user_ids == "drop":
        return None
    return hmac.new(key.get_secret_value().encode(), user_id.encode(), hashlib.sha256).hexdigest()
