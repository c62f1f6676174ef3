"""Chromium without a window, driven over its own protocol: pages as a person sees them. No expectations."""

import base64
import itertools
import json
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from websockets.sync.client import ClientConnection, connect

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CHROMIUM_MISSING = "needs Chromium (Debian: apt-get install -y chromium)"

_OPTIONS = (
    "--headless",
    "--no-sandbox",  # root has none, and the page is our own
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--remote-debugging-port=0",
)
_PATIENCE = 60.0  # seconds for any one answer


@dataclass
class Tab:
    """One page. ``noise`` is what it said on its console, ``requests`` every address it asked for."""

    socket: ClientConnection
    console_messages: list[str] = field(default_factory=list)
    requested_urls: list[str] = field(default_factory=list)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _loaded: bool = False

    def open(self, address: str, *, width: int, dark: bool) -> None:
        """Show the page of this address from the beginning, and wait until it is whole."""
        self.console_messages, self.requested_urls, self._loaded = [], [], False
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send_command(f"{domain}.enable")
        self.send_command(
            "Emulation.setDeviceMetricsOverride", width=width, height=844, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.send_command("Emulation.setEmulatedMedia", features=[scheme])
        self.send_command("Page.navigate", url=address)
        while not self._loaded:
            self._receive()

    def evaluate(self, expression: str) -> Any:
        answer = self.send_command("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def screenshot(self) -> bytes:
        """The whole page as PNG, also what lies below."""
        return base64.b64decode(self.send_command("Page.captureScreenshot", captureBeyondViewport=True)["data"])

    def pdf(self) -> bytes:
        """The page as it is printed."""
        return base64.b64decode(self.send_command("Page.printToPDF", preferCSSPageSize=True)["data"])

    def send_command(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._ids)
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            told = self._receive()
            if told.get("id") == number:
                assert "error" not in told, told["error"]
                result: dict[str, Any] = told["result"]
                return result

    def _receive(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.socket.recv(timeout=_PATIENCE))
        match told.get("method"):
            case "Page.loadEventFired":
                self._loaded = True
            case "Network.requestWillBeSent":
                self.requested_urls.append(told["params"]["request"]["url"])
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded":
                self.console_messages.append(json.dumps(told["params"]))
        return told


@contextmanager
def open_chromium_tab() -> Iterator[Tab]:
    """A tab of a browser with a profile of its own, which is gone afterwards."""
    assert CHROMIUM is not None, CHROMIUM_MISSING
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [CHROMIUM, *_OPTIONS, f"--user-data-dir={profile}", "about:blank"]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        try:
            with connect(_tab_of(process), max_size=None, proxy=None) as socket:
                yield Tab(socket)
        finally:
            process.kill()
            process.communicate()


def _tab_of(process: subprocess.Popen[str]) -> str:
    """The address of the first tab; the browser says on standard error where it listens."""
    assert process.stderr is not None
    said = []
    for line in process.stderr:
        said.append(line)
        if "DevTools listening on" in line:
            address = line.split()[-1]
            break
    else:
        raise AssertionError("Chromium did not start: " + "".join(said))
    with connect(address, proxy=None) as socket:
        socket.send(json.dumps({"id": 1, "method": "Target.getTargets"}))
        while (told := json.loads(socket.recv(timeout=_PATIENCE))).get("id") != 1:
            pass
    [tab] = [each["targetId"] for each in told["result"]["targetInfos"] if each["type"] == "page"]
    return f"{address.partition('/devtools/')[0]}/devtools/page/{tab}"
