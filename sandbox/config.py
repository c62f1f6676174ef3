"""A chatmart configuration for a running sandbox, and the environment that holds its invented secrets.

Writes plain data only; the caller makes YAML of it. Secrets stand in the environment, never in the configuration.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.accounts import SandboxAccount
from sandbox.server import API_ROOTS, HOST, Sandbox


def build_config(
    sandbox: Sandbox | str,
    accounts: Sequence[SandboxAccount],
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    **extra: Any,
) -> dict[str, Any]:
    """The configuration: the accounts, and whatever else stands at the top level.

    Args:
        sandbox: a running sandbox, or the origin of one in another process (`http://127.0.0.1:8600`).
        accounts: whom to load.
        overrides: further keys per account name; they win.
        **extra: further top-level keys (`landing`, `warehouse`, `defaults`).
    """
    origin = sandbox if isinstance(sandbox, str) else sandbox.origin
    entries = []
    for account in accounts:
        entry: dict[str, Any] = {
            "name": account.name,
            "provider": account.provider,
            "timezone": account.timezone,
            "start_date": account.start_date.isoformat(),
            "base_url": origin.rstrip("/") + API_ROOTS[account.provider],
            **account.ids,
        }
        secrets = (
            {"token_id": "ID", "token_secret": "SECRET"} if account.provider == "chatlayer" else {"api_key": "KEY"}
        )
        entry.update({key: f"${{{variable_name(account, suffix)}}}" for key, suffix in secrets.items()})
        if account.provider == "chatcaptain":
            entry["download_hosts"] = [HOST]
            entry["export_poll_seconds"] = [0.01, 0.05]
        entries.append({**entry, **(overrides or {}).get(account.name, {})})
    return {**extra, "accounts": entries}


def build_environment(accounts: Sequence[SandboxAccount]) -> dict[str, str]:
    """The variables that `config_for` refers to."""
    found: dict[str, str] = {}
    for account in accounts:
        if account.provider == "chatlayer":
            token, _, secret = account.credential.partition(":")
            found[variable_name(account, "ID")], found[variable_name(account, "SECRET")] = token, secret
        else:
            found[variable_name(account, "KEY")] = account.credential
    return found


def variable_name(account: SandboxAccount, suffix: str) -> str:
    """The name of one of the account's variables, such as `SANDBOX_ACME_SUPPORT_KEY`."""
    return f"SANDBOX_{account.name.upper().replace('-', '_')}_{suffix}"
