"""The export jobs of one account, without a provider behind them. No expectations."""

from pathlib import Path

from extractors.chatcaptain.account import ChatcaptainAccount
from extractors.chatcaptain.provider import PROVIDER
from extractors.exports.job import ExportJobs, PollSettings
from extractors.exports.journal import Journal
from extractors.http.client import Client
from tests.support.chatcaptain import FakeTime


def open_jobs(path: Path, time: FakeTime) -> ExportJobs:
    """Return the export jobs of an account with a journal. Pauses are not waited for."""
    account = ChatcaptainAccount(name="a", chatbot_id="bot", api_key="planted-secret")  # type: ignore[arg-type]
    session = Client(clock=time.as_clock()).open_session(account, PROVIDER.limits)
    return ExportJobs(session, "export", Journal(path), PollSettings((2, 30), 300, 900, 30))
