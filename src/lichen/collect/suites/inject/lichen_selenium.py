# SPDX-License-Identifier: Apache-2.0
"""Tells when Selenium starts a browser, before the suite sends it anywhere. Copied beside the pipes; Python 3.8 or newer."""

from __future__ import annotations

import functools
import importlib.util
import os
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any, Dict, Mapping, Optional

import lichen_events

_DRIVER = "selenium.webdriver.remote.webdriver"
_OPTIONS = ("goog:chromeOptions", "ms:edgeOptions")
_PROCESS = ("goog:processID", "ms:processID", "moz:processID")


def watch() -> None:
    """From now on; whether and when Selenium is imported is the suite's affair."""
    sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    """Steps in once, where Selenium's driver is imported."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Optional[ModuleSpec]:
        del path, target
        if name != _DRIVER:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            execute = loader.exec_module

            def execute_and_wrap(module: Any) -> None:
                execute(module)
                _wrap(module.WebDriver)

            loader.exec_module = execute_and_wrap
        return spec


def _wrap(driver: Any) -> None:
    start = driver.start_session

    @functools.wraps(start)
    def start_session(self: Any, *arguments: Any, **options: Any) -> Any:
        browser: Dict[str, Any] = {}
        lichen_events.tell({"event": "launch"})
        try:
            result = start(self, *arguments, **options)
            browser = _browser(self.capabilities)
            return result
        finally:
            lichen_events.tell({"event": "launched", **browser})

    driver.start_session = start_session


def _browser(capabilities: Mapping[str, Any]) -> Dict[str, Any]:
    """The browser of a session; nothing when it is not one of this suite's own processes, as on a grid."""
    pid = next((capabilities[name] for name in _PROCESS if isinstance(capabilities.get(name), int)), None)
    if pid is None or not _is_own(pid):
        return {}
    addresses = [(capabilities.get(name) or {}).get("debuggerAddress", "") for name in _OPTIONS]
    port = next((address.rpartition(":")[2] for address in addresses if address), None)
    return {"browser": pid, "port": port}


def _is_own(pid: int) -> bool:
    while pid > 1:
        try:
            pid = int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[1])
        except OSError:
            return False
        if pid == os.getpid():
            return True
    return False
