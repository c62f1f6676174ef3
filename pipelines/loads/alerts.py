"""Alerts about loads: the message, and its delivery to a webhook and by apprise. No Dagster, no warehouse here.

Dagster's runs and ``chatmart load`` send the same message. Nothing is sent unless a receiver is configured. Sending
never raises: a failed delivery is logged, and the load ends as it would have without it.
"""

import logging
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from pydantic import SecretStr
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from extractors.foreign_text import clean_line, shorten
from extractors.http.network import DIRECT, Network, find_certificate_failure
from extractors.http.settings import USER_AGENT
from extractors.redaction import RedactingFilter, redact, redact_json
from pipelines.configuration.alert_settings import Alerts
from pipelines.loads.failures import MAX_DETAIL, MAX_DETAIL_LINES, MAX_LISTED_ACCOUNTS

log = logging.getLogger("chatmart.alerts")
log.addFilter(RedactingFilter())

MAX_ATTEMPTS = 3
TIMEOUT_SECONDS = 5.0
"""The longest time that one attempt waits for a connection, and for a response."""

FAILED_EVENT = "run_failed"

MAX_TEXT_LINE = 500
"""The most characters of a problem in the text; the fields hold more."""


class _DeliveryFailed(Exception):
    """The receiver did not accept the message."""


class _DeliveryFailedForNow(_DeliveryFailed):
    """The receiver may accept the message at another attempt."""


@dataclass(frozen=True)
class Alert:
    """A message about a load.

    ``command`` is the job or command, ``summary`` a sentence, ``problems`` a sentence for each account, ``advice`` the
    next step, ``days`` the days that were to be loaded. ``event`` is ``run_failed``, ``recovered``, ``drift``,
    ``restated`` or ``unusual``.
    """

    command: str
    run_id: str
    summary: str
    advice: str
    problems: Mapping[str, str] = field(default_factory=dict)
    providers: Sequence[str] = ()
    days: str | None = None
    event: str = FAILED_EVENT

    def build_message(self) -> dict[str, Any]:
        """Return the JSON object to send: ``text`` for people, and plain fields.

        All are short, without secrets and control characters. In ``text``, whatever a provider says is shown as it is:
        a chat program finds neither links nor mentions in it.
        """
        problems = self._clean_problems()
        summary, advice = clean_line(self.summary, MAX_DETAIL), clean_line(self.advice, MAX_DETAIL)
        fields = {
            "event": self.event,
            "what": self.command,
            "run_id": self.run_id,
            "summary": summary,
            "advice": advice,
            "providers": list(self.providers),
            "accounts": [account for account, _ in problems],
            "problems": dict(problems[:MAX_DETAIL_LINES]),
            "days": self.days,
        }
        text = _escape_markup("\n".join([self._title(), *self._lines()]))
        message: dict[str, Any] = redact_json({"text": text, **fields})
        return message

    def build_plain_text(self) -> tuple[str, str]:
        """Return the title and the body for people, without secrets and without anything that is markup anywhere."""
        title, body = (disarm_markup(redact(text)) for text in (self._title(), "\n".join(self._lines())))
        return title, body

    def _title(self) -> str:
        event = "" if self.event != FAILED_EVENT else " failed."
        return f"chatmart: {self.command}{event or ':'} {shorten(clean_line(self.summary, MAX_DETAIL), MAX_TEXT_LINE)}"

    def _lines(self) -> list[str]:
        problems = self._clean_problems()
        lines = [f"• {account}: {shorten(text, MAX_TEXT_LINE)}" for account, text in problems[:MAX_LISTED_ACCOUNTS]]
        if len(problems) > MAX_LISTED_ACCOUNTS:
            lines.append(f"• and {len(problems) - MAX_LISTED_ACCOUNTS} more accounts")
        return [*lines, clean_line(self.advice, MAX_DETAIL)]

    def _clean_problems(self) -> list[tuple[str, str]]:
        return [(account, clean_line(problem, MAX_DETAIL)) for account, problem in self.problems.items()]


_MENTION = re.compile(r"@(?=(channel|here|all|everyone)\b)", re.IGNORECASE)


def _escape_markup(text: str) -> str:
    """Return a text that a chat program shows as it is: Slack's markup escaped, no link and no mention of everybody.

    >>> _escape_markup("<!channel> <https://a.test|docs> [docs](https://a.test) @here")
    '&lt;!channel&gt; &lt;https://a.test|docs&gt; [docs] (https://a.test) ＠here'
    """
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _MENTION.sub("\N{FULLWIDTH COMMERCIAL AT}", escaped.replace("](", "] ("))


def disarm_markup(text: str) -> str:
    """Return a text in which no receiver finds markup, a link or a mention, whatever it escapes or does not.

    >>> disarm_markup("<!channel> [docs](https://a.test) @here")
    '‹!channel› [docs] (https://a.test) ＠here'
    """
    plain = text.replace("<", "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}")
    plain = plain.replace(">", "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}").replace("](", "] (")
    return _MENTION.sub("\N{FULLWIDTH COMMERCIAL AT}", plain)


def send_alert(
    alerts: Alerts, alert: Alert, network: Network = DIRECT, *, sleep: Callable[[float], None] = time.sleep
) -> bool:
    """Send an alert to all configured receivers. Return False without one, and when a delivery failed.

    ``network`` is the way to the webhook. At most three attempts there, where another one may help (no connection, 408,
    429, 5xx). Redirects are not followed. Each failure is logged, without the receiver's address.
    """
    reasons = [
        *(_deliver_to_webhook(alerts.webhook, alert, network, sleep) if alerts.webhook is not None else ()),
        *(_deliver_by_apprise(alerts.apprise, alert) if alerts.apprise else ()),
    ]
    for key, reason in reasons:
        log.error("the alert was not delivered (%s); see %s in the configuration", reason, key)
    return alerts.has_receiver and not reasons


_Reasons = Iterator[tuple[str, str]]
"""Keys of the configuration, and why what is behind them did not receive a message."""


def _deliver_by_apprise(urls: Sequence[SecretStr], alert: Alert) -> _Reasons:
    from pipelines.loads.apprise_delivery import notify  # imported late: few configurations use it

    title, body = alert.build_plain_text()
    for number, reason in notify([url.get_secret_value() for url in urls], title, body):
        yield f"alerts.apprise[{number}]", reason


def _deliver_to_webhook(webhook: SecretStr, alert: Alert, network: Network, sleep: Callable[[float], None]) -> _Reasons:
    retrying = Retrying(
        stop=stop_after_attempt(MAX_ATTEMPTS),
        wait=wait_exponential(max=4),
        retry=retry_if_exception_type(_DeliveryFailedForNow),
        sleep=sleep,
        reraise=True,
    )
    try:
        retrying(_post, webhook.get_secret_value(), alert.build_message(), network)
    except _DeliveryFailed as error:
        yield "alerts.webhook", str(error)


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
