"""Every error of configuration, extraction and shape, grouped by what to do about it. No behaviour lives here.

ChatmartError
├── ConfigError            mend the configuration; nothing was asked
├── Permanent              asking again gives the same answer: never retried by any layer
│   ├── CredentialRefused  401, 403: the account stops at once
│   ├── RequestRefused     any other 4xx, with the provider's own message
│   │   └── LinkExpired    a signed download link that leads nowhere: a fresh one may
│   ├── ForbiddenHost      a redirect or download that leads where the account may not go
│   ├── AnswerTooLarge     over the size limit of one answer
│   ├── ShapeError         an answer whose shape is none of the accepted ones
│   └── ExportFailed       the provider says that the job failed
├── Transient              connection, 408, 5xx, broken body: retried with full-jitter back-off
│   ├── NotSent            no connection, or the account is stopped: nothing has reached the provider
│   └── ExportTimedOut     a job that did not start or finish before its deadline; adopted by the next run
├── RateLimited            429 within what a run may wait: retried after what was asked for
├── Deferred               the limit resets later than a run may wait: keep what is loaded, come back then
├── ExportUncertain        the answer to a job's creation was lost: no other job is started for a while
├── AccountBusy            another run holds the account's fetch lock for too long
└── Defect                 the program itself failed on this account: report it; the others go on
"""

from dataclasses import dataclass, field
from datetime import datetime

from extractors.redaction import redact


@dataclass(frozen=True)
class ErrorLocation:
    """Whom an error speaks of; ``stream`` is None before one is known, ``batch`` is the landed answer's, if any."""

    provider: str
    account: str
    stream: str | None = None
    batch: str | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.account} ({self.provider}{'.' + self.stream if self.stream else ''})"


class ChatmartError(Exception):
    """The root: its text is one readable sentence that can be shown as it is."""


class ConfigError(ChatmartError):
    """All that is wrong with a configuration file, one problem a line."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class ExtractionError(ChatmartError):
    """Something that happened to one account: ``where`` says which, ``advice`` what to do next."""

    def __init__(self, where: ErrorLocation, problem: str, advice: str = "") -> None:
        self.where = where
        self.problem = problem
        self.advice = advice
        super().__init__(f"{where}: {problem}{'; ' + advice if advice else ''}")


class Permanent(ExtractionError):
    """Asking again would give the same answer."""


class CredentialRefused(Permanent):
    """401 or 403: every further request of the account would be refused too."""


class RequestRefused(Permanent):
    """Another 4xx; ``status`` and ``body`` let an extractor react to what the provider names."""

    def __init__(
        self, where: ErrorLocation, problem: str, advice: str = "", *, status: int = 400, body: bytes = b""
    ) -> None:
        super().__init__(where, problem, advice)
        self.status = status
        self.body = body


class LinkExpired(RequestRefused):
    """The link to a file answers 403, 404 or 410; a fresh link, or a new job, may still have the file."""


class ForbiddenHost(Permanent):
    """A redirect or a download that leaves the hosts an account may talk to."""


class ResponseTooLarge(Permanent):
    """An answer over the size limit, before or after decompression."""


class ShapeError(Permanent):
    """An answer of a shape that is not accepted: names the field and the value seen, never guesses."""

    def __init__(self, where: ErrorLocation, field: str, problem: str, value: object = None) -> None:
        self.field = field
        seen = redact(repr(value))  # before it is cut: half a secret is none that can be found
        shown = seen if len(seen) <= 120 else seen[:117] + "..."
        super().__init__(
            where,
            f"field {field}: {problem}, saw {shown}",
            "the answer is kept in the landing zone; `chatmart replay` reads it once the parser knows this shape",
        )


class ExportFailed(Permanent):
    """The provider reports that an export job failed."""


class Transient(ExtractionError):
    """Worth asking again: connection trouble, 408, 5xx, a body cut short; ``retry_after`` as for RateLimited."""

    def __init__(
        self, where: ErrorLocation, problem: str, advice: str = "", *, retry_after: float | None = None
    ) -> None:
        super().__init__(where, problem, advice)
        self.retry_after = retry_after


class NotSent(Transient):
    """Nothing has left: even a request that creates something may be sent again."""


class ExportTimedOut(Transient):
    """A job that did not start or finish in time. It stays in the journal and is adopted by the next run."""


class RateLimited(ExtractionError):
    """429. ``retry_after`` is in seconds, None when the provider did not say."""

    def __init__(
        self, where: ErrorLocation, problem: str, advice: str = "", *, retry_after: float | None = None
    ) -> None:
        super().__init__(where, problem, advice)
        self.retry_after = retry_after


class Deferred(ExtractionError):
    """The provider's limit resets later than this run may wait; ``until`` is that instant in UTC."""

    def __init__(self, where: ErrorLocation, problem: str, advice: str = "", *, until: datetime | None = None) -> None:
        super().__init__(where, problem, advice)
        self.until = until


class ExportUncertain(ExtractionError):
    """A job may or may not exist at the provider; starting another could make two."""


class AccountBusy(ExtractionError):
    """Another run is fetching this account."""


class Defect(ExtractionError):
    """The program failed on one account in a way nobody foresaw."""
