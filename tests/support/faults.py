"""The catalogue of a provider's faults, as data; ``fault_runner`` runs them.

The tests compare the product with it, and the table of ``docs/faults.md`` is printed from it.
"""

from sandbox.recorder import Fault
from tests.support.export_faults import EXPORTS
from tests.support.fault_case import BOT, DOCS, FOREVER, IN_SEVEN_SECONDS, SUPPORT, VOICE, FaultCase
from tests.support.misfit_faults import MISFITS

__all__ = ["BOT", "CASES", "DOCS", "IN_SEVEN_SECONDS", "SUPPORT", "VOICE", "FaultCase"]


def _counter(status: int = 200, body: str = "", *, times: int = 1, kind: str = "answer", **headers: str) -> Fault:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Fault(path="conversationcounter", status=status, body=body, times=times, kind=kind, headers=named)


_LATER = "run the same command again later"
_HTML = "<html><body>Bad gateway</body></html>"
_ODD = '{"items": [{"day": 11, "month": 3, "year": 2025, "conversations": "many"}]}'
_REFUSED = '{"title": "Unauthorized", "status": 401, "detail": "the API key was revoked"}'
_AWAY = "http://files.example.test/elsewhere"

LIMITS = (
    FaultCase("429 with `Retry-After: 7`", "waited 7 s", 2, (_counter(429, Retry_After="7"),), wait_seconds=7),
    FaultCase(
        "429 with `Retry-After` as an HTTP date",
        "waited until then",
        2,
        (_counter(429, Retry_After=IN_SEVEN_SECONDS),),
        wait_seconds=6,
    ),
    FaultCase("429 with `Retry-After: 0`", "backed off", 2, (_counter(429, Retry_After="0"),)),
    FaultCase("429 without `Retry-After`", "backed off", 2, (_counter(429),)),
    FaultCase(
        "429 with `Retry-After: 7200`",
        "did not wait: the run may wait 60 s (`max_wait_seconds`)",
        1,
        (_counter(429, Retry_After="7200"),),
        error_pattern=r"used up until \d{4}-.* UTC, longer than a run waits .*run the same command again after that",
        can_run_as_command=True,
    ),
    FaultCase(
        "429 every time",
        "backed off, for up to 60 s in all (`max_wait_seconds`)",
        14,
        (_counter(429, times=FOREVER),),
        error_pattern=r"used up until .*run the same command again after that",
    ),
)

TROUBLE = (
    FaultCase("500 once", "backed off, repeated the request", 2, (_counter(500),)),
    FaultCase("502 once", "backed off, repeated the request", 2, (_counter(502, _HTML),)),
    FaultCase("503 once", "backed off, repeated the request", 2, (_counter(503),), can_run_as_command=True),
    FaultCase(
        "500 every time",
        "sent 6 requests with growing back-off",
        6,
        (_counter(500, '{"detail": "out of memory"}', times=FOREVER),),
        error_pattern=rf"HTTP 500, the provider says: out of memory; .*{_LATER}",
    ),
    FaultCase("connection reset before the response", "repeated the request", 2, (_counter(kind="reset"),)),
    FaultCase(
        "connection cut within the body",
        "repeated the request",
        2,
        (_counter(body='{"items": [', kind="cut"),),
        can_run_as_command=True,
    ),
    FaultCase("truncated JSON once", "repeated the request", 2, (_counter(body='{"items": [{"day": 11, "mon'),)),
    FaultCase("HTML with status 200 once", "repeated the request", 2, (_counter(body=_HTML),)),
    FaultCase("empty body once", "repeated the request", 2, (_counter(),)),
    FaultCase(
        "HTML with status 200 every time",
        "sent 6 requests with growing back-off",
        6,
        (_counter(body=_HTML, times=FOREVER),),
        error_pattern=rf"cut short or no JSON, saw '<.*; {_LATER}",
    ),
)

REFUSALS = (
    FaultCase(
        "JSON of a wrong shape",
        "kept the response, loaded nothing from it",
        1,
        (_counter(body=_ODD),),
        error_pattern=r"field .*conversations: is not a .*number, saw 'many'; the answer is kept .*`chatmart replay`",
        can_run_as_command=True,
    ),
    FaultCase(
        "401",
        "stopped the account immediately",
        1,
        (_counter(401, _REFUSED, times=FOREVER),),
        error_pattern="HTTP 401, the provider says: the API key was revoked; check the account's credential",
        can_run_as_command=True,
    ),
    FaultCase(
        "403",
        "stopped the account immediately",
        1,
        (_counter(403, times=FOREVER),),
        error_pattern="HTTP 403; check .*permissions",
    ),
    FaultCase(
        "404",
        "sent one request, and no other of the account",
        1,
        (_counter(404, '{"detail": "no such project"}', times=FOREVER),),
        error_pattern="HTTP 404, the provider says: no such project; check the account's ids",
    ),
    FaultCase(
        "redirect to another host",
        "did not follow it",
        1,
        (_counter(302, Location=_AWAY),),
        error_pattern=r"redirected to another host \(files\.example\.test\); check the account's base_url",
        can_run_as_command=True,
    ),
    FaultCase(
        "403 on one stream",
        "stopped the account immediately",
        1,
        (
            Fault(
                path="/statistics/export",
                method="POST",
                status=403,
                times=FOREVER,
                body='{"message": "Missing permission"}',
            ),
        ),
        account=VOICE,
        error_pattern=r"lacks the permission chatbots\.statistics\.export; grant it .*or leave it out with "
        r"`streams: \[channels, overview_report, channel_report, inbox\]`",
        export_jobs=(0, 1),
        can_run_as_command=True,
    ),
    FaultCase(
        "`error` in a response with status 200",
        "sent one request",
        14,
        (Fault(path="/reports/overview", status=200, body='{"error": {"message": "quota is used up"}}'),),
        account=VOICE,
        error_pattern="HTTP 200, but the provider says: quota is used up; check the account's ids",
        export_jobs=(1, 1),
    ),
)

CASES = (*LIMITS, *TROUBLE, *REFUSALS, *MISFITS, *EXPORTS)
