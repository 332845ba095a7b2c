"""Headless Chromium under test, spoken to through its DevTools pipe: nothing but the standard
library and the program itself.

    with Browser(chromium()) as browser:
        page = browser.open(path, width=390)
        page.evaluate("document.title")

`chromium` skips the test by name where the program is missing, or fails it when
BNNC_REQUIRE_CHROMIUM=1 is set, both with the command that installs it.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from optional_tools import missing

NAMES = ("chromium", "chromium-browser", "google-chrome")
LAUNCH = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[2]), 4)
os.execv(sys.argv[3], sys.argv[3:])
"""
TIME_LIMIT = 120
"""Seconds for one answer; a loaded machine is slow to start a browser."""


def chromium() -> str:
    """The program's path."""
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        missing("CHROMIUM", "chromium", "apt-get install chromium")
    return program


class Browser:
    """One process with one tab."""

    def __init__(self, program: str) -> None:
        self._program = program
        self._count = 0
        self._received = b""
        self.events: list[dict[str, Any]] = []

    def __enter__(self) -> Browser:
        self._folder = tempfile.TemporaryDirectory(
            prefix="bnnc-chromium-", ignore_cleanup_errors=True
        )
        ends = (*os.pipe(), *os.pipe())
        # Numbers above those that DevTools reads (3) and writes (4).
        read, self._in, self._out, written = (
            fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends
        )
        for end in ends:
            os.close(end)
        flags = (
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--no-first-run", "--disable-extensions", "--disable-background-networking",
            "--hide-scrollbars", f"--user-data-dir={self._folder.name}", "--remote-debugging-pipe",
            "about:blank",
        )  # fmt: skip
        with open(Path(self._folder.name, "log"), "wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", LAUNCH, str(read), str(written), self._program, *flags],
                pass_fds=(read, written), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip
        os.close(read)
        os.close(written)
        pages = [t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page"]
        attached = self.call("Target.attachToTarget", targetId=pages[0]["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "DOM", "CSS", "Accessibility"):
            self.tab(f"{domain}.enable")
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._in)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._out)
        self._folder.cleanup()

    def call(self, method: str, session: str | None = None, **arguments: Any) -> dict[str, Any]:
        """Send a command and wait for its answer; events on the way are kept."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": arguments}
        if session is not None:
            message["sessionId"] = session
        os.write(self._in, json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != self._count:
            self.events.append(answer)
        assert "error" not in answer, (method, answer["error"])
        return answer["result"]

    def tab(self, method: str, **arguments: Any) -> dict[str, Any]:
        """A command to the tab."""
        return self.call(method, self._session, **arguments)

    def _read(self) -> dict[str, Any]:
        deadline = time.monotonic() + TIME_LIMIT
        while b"\0" not in self._received:
            ready, _, _ = select.select([self._out], [], [], max(0, deadline - time.monotonic()))
            data = os.read(self._out, 1 << 16) if ready else b""
            if not data:
                log = Path(self._folder.name, "log").read_text(errors="replace")
                raise AssertionError(f"chromium does not answer\n{log[-2000:]}")
            self._received += data
        message, _, self._received = self._received.partition(b"\0")
        return json.loads(message)

    def open(self, path: Path, width: int, height: int = 844, scheme: str = "light") -> None:
        """Show a file in a window of this size; `events` then holds what happened."""
        self.tab(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=width < 700,
        )  # fmt: skip
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.tab("Emulation.setEmulatedMedia", features=features)
        self.events.clear()
        self.tab("Page.navigate", url=path.resolve().as_uri())
        while not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(self._read())
        # The browser asks for icons and the like once a page has been painted.
        self.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done, 50)))")

    def evaluate(self, script: str) -> Any:
        """The value of a JavaScript expression (a promise's, once it is kept)."""
        done = self.tab(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def requests(self) -> list[str]:
        """Addresses that were asked for since `open`, the page itself apart."""
        asked = [
            e["params"]["request"]["url"]
            for e in self.events
            if e.get("method") == "Network.requestWillBeSent"
        ]
        return [url for url in asked[1:] if not url.startswith("data:")]

    def complaints(self) -> list[str]:
        """What the console got since `open`: messages, exceptions, violations."""
        kinds = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        return [json.dumps(e["params"]) for e in self.events if e.get("method") in kinds]

    def screenshot(self, path: Path) -> None:
        """The complete page as a PNG."""
        taken = self.tab("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(taken["data"]))
