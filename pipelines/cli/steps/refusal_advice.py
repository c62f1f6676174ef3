"""The advice for a request that a provider's address refuses with 404 or 405: a wrong base path, or a wrong id.

No request is sent here. A provider that knows its own path answers in JSON, and mostly names what it does not know.
"""

import re

from extractors.account import Account
from extractors.errors import RequestRefused
from extractors.provider_message import parse_error_message
from pipelines.configuration.init_file import required_ids

_UNKNOWN_PATH = re.compile(
    r"\b(no|unknown|invalid|unmatched) (route|path|endpoint|url|method|handler)\b|\b(route|path|endpoint|url|page)\b.*"
    r"\b(not found|unknown|does not exist)\b|\bcannot (get|post)\b|\bno \w+ matched\b",
    re.IGNORECASE,
)
_UNKNOWN_ID = re.compile(
    r"\b(project|bot|chatbot|team|account|agent|organi[sz]ation)\b.*\b(not found|unknown|invalid|does not exist)\b"
    r"|\b(no|unknown|invalid|no such) (project|bot|chatbot|team|account|agent|organi[sz]ation)\b",
    re.IGNORECASE,
)
_NOT_FOUND = (404, 405)


def explain_refusal(error: RequestRefused, account: Account) -> str:
    """Return what to correct: the path of `base_url`, or an id; empty for another refusal than 404 and 405."""
    if error.status not in _NOT_FOUND:
        return ""
    ids = required_ids(type(account))
    values = [str(getattr(account, key)) for key in ids]
    keys = " and ".join(ids) or "what the credential opens"
    usual = str(type(account).model_fields["base_url"].default)
    message = parse_error_message(error.body)
    path_advice = f"the path of base_url is wrong: it is {account.base_url}, and that of most accounts is {usual}"
    if _UNKNOWN_PATH.search(message):
        return path_advice
    if _UNKNOWN_ID.search(message) or any(value in message for value in values):
        return f"base_url is right, for the provider's API answers there; correct {keys}"
    if not message:
        return path_advice
    return (
        f"the answer does not say what is wrong: look at {keys}, then whether {path_advice.partition(':')[2].strip()}"
    )
