"""Debian's chromium, headless, over its own protocol: a page, what it does when opened, what axe-core says."""

import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import axe_core_python
import pytest
from websockets.sync.client import connect

CHROMIUM = shutil.which("chromium")
FLAGS = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
FLAGS += " --disable-component-update --disable-sync --remote-debugging-port=0"
browser_only = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed (apt-get install chromium)")


_AXE = """
axe.run().then(found => found.violations.filter(each => ["serious", "critical"].includes(each.impact))
    .flatMap(each => each.nodes.map(node => `${each.impact}: ${each.id} at ${node.target} ${node.failureSummary}`)))
"""


class Tab:
    """A page in a headless browser; `events` holds what the browser told meanwhile."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket
        self.events: list[dict[str, Any]] = []
        self.last = 0

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        self.last += 1
        self.socket.send(json.dumps({"id": self.last, "method": method, "params": params}))
        while True:
            message: dict[str, Any] = json.loads(self.socket.recv(timeout=30))
            if message.get("id") == self.last:
                return message["result"]  # type: ignore[no-any-return]
            self.events.append(message)

    def run(self, script: str) -> Any:
        return self.ask("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def told(self, method: str) -> list[dict[str, Any]]:
        return [event["params"] for event in self.events if event["method"] == method]


@contextmanager
def opened(path: Path, profile: Path, *, width: int = 1280) -> Iterator[Tab]:
    process = subprocess.Popen(
        [CHROMIUM or "", *FLAGS.split(), f"--user-data-dir={profile}", "about:blank"], stderr=subprocess.DEVNULL
    )
    try:
        port = profile / "DevToolsActivePort"
        deadline = time.monotonic() + 30
        while not (port.exists() and "\n" in port.read_text()) and time.monotonic() < deadline:
            time.sleep(0.05)
        with urllib.request.urlopen(f"http://127.0.0.1:{port.read_text().split()[0]}/json") as answer:
            address = next(tab for tab in json.load(answer) if tab["type"] == "page")["webSocketDebuggerUrl"]
        with connect(address, max_size=None) as socket:
            tab = Tab(socket)
            for domain in ("Page", "Log", "Network", "Runtime"):
                tab.ask(f"{domain}.enable")
            tab.ask(
                "Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 600
            )
            tab.events.clear()
            tab.ask("Page.navigate", url=path.as_uri())
            while not tab.told("Page.loadEventFired") and time.monotonic() < deadline:
                tab.run("1")
            yield tab
    finally:
        process.terminate()
        process.wait(timeout=10)


def serious(tab: Tab) -> list[str]:
    """What axe-core finds on the page that hinders people much: `impact: rule at place`."""
    script = Path(axe_core_python.__file__).with_name("axe.min.js").read_text(encoding="utf-8")
    tab.run(script)
    answer = tab.ask("Runtime.evaluate", expression=_AXE, awaitPromise=True, returnByValue=True)
    return list(answer["result"]["value"])
