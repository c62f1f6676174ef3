"""The result of a check before a load."""

from dataclasses import dataclass

from extractors.account import Account


@dataclass(frozen=True)
class CheckResult:
    """The result of one check. When it is not ``ok``, ``advice`` says what to do.

    ``is_warning``: a load would work, and may not do what was meant.
    """

    check: str
    ok: bool
    message: str
    advice: str = ""
    account: Account | None = None
    is_warning: bool = False
