"""The result of a check before a load."""

from dataclasses import dataclass

from extractors.account import Account


@dataclass(frozen=True)
class CheckResult:
    """The result of one check. When it is not ``ok``, ``advice`` says what to do."""

    check: str
    ok: bool
    message: str
    advice: str = ""
    account: Account | None = None
