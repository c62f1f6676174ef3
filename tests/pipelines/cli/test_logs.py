"""The log: text and JSON lines, levels, and no secret in any of them."""

import json
import logging

import pytest
from structlog.contextvars import bound_contextvars

from extractors import redaction
from pipelines.cli import logs

SECRET = "planted-secret"
log = logging.getLogger("chatmart.tests")


@pytest.fixture(autouse=True)
def _register_secret() -> None:
    redaction.register_secrets(SECRET)


def raise_secret_error() -> None:
    raise RuntimeError(f"{SECRET} was refused")


def log_exception() -> None:
    try:
        raise_secret_error()
    except RuntimeError:
        log.exception("unexpected")


def test_text_is_a_line_with_the_sentence_and_the_run(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure_logging(logs.TEXT, "info")
    with bound_contextvars(run_id="0123456789abcdef", command="load"):
        log.info("%s: loaded %d", "acme", 3, extra={"account": "acme"})
    line = capsys.readouterr().err
    assert line.endswith("Z INFO chatmart.tests acme: loaded 3 run=01234567\n")
    assert not logs.is_json_log()


def test_json_has_the_sentence_and_its_fields(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure_logging(logs.JSON, None)
    with bound_contextvars(run_id="0123456789abcdef", command="load"):
        log.info("%s: loaded %d", "acme", 3, extra={"account": "acme", "slices": 3})
        log.debug("not from this level on")
    event = json.loads(capsys.readouterr().err)
    assert event.pop("timestamp").endswith("Z")
    assert event == {
        "event": "acme: loaded 3",
        "level": "info",
        "logger": "chatmart.tests",
        "run_id": "0123456789abcdef",
        "command": "load",
        "account": "acme",
        "slices": 3,
    }
    assert logs.is_json_log()


@pytest.mark.parametrize("form", logs.LOG_FORMATS)
def test_no_secret_in_sentences_fields_or_traces(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure_logging(form, "debug")
    log.error("%s in a sentence", SECRET, extra={"field": f"{SECRET} in a field"})
    log_exception()
    text = capsys.readouterr().err
    assert SECRET not in text
    assert text.count("[redacted]") >= 2 + (form == logs.JSON)
    assert "RuntimeError" in text
    if form == logs.JSON:
        assert [json.loads(line)["level"] for line in text.splitlines()] == ["error", "error"]


@pytest.mark.parametrize(
    ("form", "level", "logged_levels"),
    [
        (logs.TEXT, None, ["ERROR"]),
        (logs.JSON, None, ["INFO", "WARNING", "ERROR"]),
        (logs.TEXT, "debug", ["DEBUG", "INFO", "WARNING", "ERROR"]),
        (logs.JSON, "error", ["ERROR"]),
    ],
)
def test_levels(form: str, level: str | None, logged_levels: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure_logging(form, level)
    for name in ("DEBUG", "INFO", "WARNING", "ERROR"):
        log.log(logging.getLevelName(name), "event")
    lines = capsys.readouterr().err.splitlines()
    assert [
        json.loads(line)["level"].upper() if form == logs.JSON else line.split()[1] for line in lines
    ] == logged_levels


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_no_text_of_a_provider_steers_the_terminal(log_format: str, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure_logging(log_format, "warning")
    attack = "\x1b[2J\x9b\u202e"
    error = ValueError(attack)
    logging.getLogger("chatmart.run").error("at %s", attack, exc_info=error)
    written = capsys.readouterr().err
    assert written.replace("\n", "").isprintable()
    assert "?[2J??" in written
