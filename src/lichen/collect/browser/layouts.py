# SPDX-License-Identifier: Apache-2.0
"""Layout passes of a page: one for its loading, then each pass until it is left. The same in every run of the same page.

Chromium's own counter starts anew in each document, and while a document loads the number of passes is chance: a frame
that is drawn between two pieces of the page lays it out once more. Both are met by a few lines that run in each document
before its own scripts. When the document is shown, after the listeners of its load event, they ask for a size, so that
what is left to lay out is laid out now and not in some later frame (the same work, not more), and put a mark; they put
another when the document is about to be left. A mark (``console.timeStamp``) makes Chromium send all its counters as they
stand at that instant. Listening for ``pagehide`` instead would be too late: the connection has moved on by then.

What the page's scripts force while it loads is therefore in the one pass of its loading, and shows in CPU time.

Protocol: Chrome DevTools Protocol, ``Performance.metrics`` (``NavigationStart`` tells documents apart, ``LayoutCount``).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

PAGE_SCRIPT: Final = """(() => {
  const stamp = console.timeStamp.bind(console);
  const layOut = Object.getOwnPropertyDescriptor(window, "scrollX").get.bind(window);
  let kind = "page";
  if (window !== top) {
    kind = "";
    try { parent.document; } catch { kind = "iframe"; }
  }
  const mark = (event) => { if (kind) stamp(`lichen ${kind} ${event}`); };
  addEventListener("pageshow", () => { layOut(); mark("loaded"); });
  addEventListener("beforeunload", () => mark("left"));
})()"""
"""Runs in each document first. Frames of the page's own site are laid out with it, and counted with it by Chromium."""

_MARK: Final = b'{"method":"Performance.metrics"'


@dataclass(slots=True)
class _Document:
    """The latest document of a page or cross-site frame.

    Attributes:
        started_s: when its navigation began, which tells it apart.
        loaded: its passes count; known: as many are booked or left out.
        marked: it marks its moments; left: it has marked that it is about to be left.
    """

    started_s: float
    loaded: bool
    known: int = 0
    marked: bool = False
    left: bool = False


class LayoutBooks:
    """Adds up the passes of every page and cross-site frame.

    Attributes:
        open: false until the window begins: what is there at that moment counts as loaded, also where no mark says so.
        lost: a document was replaced and its last mark never came, so that its last passes are not known. Chromium drops what
            is under way when it moves the connection to the next document; seen once in some hundreds of navigations.
    """

    def __init__(self) -> None:
        self.open = False
        self.lost = False
        self._documents: dict[str, _Document] = {}

    def hear(self, messages: Iterable[bytes], kinds: Mapping[str, str]) -> int:
        """Passes that the marks among recorded messages tell of.

        Args:
            messages: as they arrived.
            kinds: ``page`` or ``iframe`` for each session; a frame that lives in its page's process marks nothing.
        """
        passes = 0
        for message in messages:
            if not message.startswith(_MARK):
                continue
            event = json.loads(message)
            session = event.get("sessionId", "")
            marker, _, event_name = event["params"]["title"].rpartition(" ")
            if marker == f"lichen {kinds.get(session)}":
                passes += self.read(session, event["params"]["metrics"], event_name)
        return passes

    def read(self, session: str, metrics: Iterable[Mapping[str, Any]], mark: str = "") -> int:
        """Passes of one page or frame since the previous call for it.

        Args:
            session: of the page or frame.
            metrics: Chromium's counters now.
            mark: ``loaded`` or ``left`` when its document does so at this instant.
        """
        values = {metric["name"]: metric["value"] for metric in metrics}
        started_s, count = float(values["NavigationStart"]), int(values["LayoutCount"])
        document = self._documents.get(session)
        if document is None or document.started_s != started_s:
            if document is not None and document.marked and not document.left:
                self.lost = True
            document = self._documents[session] = _Document(started_s, loaded=not self.open)
        elif count < document.known:  # the page came back as it was left; the counter began anew
            document.known = 0
        passes = count - document.known if document.loaded else 0
        if mark == "loaded":
            passes += not document.loaded
            document.loaded = document.marked = True
        document.left |= mark == "left"
        document.known = count
        return passes
