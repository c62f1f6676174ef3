"""Every error of configuration, extraction and shape, grouped by the reaction that it calls for. No behaviour here.

ChatmartError
├── ConfigError            mend the configuration; no request was sent
├── Permanent              a repetition gives the same response: never retried by any layer
│   ├── CredentialRefused  401, 403: the account stops at once
│   ├── CredentialMissing  a variable of the credential is not set: nothing was sent
│   ├── CertificateRefused the certificate of a host is not trusted: nothing was sent
│   ├── RequestRefused     any other 4xx, with the provider's own message
│   │   ├── LinkExpired    a signed download link that has expired: a fresh one may work
│   │   └── UnexpectedStatus  a 2xx or 3xx that is no answer to this request: it may have had its effect
│   ├── ForbiddenHost      a redirect or download to a host that the account may not use
│   ├── ResponseTooLarge   over the size limit of one response
│   ├── BudgetUsedUp       the account has asked for as much as its budget of a run allows; nothing was sent
│   ├── ShapeError         a response whose shape is none of the accepted ones
│   │   ├── UnreadableResponse  a landed response that is damaged on the disk
│   │   └── NotUnderstood  landed responses whose reading failed in a way that was not foreseen
│   └── ExportFailed       the provider reports that the job failed
├── Transient              connection, 408, 5xx, broken body: retried with full-jitter back-off inside RetryPolicy.run
│   ├── NotSent            no connection, or the account is stopped: nothing has reached the provider
│   └── ExportTimedOut     a job that did not start or finish before its deadline; adopted by the next run
├── RateLimited            429: retried after the time that the provider names; Deferred when that is too long
├── Deferred               the limit resets later than a run may wait: keep the loaded days, run again later
├── ExportUncertain        the response to a job's creation was lost: no other job is started for a while
├── AccountBusy            another run holds the account's fetch lock for too long
└── Defect                 the program itself failed on this account: report it; the others go on
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from extractors.foreign_text import clean_line
from extractors.redaction import redact

_SHOWN_CHARACTERS = 120  # of a value in a ShapeError
_READ_CHARACTERS = 10_000  # of a text in a ShapeError: no more of it is shown, however much is masked
_FIELD_LENGTH = 200  # of the name of a field in a ShapeError
_LANDED_ADVICE = "the answer is kept in the landing zone; `chatmart replay` reads it once the parser knows this shape"
_UNREADABLE_ADVICE = (
    "`chatmart check --repair` fetches its days again, and so does a `chatmart backfill` of them; what is loaded stays"
)
_NOT_UNDERSTOOD_ADVICE = (
    "they are kept in the landing zone, and the next load asks for them again; please report this, with --verbose"
)
_NOT_LANDED_ADVICE = "the answer was not kept; run the same command again, and report this sentence if it comes again"


@dataclass(frozen=True)
class ErrorLocation:
    """The account, and where known the stream and the landed batch, that an error concerns."""

    provider: str
    account: str
    stream: str | None = None
    batch: str | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.account} ({self.provider}{'.' + self.stream if self.stream else ''})"


class ChatmartError(Exception):
    """The root. Its text is one readable sentence that can be shown as it is."""


class ConfigError(ChatmartError):
    """All problems of a configuration file, one a line."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class ExtractionError(ChatmartError):
    """A failure of one account: ``where`` names it, ``problem`` says what happened, ``advice`` what to do next."""

    def __init__(self, where: ErrorLocation, problem: str, advice: str = "") -> None:
        # a provider's words may be part of both; no output can hold a lone surrogate
        problem, advice = (clean_line(text.encode("utf-8", "backslashreplace").decode()) for text in (problem, advice))
        self.where = where
        self.problem = problem
        self.advice = advice
        super().__init__(f"{where}: {problem}{'; ' + advice if advice else ''}")


class Permanent(ExtractionError):
    """A repetition would give the same response."""


class CredentialRefused(Permanent):
    """401 or 403: every further request of the account would be refused too."""


class CredentialMissing(Permanent):
    """Variables that the credential comes from are not set. Nothing was sent."""

    def __init__(self, where: ErrorLocation, variables: Sequence[str]) -> None:
        if len(variables) > 1:
            problem, them = f"the variables {' and '.join(variables)} are not set", "them"
        else:
            problem, them = f"the variable {' '.join(variables)} is not set", "it"
        super().__init__(where, problem, f"set {them} or write {them} into .env")


class CertificateRefused(Permanent):
    """The certificate of the provider, of a file's host or of the proxy is not trusted. Nothing was sent."""


class RequestRefused(Permanent):
    """Another 4xx. ``status`` and ``body`` let an extractor react to the cause that the provider names."""

    def __init__(
        self, where: ErrorLocation, problem: str, advice: str = "", *, status: int = 400, body: bytes = b""
    ) -> None:
        super().__init__(where, problem, advice)
        self.status = status
        self.body = body


class LinkExpired(RequestRefused):
    """The link to a file returns a 4xx. The file may still be had by a fresh link or a new job."""


class UnexpectedStatus(RequestRefused):
    """A status below 400 that is no answer to this request, such as 204, 206 or 302.

    What the request was to do may have been done: an export's creation is not sent again.
    """


class ForbiddenHost(Permanent):
    """A redirect or a download that leaves the hosts an account may use."""


class ResponseTooLarge(Permanent):
    """A response over the size limit, before or after decompression."""


class BudgetUsedUp(Permanent):
    """The budget of the account in this run is used up. No request was sent for this."""


class ShapeError(Permanent):
    """A response of a shape that is not accepted. It names the field and the value seen, and never guesses.

    Its advice says whether the answer is kept. ``is_landed`` is True for an answer read from the landing zone, False
    for one that is refused before it could be landed; by default it is landed where ``where`` names a batch.
    """

    def __init__(
        self, where: ErrorLocation, field: str, problem: str, value: object = None, *, is_landed: bool | None = None
    ) -> None:
        self.field = field = clean_line(field.encode("utf-8", "backslashreplace").decode(), _FIELD_LENGTH)
        self._can_be_landed = is_landed is not False
        shown_part = value[:_READ_CHARACTERS] if isinstance(value, str | bytes) else value
        seen = redact(repr(shown_part))  # redact before truncating: a cut secret would not be matched
        shown = seen if len(seen) <= _SHOWN_CHARACTERS else f"{seen[: _SHOWN_CHARACTERS - 3]}..."
        super().__init__(
            where,
            f"field {field}: {problem}, saw {shown}",
            _LANDED_ADVICE if is_landed or (where.batch and self._can_be_landed) else _NOT_LANDED_ADVICE,
        )

    def mark_landed(self) -> None:
        """Say from now on that the answer is kept, unless it was refused before it could be landed."""
        if self._can_be_landed:
            self.advice = _LANDED_ADVICE
            self.args = (f"{self.where}: {self.problem}; {self.advice}",)


class NotUnderstood(ShapeError):
    """Landed answers whose reading failed in a way that was not foreseen. ``__cause__`` is the error itself."""

    def __init__(self, where: ErrorLocation, error: Exception) -> None:
        self.field = "$"
        self._can_be_landed = True
        problem = f"the answers could not be understood ({type(error).__name__}: {error})"
        ExtractionError.__init__(self, where, problem, _NOT_UNDERSTOOD_ADVICE)


class UnreadableResponse(ShapeError):
    """A landed answer that is damaged on the disk: it is fetched again, and no parser will ever know it."""

    def __init__(self, where: ErrorLocation, window: object, error: Exception) -> None:
        self.field = "$"
        self._can_be_landed = False
        problem = f"the landed answer of {window} cannot be read back: {error}"
        ExtractionError.__init__(self, where, problem, _UNREADABLE_ADVICE)


class ExportFailed(Permanent):
    """The provider reports that an export job failed."""


class Transient(ExtractionError):
    """A failure that a retry may cure: connection trouble, 408, 5xx, a body cut short.

    ``retry_after`` is in seconds, None when the provider named no time.
    """

    def __init__(
        self, where: ErrorLocation, problem: str, advice: str = "", *, retry_after: float | None = None
    ) -> None:
        super().__init__(where, problem, advice)
        self.retry_after = retry_after


class NotSent(Transient):
    """Nothing was sent: even a request that creates something may be sent again."""


class ExportTimedOut(Transient):
    """A job that did not start or finish in time. It stays in the journal and is adopted by the next run."""


class RateLimited(ExtractionError):
    """429. ``retry_after`` is in seconds, None when the provider named no time."""

    def __init__(
        self, where: ErrorLocation, problem: str, advice: str = "", *, retry_after: float | None = None
    ) -> None:
        super().__init__(where, problem, advice)
        self.retry_after = retry_after


class Deferred(ExtractionError):
    """The limit resets later than this run may wait; ``until`` is that instant in UTC."""

    def __init__(self, where: ErrorLocation, problem: str, advice: str = "", *, until: datetime | None = None) -> None:
        super().__init__(where, problem, advice)
        self.until = until


class ExportUncertain(ExtractionError):
    """A job may or may not exist at the provider; starting another could make two."""


class AccountBusy(ExtractionError):
    """Another run is fetching this account."""


class Defect(ExtractionError):
    """The program failed on one account by a defect of its own."""
