"""Drives headless Chromium over its DevTools protocol, to see pages as a person does. No assertions on pages."""

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
    "--no-sandbox",  # root cannot use the sandbox, and the page is our own
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--no-first-run",
    "--remote-debugging-port=0",
)
_TIMEOUT_SECONDS = 60.0  # for each message


@dataclass
class Tab:
    """A browser tab with one page, its console messages and all URLs that it requested."""

    socket: ClientConnection
    console_messages: list[str] = field(default_factory=list)
    requested_urls: list[str] = field(default_factory=list)
    _ids: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _loaded: bool = False

    def open(self, address: str, *, width: int, dark: bool) -> None:
        """Load a page and wait until it is complete; ``width`` is in CSS pixels, below 600 it is a phone."""
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
        """Return the value of a JavaScript expression in the page."""
        response = self.send_command("Runtime.evaluate", expression=expression, returnByValue=True)
        assert "exceptionDetails" not in response, response
        return response["result"].get("value")

    def capture_screenshot(self) -> bytes:
        """Return the whole page as PNG, including the part below the window."""
        return base64.b64decode(self.send_command("Page.captureScreenshot", captureBeyondViewport=True)["data"])

    def print_pdf(self) -> bytes:
        """Return the printed page as PDF."""
        return base64.b64decode(self.send_command("Page.printToPDF", preferCSSPageSize=True)["data"])

    def send_command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its result; events that arrive before are recorded."""
        command_id = next(self._ids)
        self.socket.send(json.dumps({"id": command_id, "method": method, "params": parameters}))
        while True:
            message = self._receive()
            if message.get("id") == command_id:
                assert "error" not in message, message["error"]
                result: dict[str, Any] = message["result"]
                return result

    def _receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.socket.recv(timeout=_TIMEOUT_SECONDS))
        match message.get("method"):
            case "Page.loadEventFired":
                self._loaded = True
            case "Network.requestWillBeSent":
                self.requested_urls.append(message["params"]["request"]["url"])
            case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown" | "Log.entryAdded":
                self.console_messages.append(json.dumps(message["params"]))
        return message


@contextmanager
def open_chromium_tab() -> Iterator[Tab]:
    """Open a tab in a browser with a temporary profile."""
    assert CHROMIUM is not None, CHROMIUM_MISSING
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        command = [CHROMIUM, *_OPTIONS, f"--user-data-dir={profile}", "about:blank"]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        try:
            with connect(_find_tab_address(process), max_size=None, proxy=None) as socket:
                yield Tab(socket)
        finally:
            process.kill()
            process.communicate()


def _find_tab_address(process: subprocess.Popen[str]) -> str:
    """Return the WebSocket address of the first tab, from the address that the browser prints to standard error."""
    assert process.stderr is not None
    output = []
    for line in process.stderr:
        output.append(line)
        if "DevTools listening on" in line:
            address = line.split()[-1]
            break
    else:
        raise AssertionError("Chromium did not start: " + "".join(output))
    with connect(address, proxy=None) as socket:
        socket.send(json.dumps({"id": 1, "method": "Target.getTargets"}))
        while (message := json.loads(socket.recv(timeout=_TIMEOUT_SECONDS))).get("id") != 1:
            pass
    [tab_id] = [target["targetId"] for target in message["result"]["targetInfos"] if target["type"] == "page"]
    return f"{address.partition('/devtools/')[0]}/devtools/page/{tab_id}"
