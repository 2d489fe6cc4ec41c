"""A real browser for tests: headless Chromium, spoken to over a pipe by its DevTools protocol.

Nothing is installed and nothing listens: the browser reads commands from its file descriptor 3 and answers on 4.
"""

from __future__ import annotations

import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--remote-debugging-pipe"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
    *("--window-size=1400,900", "--host-resolver-rules=MAP * ~NOTFOUND", "about:blank"),
)
PATIENCE = 60.0
"""Seconds for an answer, on a machine that has much else to do."""

FOUND = next((path for path in map(shutil.which, NAMES) if path), None)
needs_browser = pytest.mark.skipif(FOUND is None, reason="there is no Chromium: apt-get install chromium")


class Page:
    """One page of the browser, and all that it has reported."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers, self._buffer, self._number = commands, answers, b"", 0
        self._session: str | None = None
        self.requests: list[str] = []
        self.complaints: list[str] = []
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.send("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.send(f"{domain}.enable")

    def send(self, method: str, **parameters: Any) -> Any:
        """Send a command, note what is reported meanwhile, and return the answer."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        message |= {"sessionId": self._session} if self._session else {}
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        return self._wait(lambda answer: answer.get("id") == self._number)["result"]

    def open(self, path: Path, fragment: str = "") -> None:
        """Open a file and wait until it is loaded; what was reported before is forgotten."""
        self.send("Page.navigate", url="about:blank")
        self.requests, self.complaints = [], []
        self.send("Page.navigate", url=path.as_uri() + fragment)
        self._wait(lambda answer: answer.get("method") == "Page.loadEventFired")

    def run(self, script: str) -> Any:
        """Return what an expression is in the page."""
        answer = self.send("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key and let it go."""
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=CODES[key])

    def _wait(self, wanted: Any) -> Any:
        end = time.monotonic() + PATIENCE
        while True:
            while b"\0" in self._buffer:
                text, _, self._buffer = self._buffer.partition(b"\0")
                answer = json.loads(text)
                assert "error" not in answer, answer
                self._note(answer)
                if wanted(answer):
                    return answer
            ready, _, _ = select.select([self._answers], [], [], max(0.0, end - time.monotonic()))
            assert ready, "the browser does not answer"
            read = os.read(self._answers, 1 << 20)
            assert read, "the browser has ended"
            self._buffer += read

    def _note(self, answer: dict[str, Any]) -> None:
        parameters = answer.get("params", {})
        match answer.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(parameters["request"]["url"])
            case "Runtime.consoleAPICalled":
                self.complaints.append(str(parameters["args"]))
            case "Runtime.exceptionThrown":
                self.complaints.append(str(parameters["exceptionDetails"]))
            case "Log.entryAdded":
                self.complaints.append(parameters["entry"]["text"])


CODES = {"ArrowRight": 39, "ArrowLeft": 37, "Home": 36, "End": 35, "PageDown": 34, "PageUp": 33, "Tab": 9}


@contextmanager
def browser(profile: Path) -> Iterator[Page]:
    """Start the browser with an empty profile and give a page; end it afterwards."""
    ends = [end for pipe in (os.pipe(), os.pipe()) for end in pipe]
    # Away from 3 and 4, which are what they become in the browser.
    read, commands, answers, write = (fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends)
    for end in ends:
        os.close(end)

    def hand_over() -> None:
        os.dup2(read, 3)
        os.dup2(write, 4)

    process = subprocess.Popen(
        [str(FOUND), *FLAGS, f"--user-data-dir={profile}"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(3, 4),
        preexec_fn=hand_over,
    )
    os.close(read)
    os.close(write)
    try:
        yield Page(commands, answers)
    finally:
        process.terminate()
        process.wait(PATIENCE)
        os.close(commands)
        os.close(answers)
