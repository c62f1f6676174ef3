"""The command's log: text or JSON, a line each on standard error, without secrets. What is logged is up to who logs.

Where the log is JSON, everything else that a command says on standard error is a line of it too (``telling``).
"""

import logging
import sys
from typing import Any

from extractors.redaction import RedactingFilter, redact

TEXT, JSON = "text", "json"
LOG_FORMATS = (TEXT, JSON)
LOG_LEVELS = ("debug", "info", "warning", "error")

_LOGGER = "chatmart"
_JSON_HANDLER = "chatmart-json"


def configure_logging(form: str, level: str | None) -> None:
    """Log in this format from this level on (default: info as JSON; as text errors, since the rest is told anyway)."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(RedactingFilter())
    handler.setFormatter(_formatter(form))
    if form == JSON:
        handler.name = _JSON_HANDLER
    logger = logging.getLogger(_LOGGER)
    logger.handlers[:] = [handler]
    logger.propagate = False
    logger.setLevel((level or ("info" if form == JSON else "error")).upper())


def is_json_log() -> bool:
    """Whether the log is JSON, and with it all of standard error."""
    return any(handler.name == _JSON_HANDLER for handler in logging.getLogger(_LOGGER).handlers)


def _formatter(form: str) -> logging.Formatter:
    import structlog  # not before it is needed: `--help` has no log

    class Redacted(structlog.stdlib.ProcessorFormatter):
        """Fields that a line carries besides its sentence may hold a secret too."""

        def format(self, record: logging.LogRecord) -> str:
            return redact(super().format(record))

    return Redacted(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.format_exc_info,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer() if form == JSON else _line,
        ],
    )


def _line(_logger: Any, _method: str, told: Any) -> str:
    """One line for people: the fields besides are left to JSON, since the sentence names what matters."""
    marks = f" run={told['run_id'][:8]}" if "run_id" in told else ""
    line = f"{told['timestamp']} {told['level'].upper()} {told['logger']} {told['event']}{marks}"
    return f"{line}\n{told['exception']}" if "exception" in told else line
