"""Alerts about failed loads: the message, and its delivery to a webhook. Dagster and the warehouse must not come in.

Dagster's runs and ``chatmart load`` send the same message. Nothing is sent unless a webhook is configured. Sending
never raises: a failed delivery is logged, and the load ends as it would have without it.
"""

import logging
import re
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from extractors.foreign_text import clean_line, shorten
from extractors.http.network import DIRECT, Network, find_certificate_failure
from extractors.http.settings import USER_AGENT
from extractors.redaction import RedactingFilter, redact_json
from pipelines.configuration.settings import Alerts
from pipelines.loads.failures import MAX_DETAIL, MAX_DETAIL_LINES

log = logging.getLogger("chatmart.alerts")
log.addFilter(RedactingFilter())

MAX_ATTEMPTS = 3
TIMEOUT_SECONDS = 5.0
"""The longest time that one attempt waits for a connection, and for a response."""

MAX_TEXT_LINE = 500
"""The most characters of a problem in the text; the fields hold more."""

MAX_LISTED_ACCOUNTS = 10
"""The most accounts named in the text; the fields hold more."""


class _DeliveryFailed(Exception):
    """The receiver did not accept the message."""


class _DeliveryFailedForNow(_DeliveryFailed):
    """The receiver may accept the message at another attempt."""


@dataclass(frozen=True)
class Alert:
    """One failed load.

    ``command`` is the job or command, ``summary`` a sentence, ``problems`` a sentence with the days of each failed
    account, ``advice`` the next step, ``days`` the days that were to be loaded.
    """

    command: str
    run_id: str
    summary: str
    advice: str
    problems: Mapping[str, str] = field(default_factory=dict)
    providers: Sequence[str] = ()
    days: str | None = None

    def build_message(self) -> dict[str, Any]:
        """Return the JSON object to send: ``text`` for people, and plain fields.

        All are short, without secrets and control characters. In ``text``, whatever a provider says is shown as it is:
        a chat program finds neither links nor mentions in it.
        """
        problems = [(account, clean_line(problem, MAX_DETAIL)) for account, problem in self.problems.items()]
        summary, advice = clean_line(self.summary, MAX_DETAIL), clean_line(self.advice, MAX_DETAIL)
        lines = [f"chatmart: {self.command} failed. {shorten(summary, MAX_TEXT_LINE)}"]
        lines += [
            f"• {account}: {shorten(problem, MAX_TEXT_LINE)}" for account, problem in problems[:MAX_LISTED_ACCOUNTS]
        ]
        if len(problems) > MAX_LISTED_ACCOUNTS:
            lines.append(f"• and {len(problems) - MAX_LISTED_ACCOUNTS} more accounts")
        lines.append(advice)
        fields = {
            "event": "run_failed",
            "what": self.command,
            "run_id": self.run_id,
            "summary": summary,
            "advice": advice,
            "providers": list(self.providers),
            "accounts": [account for account, _ in problems],
            "problems": dict(problems[:MAX_DETAIL_LINES]),
            "days": self.days,
        }
        message: dict[str, Any] = redact_json({"text": _escape_markup("\n".join(lines)), **fields})
        return message


_MENTION = re.compile(r"@(?=(channel|here|all|everyone)\b)", re.IGNORECASE)


def _escape_markup(text: str) -> str:
    """Return a text that a chat program shows as it is: Slack's markup escaped, no link and no mention of everybody.

    >>> _escape_markup("<!channel> <https://a.test|docs> [docs](https://a.test) @here")
    '&lt;!channel&gt; &lt;https://a.test|docs&gt; [docs] (https://a.test) ＠here'
    """
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MENTION.sub("\N{FULLWIDTH COMMERCIAL AT}", escaped.replace("](", "] ("))


def retry_advice(accounts: Sequence[str], days: Collection[date], catch_up_days: int, day: date | None = None) -> str:
    """Return what to do about failed accounts: the next daily loads retry them, or a command does at once.

    ``days`` are the failed local days, ``catch_up_days`` is the reach of a daily load. ``day`` is the day of
    `chatmart load --date`, if it was given.
    """
    # a command without names takes all accounts, and skips their settled days
    named_accounts = accounts if len(accounts) <= MAX_LISTED_ACCOUNTS else ()
    options = "".join(f" --account {account}" for account in named_accounts)
    if day:  # it may be settled, or older than the reach of a daily load
        return f"To retry: chatmart load --date {day}{options}"
    command = f"chatmart backfill --from {min(days)} --to {max(days)}{options}" if days else f"chatmart load{options}"
    return f"Daily loads retry these days for {catch_up_days} days. To load them now: {command}"


def send_alert(
    alerts: Alerts, alert: Alert, network: Network = DIRECT, *, sleep: Callable[[float], None] = time.sleep
) -> bool:
    """Send an alert to the configured webhook. Return False without a webhook, and when the delivery failed.

    ``network`` is the way there. At most three attempts, where another one may help (no connection, 408, 429, 5xx).
    Redirects are not followed.
    """
    if alerts.webhook is None:
        return False
    retrying = Retrying(
        stop=stop_after_attempt(MAX_ATTEMPTS),
        wait=wait_exponential(max=4),
        retry=retry_if_exception_type(_DeliveryFailedForNow),
        sleep=sleep,
        reraise=True,
    )
    try:
        retrying(_post, alerts.webhook.get_secret_value(), alert.build_message(), network)
    except _DeliveryFailed as error:
        reason = str(error)
    else:
        return True
    log.error("the alert was not delivered (%s); see alerts.webhook in the configuration", reason)
    return False


def try_webhook(url: str, network: Network = DIRECT) -> str | None:
    """Send a message that says it is a test, once. Return the reason why it was not accepted, or None."""
    message = {"text": "chatmart: a test of this webhook. Nothing has failed.", "event": "test"}
    try:
        _post(url, message, network)
    except _DeliveryFailed as error:
        return str(error)
    return None


def _post(url: str, message: Mapping[str, Any], network: Network) -> None:
    headers = {"user-agent": USER_AGENT}
    options = network.build_client_options()
    try:
        with httpx.stream("POST", url, json=message, timeout=TIMEOUT_SECONDS, headers=headers, **options) as response:
            status = response.status_code
    except httpx.TransportError as error:
        reason = find_certificate_failure(error)
        if reason is not None:
            problem = f"the certificate of its host is not trusted: {reason}; network.ca_file names further authorities"
            raise _DeliveryFailed(problem) from None
        raise _DeliveryFailedForNow(type(error).__name__) from None  # its text may name the secret webhook
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise _DeliveryFailed(type(error).__name__) from None
    if status in (408, 429) or status >= 500:
        raise _DeliveryFailedForNow(f"HTTP {status}")
    if not 200 <= status < 300:
        raise _DeliveryFailed(f"HTTP {status}")
