"""Telling somebody that a load failed: the message, and its way to a webhook. Nothing is sent unless one is configured.

The same message for Dagster's runs and for ``chatmart load``. What must not come in: dagster, the warehouse. Sending
never raises: a webhook that is down is logged, and the load ends as it would have.
"""

import logging
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from extractors.http.client import USER_AGENT
from extractors.redaction import RedactingFilter, redact_json
from pipelines.configuration.settings import Alerts
from pipelines.loads.failures import MAX_DETAIL_LINES

log = logging.getLogger("chatmart.alerts")
log.addFilter(RedactingFilter())

MAX_ATTEMPTS = 3
TIMEOUT_SECONDS = 5.0
"""How long one attempt waits for a connection, and for an answer."""

MAX_LISTED_ACCOUNTS = 10
"""So many accounts are told of in the text; the fields hold more."""


class _Undelivered(Exception):
    """The receiver did not take it."""


class _AgainLater(_Undelivered):
    """The receiver may take it at another attempt."""


@dataclass(frozen=True)
class Alert:
    """One failed load.

    ``what`` is the job or command, ``summary`` a sentence, ``problems`` one for each failed account with its days,
    ``advice`` what to do next, ``days`` what the load was about.
    """

    command: str
    run_id: str
    summary: str
    advice: str
    problems: Mapping[str, str] = field(default_factory=dict)
    providers: Sequence[str] = ()
    days: str | None = None

    def build_message(self) -> dict[str, Any]:
        """The JSON object that is sent: ``text`` for people, and plain fields; no secret in it."""
        problems = list(self.problems.items())
        lines = [f"chatmart: {self.command} failed. {self.summary}"]
        lines += [f"• {account}: {problem}" for account, problem in problems[:MAX_LISTED_ACCOUNTS]]
        lines += (
            [f"• and {len(problems) - MAX_LISTED_ACCOUNTS} more accounts"]
            if len(problems) > MAX_LISTED_ACCOUNTS
            else []
        )
        lines.append(self.advice)
        fields = {
            "event": "run_failed",
            "what": self.command,
            "run_id": self.run_id,
            "summary": self.summary,
            "advice": self.advice,
            "providers": list(self.providers),
            "accounts": [account for account, _ in problems],
            "problems": dict(problems[:MAX_DETAIL_LINES]),
            "days": self.days,
        }
        message: dict[str, Any] = redact_json({"text": "\n".join(lines), **fields})
        return message


def retry_advice(accounts: Sequence[str], days: Collection[date], catch_up_days: int, day: date | None = None) -> str:
    """What to do about accounts that failed: nothing, or this. ``day`` is the one that the load was told to load."""
    few = (
        accounts if len(accounts) <= MAX_LISTED_ACCOUNTS else ()
    )  # without names it is all, and what is settled is left alone
    named = "".join(f" --account {account}" for account in few)
    if day:  # it may be settled, or older than daily loads reach
        return f"To ask again: chatmart load --date {day}{named}"
    now = f"chatmart backfill --from {min(days)} --to {max(days)}{named}" if days else f"chatmart load{named}"
    return f"Daily loads ask for these days again for {catch_up_days} days. To have them now: {now}"


def send_alert(alerts: Alerts, alert: Alert, *, sleep: Callable[[float], None] = time.sleep) -> bool:
    """Send an alert to the configured webhook; False when there is none, or when it could not be delivered.

    Tried three times where another attempt may help (no connection, 408, 429, 5xx). Redirects are not followed.
    """
    if alerts.webhook is None:
        return False
    retrying = Retrying(
        stop=stop_after_attempt(MAX_ATTEMPTS),
        wait=wait_exponential(max=4),
        retry=retry_if_exception_type(_AgainLater),
        sleep=sleep,
        reraise=True,
    )
    try:
        retrying(_post, alerts.webhook.get_secret_value(), alert.build_message())
    except _Undelivered as error:
        why = str(error)
    else:
        return True
    log.error("the alert was not delivered (%s); see alerts.webhook in the configuration", why)
    return False


def _post(url: str, message: Mapping[str, Any]) -> None:
    try:
        with httpx.stream(
            "POST", url, json=message, timeout=TIMEOUT_SECONDS, headers={"user-agent": USER_AGENT}
        ) as answer:
            status = answer.status_code
    except httpx.TransportError as error:
        raise _AgainLater(type(error).__name__) from None  # its text may hold the address, which is a secret
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise _Undelivered(type(error).__name__) from None
    if status in (408, 429) or status >= 500:
        raise _AgainLater(f"HTTP {status}")
    if not 200 <= status < 300:
        raise _Undelivered(f"HTTP {status}")
