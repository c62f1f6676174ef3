"""The accounts of the sample world, whose names are awkward on purpose, collected from the vendors' declarations.

Values only; the class of an account is in `sandbox/account.py`. No vendor's package may import this module.
"""

from collections.abc import Iterator
from itertools import zip_longest

from sandbox.account import SandboxAccount
from sandbox.vendors import list_vendors


def _iterate_sample_accounts() -> Iterator[SandboxAccount]:
    """Yield the first account of every vendor, then the second of every vendor that has two, and so on."""
    per_vendor = [
        [SandboxAccount(sample.name, vendor.name, sample.timezone, sample.ids) for sample in vendor.sample_accounts]
        for vendor in list_vendors()
    ]
    for accounts in zip_longest(*per_vendor):
        yield from (account for account in accounts if account is not None)


SAMPLE_ACCOUNTS = tuple(_iterate_sample_accounts())
