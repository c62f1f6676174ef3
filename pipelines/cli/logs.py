"""The log of a command: text or JSON, one line per event on standard error, without secrets.

With the JSON format, every other message on standard error is a JSON line too (``display.output``). What must not come
in: the choice of what is logged; each module decides that for itself.
"""

import logging
import sys
from collections.abc import MutableMapping
from functools import cached_property
from typing import Any

from extractors.foreign_text import clean_lines
from extractors.redaction import RedactingFilter

TEXT, JSON = "text", "json"
LOG_FORMATS = (TEXT, JSON)
LOG_LEVELS = ("debug", "info", "warning", "error")

_LOGGER = "chatmart"
_JSON_HANDLER = "chatmart-json"


def configure_logging(log_format: str, level: str | None) -> None:
    """Send the log to standard error in one of ``LOG_FORMATS``, from this level on.

    The default level is info for JSON and error for text: as text, the command prints everything else as messages.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(RedactingFilter())
    handler.setFormatter(_LateFormatter(log_format))
    if log_format == JSON:
        handler.name = _JSON_HANDLER
    logger = logging.getLogger(_LOGGER)
    logger.handlers[:] = [handler]
    logger.propagate = False
    logger.setLevel((level or ("info" if log_format == JSON else "error")).upper())


def is_json_log() -> bool:
    """Return whether the log, and with it all of standard error, is JSON."""
    return any(handler.name == _JSON_HANDLER for handler in logging.getLogger(_LOGGER).handlers)


class _LateFormatter(logging.Formatter):
    """Builds the formatter at the first line: most commands log none, and structlog is slow to import."""

    def __init__(self, log_format: str) -> None:
        super().__init__()
        self._log_format = log_format

    @cached_property
    def _formatter(self) -> logging.Formatter:
        return _build_formatter(self._log_format)

    def format(self, record: logging.LogRecord) -> str:
        """Format the record as one line."""
        return self._formatter.format(record)


def _build_formatter(log_format: str) -> logging.Formatter:
    import structlog  # imported late: see `_LateFormatter`

    class RedactingFormatter(structlog.stdlib.ProcessorFormatter):
        """Clean the whole line: the filter on the message sees neither its extra fields nor its trace."""

        def format(self, record: logging.LogRecord) -> str:
            return clean_lines(super().format(record))

    return RedactingFormatter(
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
            structlog.processors.JSONRenderer() if log_format == JSON else _format_text_line,
        ],
    )


def _format_text_line(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> str:
    """Format one line for people. Extra fields are for JSON only: the sentence names the important ones."""
    run = f" run={event['run_id'][:8]}" if "run_id" in event else ""
    line = f"{event['timestamp']} {event['level'].upper()} {event['logger']} {event['event']}{run}"
    return f"{line}\n{event['exception']}" if "exception" in event else line
