# SPDX-License-Identifier: Apache-2.0
"""Starts the real portal and back office, and runs journeys in the real browser."""

import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

READY_TIMEOUT_S = 30
STOP_TIMEOUT_S = 10
BROWSER_ARGUMENTS = ["--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


@dataclass
class Process:
    """A running server of the sample application."""

    process: subprocess.Popen[str]
    url: str


@dataclass
class Portal:
    """Portal and back office over one data folder, with their access logs."""

    url: str
    back_office_url: str
    folder: Path

    def log(self, name: str = "portal") -> list[dict[str, Any]]:
        path = self.folder / f"{name}.log"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def settle(self) -> None:
        """Waits until requests are logged: each is when its answer is through, a moment after the page has it."""
        path, size = self.folder / "portal.log", -1
        for _ in range(20):
            before, size = size, path.stat().st_size if path.exists() else 0
            if size == before:
                return
            time.sleep(0.3)

    def clear_logs(self) -> None:
        for name in ("portal", "backoffice"):
            (self.folder / f"{name}.log").unlink(missing_ok=True)

    def reset(self) -> None:
        request = urllib.request.Request(f"{self.url}/__reset__", method="POST")
        with urllib.request.urlopen(request, timeout=10) as response:
            assert response.status == 200


def command(module: str, *arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", f"lichen.demo.{module}", *map(str, arguments)]


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@contextmanager
def server(module: str, folder: Path, *arguments: str | Path) -> Iterator[Process]:
    """Start a server, wait until it announces its address, and stop it with SIGTERM."""
    url_file = folder / f"{module}.url"
    url_file.unlink(missing_ok=True)
    process = subprocess.Popen(command(module, "--url-file", url_file, *arguments), stdout=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + READY_TIMEOUT_S
        while not url_file.exists():
            assert process.poll() is None, f"{module} stopped with {process.returncode}"
            assert time.monotonic() < deadline, f"{module} did not get ready"
            time.sleep(0.02)
        yield Process(process, url_file.read_text().strip())
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=STOP_TIMEOUT_S)


@contextmanager
def portal(folder: Path, *arguments: str | Path) -> Iterator[Portal]:
    """Start back office and portal over `folder`."""
    data = folder / "data"
    with (
        server("backoffice", folder, "--data", data, "--access-log", folder / "backoffice.log") as office,
        server(
            "portal",
            folder,
            *("--data", data, "--access-log", folder / "portal.log", "--allow-reset"),
            *("--backoffice", office.url, *arguments),
        ) as front,
    ):
        yield Portal(front.url, office.url, folder)


@contextmanager
def browser_page(url: str, **options: Any) -> Iterator[Any]:
    """Open one page of a fresh Chromium process."""
    from playwright.sync_api import sync_playwright

    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=shutil.which("chromium"), args=[*BROWSER_ARGUMENTS, *sandbox])
        try:
            yield browser.new_context(base_url=url, **options).new_page()
        finally:
            browser.close()


def run_journey(name: str, running: Portal) -> list[str]:
    """Reset the data, prepare outside the log, run a journey, and return the names of its steps."""
    module = importlib.import_module(f"lichen.demo.journeys.{name}")
    steps: list[str] = []

    @contextmanager
    def step(label: str, dwell: float) -> Iterator[None]:
        assert dwell > 0
        steps.append(label)
        yield

    running.reset()
    with browser_page(running.url) as page:
        failures: list[str] = []
        page.on("pageerror", lambda error: failures.append(str(error)))
        page.on("console", lambda entry: failures.append(entry.text) if entry.type == "error" else None)
        if hasattr(module, "prepare"):
            module.prepare(page)
        running.settle()
        running.clear_logs()
        module.journey(page, step)
        page.wait_for_load_state("load")
        running.settle()
        assert failures == []
    return steps
