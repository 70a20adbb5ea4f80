# SPDX-License-Identifier: Apache-2.0
"""Records what the browser says about its network, without touching the measured window.

A second debugging connection, beside the driver's, receives the events of every page, frame, worker and popup. In the
window a reader thread appends raw messages to a list, nothing more; they are parsed after the window. Only a new
target is handled at once: it waits until its network events are switched on, so that its first byte is counted.

Protocol: Chrome DevTools Protocol, domains Target, Network, Page, Performance.
"""

from __future__ import annotations

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

from lichen.collect.browser.throttling import Throttling
from lichen.collect.browser.websocket import WebSocket

_ANSWER: Final = b'{"id":'
_TARGET_EVENT: Final = b'{"method":"Target.'
_CRASH: Final = b'{"method":"Inspector.targetCrashed"'
_ATTACH: Final = {
    "autoAttach": True,
    "waitForDebuggerOnStart": True,
    "flatten": True,
    "filter": [{"type": "browser", "exclude": True}, {"type": "tab", "exclude": True}, {}],
}
_NO_BODIES: Final = {"maxTotalBufferSize": 1, "maxResourceBufferSize": 1}
"""Bodies are never asked for: the browser need not keep them for us."""

_WITH_DOCUMENT: Final = frozenset({"page", "iframe"})
_SILENT: Final = frozenset({"browser_ui", "webview", "other", "tab", "browser"})


Command = tuple[str, Mapping[str, Any], str | None]
"""Method, parameters, session."""
Asked = tuple[Command, Callable[[dict[str, Any]], None]]
"""A command, and what takes its answer."""


class Listener(Protocol):
    """Hears everything as it arrives, in the reader's thread: of use only where nothing is measured."""

    def welcome(self, session: str) -> list[Command]:
        """What a new page is told besides."""
        ...

    def hear(self, message: bytes) -> list[Asked]:
        """What to ask because of a message."""
        ...


@dataclass(frozen=True, slots=True)
class Target:
    """A page, frame or worker that was attached to."""

    session: str
    kind: str
    target_id: str
    url: str
    parent_session: str


class Recorder:
    """The second connection. Create it before the first page; ``close`` it after the last reading.

    Args:
        endpoint: WebSocket address of the browser's debugger.
        throttling: put on every target.
        page_script: JavaScript that runs in each document before the page's own.
        listener: of a sample that is not measured.

    Attributes:
        frames: raw messages in the order of arrival.
        targets: by session, those attached to so far; ``live`` those not yet detached.
    """

    def __init__(
        self,
        endpoint: str,
        throttling: Throttling | None = None,
        page_script: str | None = None,
        listener: Listener | None = None,
    ) -> None:
        self.frames: list[bytes] = []
        self.targets: dict[str, Target] = {}
        self.live: dict[str, Target] = {}
        self._throttling = throttling
        self._page_script = page_script
        self._listener = listener
        self._asked: dict[int, Callable[[dict[str, Any]], None]] = {}
        self._ids = itertools.count(1)
        self._answers: dict[int, dict[str, Any] | None] = {}
        self._answered = threading.Condition()
        self._sending = threading.Lock()
        self._ended = False
        self._socket = WebSocket(endpoint)
        self._reader = threading.Thread(target=self._read, name="lichen-recorder", daemon=True)
        self._reader.start()
        self.call([("Target.setAutoAttach", dict(_ATTACH), None)], timeout_s=10.0)

    def call(self, commands: Iterable[Command], timeout_s: float = 2.0) -> list[dict[str, Any] | None]:
        """Sends commands (method, parameters, session) at once and waits for all answers.

        Returns:
            Each ``result``; None where the browser refused, or did not answer in ``timeout_s`` (a script that never
            ends, a target that is gone).
        """
        numbered = [(next(self._ids), *command) for command in commands]
        with self._answered:
            self._answers.update({number: None for number, *_ in numbered})
        waiting = {number for number, *_ in numbered}
        try:
            self._send([_message(*command) for command in numbered])
        except OSError:
            self._ended = True
        deadline = time.monotonic() + timeout_s
        with self._answered:
            while (
                not self._ended
                and any(self._answers[number] is None for number in waiting)
                and (left := deadline - time.monotonic()) > 0
            ):
                self._answered.wait(left)
            answers = [self._answers.pop(number) for number, *_ in numbered]
        return [answer.get("result") if answer is not None else None for answer in answers]

    def synchronise(self, timeout_s: float = 2.0) -> bool:
        """Waits until everything that happened so far has arrived: each target answers after its earlier events.

        Returns:
            False when a target did not answer, so that its last events may be missing.
        """
        sessions = list(self.live)
        answers = self.call(
            [("Target.getTargets", {}, None)] + [("Network.enable", dict(_NO_BODIES), session) for session in sessions],
            timeout_s,
        )
        return all(
            answer is not None or session not in self.live
            for session, answer in zip([None, *sessions], answers, strict=True)
        )

    def documents(self) -> Sequence[Target]:
        """Live pages and frames with a document of their own, pages first."""
        return sorted(
            (target for target in self.live.values() if target.kind in _WITH_DOCUMENT), key=lambda t: t.kind != "page"
        )

    def saw_crash(self) -> bool:
        """Whether a page crashed."""
        return any(frame.startswith(_CRASH) for frame in self.frames)

    def close(self) -> None:
        """Ends the connection and its thread."""
        self._socket.close()
        self._reader.join(5.0)

    # --- reader thread --------------------------------------------------------------------------

    def _read(self) -> None:
        frames = self.frames
        try:
            for message in self._socket.messages():
                if message.startswith(_ANSWER):
                    self._take_answer(message)
                    continue
                if message.startswith(_TARGET_EVENT):
                    self._take_target(json.loads(message))
                frames.append(message)
                if self._listener is not None:
                    self._ask(self._listener.hear(message))
        finally:
            with self._answered:
                self._ended = True
                self._answered.notify_all()

    def _ask(self, questions: Sequence[Asked]) -> None:
        for command, take in questions:
            number = next(self._ids)
            self._asked[number] = take
            try:
                self._send([_message(number, *command)])
            except OSError:
                return

    def _take_answer(self, message: bytes) -> None:
        number = int(message[len(_ANSWER) : message.index(b",")])
        take = self._asked.pop(number, None)
        if take is not None:
            take(json.loads(message))
            return
        with self._answered:
            if number in self._answers:
                self._answers[number] = json.loads(message)
                self._answered.notify_all()

    def _take_target(self, event: dict[str, Any]) -> None:
        parameters = event["params"]
        if event["method"] == "Target.detachedFromTarget":
            self.live.pop(parameters["sessionId"], None)
        elif event["method"] == "Target.attachedToTarget":
            info = parameters["targetInfo"]
            target = Target(
                session=parameters["sessionId"],
                kind=info["type"],
                target_id=info["targetId"],
                url=info["url"],
                parent_session=event.get("sessionId", ""),
            )
            try:
                self._send([_message(next(self._ids), *command) for command in self._welcome(target)])
            except OSError:
                return
            self.targets[target.session] = target
            if target.kind not in _SILENT:
                self.live[target.session] = target

    def _welcome(self, target: Target) -> list[Command]:
        """What a new target is told before it may go on."""
        session = target.session
        commands: list[Command] = []
        if target.kind not in _SILENT:
            commands.append(("Network.enable", _NO_BODIES, session))
            commands.append(("Target.setAutoAttach", _ATTACH, session))
            commands.extend(self._slow_down(target))
        if target.kind in _WITH_DOCUMENT:
            commands.append(("Performance.enable", {}, session))
            commands.append(("Page.enable", {}, session))
            if self._page_script is not None:
                commands.append(("Page.addScriptToEvaluateOnNewDocument", {"source": self._page_script}, session))
        if target.kind == "page":
            commands.append(("Inspector.enable", {}, session))
            if self._listener is not None:
                commands.extend(self._listener.welcome(session))
        commands.append(("Runtime.runIfWaitingForDebugger", {}, session))
        return commands

    def _slow_down(self, target: Target) -> list[Command]:
        slower = self._throttling
        if slower is None:
            return []
        commands: list[Command] = []
        if slower.slows_network:
            limits = {
                "offline": False,
                "latency": slower.latency_ms,
                "downloadThroughput": _bytes_s(slower.download_kbit_s),
                "uploadThroughput": _bytes_s(slower.upload_kbit_s),
            }
            commands.append(("Network.emulateNetworkConditions", limits, target.session))
        if slower.cpu_rate > 1 and target.kind == "page":
            commands.append(("Emulation.setCPUThrottlingRate", {"rate": slower.cpu_rate}, target.session))
        return commands

    def _send(self, messages: Iterable[bytes]) -> None:
        with self._sending:
            self._socket.send(*messages)


def _message(number: int, method: str, parameters: Mapping[str, Any], session: str | None) -> bytes:
    content: dict[str, Any] = {"id": number, "method": method, "params": parameters}
    if session is not None:
        content["sessionId"] = session
    return json.dumps(content).encode()


def _bytes_s(kbit_s: float | None) -> float:
    return -1 if kbit_s is None else kbit_s * 1000 / 8
