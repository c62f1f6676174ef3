"""The account of the product for an account of the sandbox, whatever the provider. Nothing is requested here."""

from typing import Any

from extractors import redaction
from extractors.account import Account
from extractors.registry import get_provider
from sandbox.account import SandboxAccount
from sandbox.config import build_config, build_environment
from sandbox.server import Sandbox


def build_provider_account(sandbox: Sandbox, sandbox_account: SandboxAccount, **settings: Any) -> Account:
    """Return the account as the configuration of the sandbox sets it up, with further settings.

    Its secrets are registered for redaction, as they are when a configuration is loaded.
    """
    [entry] = build_config(sandbox, [sandbox_account])["accounts"]
    secrets = build_environment([sandbox_account])
    redaction.register_secrets(*secrets.values())
    fields = {key: secrets.get(str(value)[2:-1], value) for key, value in entry.items() if key != "provider"}
    account: Account = get_provider(sandbox_account.provider).account.model_validate({**fields, **settings})
    return account
