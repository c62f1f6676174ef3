"""A chatmart configuration for a running sandbox, and the environment variables with its invented secrets.

Returns plain data; the caller writes YAML. Secrets are in the environment, never in the configuration.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from sandbox.account import SandboxAccount
from sandbox.server import Sandbox
from sandbox.vendors import get_vendor


def build_config(
    sandbox: Sandbox | str,
    accounts: Sequence[SandboxAccount],
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    **extra: Any,
) -> dict[str, Any]:
    """Return the configuration: the accounts and the given top-level keys.

    Args:
        sandbox: a running sandbox, or the origin of one in another process (`http://127.0.0.1:8600`).
        accounts: the accounts to load.
        overrides: further keys per account name; they take precedence.
        **extra: further top-level keys (`landing`, `warehouse`, `defaults`).
    """
    origin = sandbox if isinstance(sandbox, str) else sandbox.origin
    entries = []
    for account in accounts:
        vendor = get_vendor(account.provider)
        entry: dict[str, Any] = {
            "name": account.name,
            "provider": account.provider,
            "timezone": account.timezone,
            "start_date": account.start_date.isoformat(),
            "base_url": origin.rstrip("/") + vendor.root,
            **account.ids,
        }
        for secret in vendor.secrets:
            entry[secret.key] = f"${{{variable_name(account, secret.variable_suffix)}}}"
        entry.update(vendor.extra_configuration(urlsplit(origin).hostname or ""))
        entries.append({**entry, **(overrides or {}).get(account.name, {})})
    return {**extra, "accounts": entries}


def build_environment(accounts: Sequence[SandboxAccount]) -> dict[str, str]:
    """Return the environment variables that the configuration of `build_config` refers to."""
    return {
        variable_name(account, suffix): value
        for account in accounts
        for suffix, value in account.split_credential().items()
    }


def variable_name(account: SandboxAccount, suffix: str) -> str:
    """Return the name of one of the account's variables, such as `SANDBOX_ACME_SUPPORT_KEY`."""
    return f"SANDBOX_{account.name.upper().replace('-', '_')}_{suffix}"
