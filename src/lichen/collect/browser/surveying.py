# SPDX-License-Identifier: Apache-2.0
"""Looks into a warm-up sample: what pages hold, what they use, how texts compress. Never used in a sample that counts.

Protocol: Chrome DevTools Protocol, domains Profiler (precise coverage), CSS (rule usage), Network (bodies of texts that came
uncompressed), Runtime (a binding that documents report through). The browser is told all of this when a page is born, so
that the first script is seen.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from lichen.collect.browser.exchange import Exchange
from lichen.collect.browser.recorder import Asked, Command, Recorder
from lichen.collect.browser.sites import party
from lichen.collect.browser.spans import Span, name_at
from lichen.collect.survey import MOST_ROWS, Coverage, Document, Image, LongTasks, Resource, Survey, heaviest

_BINDING: Final = "lichenSurvey"
_BODY_LIMIT_BYTES: Final = 64 << 20
_LEAST_TEXT_BYTES: Final = 1400
"""One packet: what is smaller arrives no sooner when it is compressed."""
_TEXTS: Final = ("text/", "javascript", "json", "xml", "svg", "wasm", "font/ttf", "font/otf")
_CODE: Final = frozenset({"script", "stylesheet"})
"""What is inside a document came with it: it is not fetched, cached or dropped alone."""
_GZIP_LEVELS: Final = (1, 6, 9)
_FETCHED: Final = ("http:", "https:")

SCRIPT: Final = """(() => {
  const tell = window.lichenSurvey;
  if (window !== top || !tell) return;
  const seen = new WeakSet();
  const watch = new IntersectionObserver((all) => all.forEach((one) => one.isIntersecting && seen.add(one.target)));
  const follow = (node) => {
    if (node instanceof HTMLImageElement) watch.observe(node);
    if (node.querySelectorAll) node.querySelectorAll("img").forEach((image) => watch.observe(image));
  };
  new MutationObserver((all) => all.forEach((one) => one.addedNodes.forEach(follow)))
    .observe(document, { childList: true, subtree: true });
  new PerformanceObserver((list) => list.getEntries().forEach((one) =>
    tell(JSON.stringify({ task: one.duration / 1000 })))).observe({ type: "longtask", buffered: true });
  const depth = () => {
    let most = 0, level = document.documentElement ? [document.documentElement] : [];
    for (; level.length; most += 1) level = level.flatMap((node) => [...node.children]);
    return most;
  };
  const pixels = (width, height) => Math.round(width * devicePixelRatio) * Math.round(height * devicePixelRatio);
  const image = (one) => {
    const box = one.getBoundingClientRect();
    const inView = box.width > 0 && box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
    return { url: one.currentSrc, natural: one.naturalWidth * one.naturalHeight, shown: pixels(box.width, box.height),
      seen: inView || seen.has(one), lazy: one.loading === "lazy" };
  };
  const look = () => {
    follow(document);
    return { url: location.href, elements: document.getElementsByTagName("*").length, depth: depth(),
      autoplaying: [...document.querySelectorAll("video, audio")].filter((one) => one.autoplay).length,
      faces: [...document.fonts].filter((one) => one.status === "loaded").length,
      images: [...document.images].filter((one) => one.currentSrc && one.complete).map(image) };
  };
  addEventListener("beforeunload", () => tell(JSON.stringify(look())));
  window[Symbol.for("lichen.survey")] = look;
})()"""
"""Runs in each page first: reports long tasks as they end, and what the page holds when it is left."""

_SNAPSHOT_CALL: Final = '(window[Symbol.for("lichen.survey")] || (() => null))()'


class Surveyor:
    """Collects while the sample runs; ``survey`` puts it together afterwards.

    Attributes:
        step: that the sample is in; whoever runs the sample keeps it.
    """

    def __init__(self) -> None:
        self.step = ""
        self._texts: dict[str, str] = {}
        self._gzip: dict[str, tuple[int, int, int]] = {}
        self._told: list[tuple[str, dict[str, Any]]] = []
        self._scripts: dict[tuple[str, str], np.ndarray] = {}
        self._sheets: dict[tuple[str, str], tuple[str, int]] = {}
        self._rules: dict[str, set[tuple[int, int]]] = {}
        self._lengths: dict[str, int] = {}

    def begin(self) -> None:
        """The window begins: what pages told of the time before is forgotten."""
        self._told.clear()

    def welcome(self, session: str) -> list[Command]:
        """What a new page is told before its first script."""
        bodies = {"maxTotalBufferSize": _BODY_LIMIT_BYTES, "maxResourceBufferSize": _BODY_LIMIT_BYTES}
        return [
            ("Network.enable", bodies, session),
            ("Runtime.enable", {}, session),
            ("Runtime.addBinding", {"name": _BINDING}, session),
            ("Page.addScriptToEvaluateOnNewDocument", {"source": SCRIPT}, session),
            ("Profiler.enable", {}, session),
            ("Profiler.startPreciseCoverage", {"callCount": False, "detailed": True}, session),
            ("DOM.enable", {}, session),
            ("CSS.enable", {}, session),
            ("CSS.startRuleUsageTracking", {}, session),
        ]

    # --- in the recorder's thread ---------------------------------------------------------------

    def hear(self, message: bytes) -> list[Asked]:
        """Takes what a message tells; asks for the body of a text that came uncompressed, as a page that is left forgets it."""
        handler = _HEARD.get(message[11 : message.find(b'"', 11)])
        if handler is None:
            return []
        event = json.loads(message)
        return handler(self, event["params"], event.get("sessionId", ""))

    def response(self, p: Mapping[str, Any], session: str) -> list[Asked]:
        """Remembers an answer whose text was not compressed."""
        del session
        answer = p["response"]
        plain = not any(name.lower() == "content-encoding" for name in answer.get("headers", {}))
        if plain and any(text in answer.get("mimeType", "") for text in _TEXTS):
            self._texts[p["requestId"]] = answer["url"]
        return []

    def finished(self, p: Mapping[str, Any], session: str) -> list[Asked]:
        """Asks for its body."""
        url = self._texts.pop(p["requestId"], None)
        if url is None or int(p["encodedDataLength"]) < _LEAST_TEXT_BYTES:
            return []
        command = ("Network.getResponseBody", {"requestId": p["requestId"]}, session)
        return [(command, lambda answer: self._take_body(url, answer.get("result", {})))]

    def _take_body(self, url: str, result: Mapping[str, Any]) -> None:
        body = result.get("body", "")
        raw = base64.b64decode(body) if result.get("base64Encoded") else body.encode()
        if raw:
            fast, usual, best = (len(zlib.compress(raw, level)) for level in _GZIP_LEVELS)
            self._gzip[url] = (fast, usual, best)

    def told(self, p: Mapping[str, Any], session: str) -> list[Asked]:
        """What a document reports of itself."""
        del session
        if p["name"] == _BINDING:
            self._told.append((self.step, json.loads(p["payload"])))
        return []

    def sheet(self, p: Mapping[str, Any], session: str) -> list[Asked]:
        """A style sheet of a file."""
        header = p["header"]
        if header.get("sourceURL") and not header.get("isInline"):
            self._sheets[session, header["styleSheetId"]] = header["sourceURL"], int(header.get("length", 0))
        return []

    # --- between steps --------------------------------------------------------------------------

    def look(self, recorder: Recorder) -> None:
        """Asks every live page what it holds and what it used since the last time."""
        pages = [target.session for target in recorder.documents() if target.kind == "page"]
        for session in pages:
            snapshot, scripts, rules = recorder.call(
                [
                    ("Runtime.evaluate", {"expression": _SNAPSHOT_CALL, "returnByValue": True}, session),
                    ("Profiler.takePreciseCoverage", {}, session),
                    ("CSS.takeCoverageDelta", {}, session),
                ],
                timeout_s=10.0,
            )
            state = (snapshot or {}).get("result", {}).get("value")
            if isinstance(state, dict):
                self._told.append((self.step, state))
            for script in (scripts or {}).get("result", ()):
                self._take_script(script)
            self._take_rules(session, (rules or {}).get("coverage", ()))

    def _take_script(self, script: Mapping[str, Any]) -> None:
        if not script["url"].startswith(_FETCHED) or not script["functions"]:
            return
        ranges = [one for function in script["functions"] for one in function["ranges"]]
        length = max(one["endOffset"] for one in ranges)
        used = np.zeros(length, dtype=bool)
        for one in sorted(ranges, key=lambda r: (r["startOffset"], -r["endOffset"])):  # inner ranges after outer ones
            used[one["startOffset"] : one["endOffset"]] = one["count"] > 0
        key = script["url"], script["scriptId"]
        before = self._scripts.get(key)
        if before is not None and len(before) > length:
            used = np.concatenate([used, np.zeros(len(before) - length, dtype=bool)])
        if before is not None:
            used[: len(before)] |= before
        self._scripts[key] = used

    def _take_rules(self, session: str, usage: Iterable[Mapping[str, Any]]) -> None:
        """Rules newly used; a sheet whose page was left before it was looked at is in neither sum."""
        for (of, _), (url, length) in self._sheets.copy().items():
            if of == session:
                self._lengths[url] = max(length, self._lengths.get(url, 0))
        for rule in usage:
            found = self._sheets.get((session, rule["styleSheetId"]))
            if found is not None and rule["used"]:
                self._rules.setdefault(found[0], set()).add((int(rule["startOffset"]), int(rule["endOffset"])))

    # --- afterwards -----------------------------------------------------------------------------

    def survey(self, exchanges: Sequence[Exchange], spans: Sequence[Span], site: str | None) -> Survey:
        """All that was found.

        Args:
            exchanges: of the window. spans: its steps, on the monotonic clock. site: registrable site of the first party.
        """
        files = {exchange.url for exchange in exchanges if exchange.kind in _CODE}
        first_s = min((exchange.sent_at_s for exchange in exchanges), default=0.0)
        rows = [self._resource(exchange, spans, site, first_s) for exchange in exchanges]
        resources, complete = heaviest(rows)
        return Survey(
            resources=resources,
            images=tuple(self._images()),
            coverage=tuple(one for one in self._coverage() if one.url in files),
            documents=tuple(self._documents()),
            long_tasks=tuple(self._long_tasks()),
            complete=complete,
        )

    def _resource(self, one: Exchange, spans: Sequence[Span], site: str | None, first_s: float) -> Resource:
        headers = {name.lower(): value for name, value in one.response_headers.items()}
        end_s = one.finished_at_s if one.finished_at_s is not None else float("inf")
        return Resource(
            step=name_at(one.sent_at_s, spans),
            at_s=round(one.sent_at_s - first_s, 3),
            url=one.url,
            party=party(one.host, site),
            kind=one.kind,
            method=one.method,
            status=one.status,
            received_bytes=one.received(end_s),
            sent_bytes=one.sent(end_s),
            decoded_bytes=one.decoded_bytes,
            encoding=headers.get("content-encoding", ""),
            content_type=headers.get("content-type", "").split(";")[0].strip().lower(),
            cache_control=headers.get("cache-control", ""),
            protocol=one.protocol,
            has_validator="etag" in headers or "last-modified" in headers,
            from_cache=one.from_cache,
            gzip_bytes=None if "content-encoding" in headers else self._gzip.get(one.url),
        )

    def _states(self) -> Iterable[tuple[str, dict[str, Any]]]:
        return [(step, told) for step, told in self._told if "task" not in told]

    def _images(self) -> Iterable[Image]:
        """Each file once: at its largest place, seen when any of its places was."""
        found: dict[str, Image] = {}
        for step, state in self._states():
            for one in state["images"]:
                if not one["url"].startswith(_FETCHED):
                    continue
                known = found.get(one["url"])
                found[one["url"]] = Image(
                    url=one["url"],
                    step=step if known is None else known.step,
                    natural_px=int(one["natural"]),
                    shown_px=max(int(one["shown"]), 0 if known is None else known.shown_px),
                    seen=bool(one["seen"]) or (known is not None and known.seen),
                    lazy=bool(one["lazy"]),
                )
        return list(found.values())[:MOST_ROWS]

    def _documents(self) -> Iterable[Document]:
        found: dict[str, Document] = {}
        for step, state in self._states():
            if state["url"].startswith(_FETCHED):
                found[state["url"]] = Document(
                    url=state["url"], step=step, elements=int(state["elements"]), depth=int(state["depth"]),
                    autoplaying=int(state["autoplaying"]), font_faces=int(state["faces"]),
                )  # fmt: skip
        return list(found.values())[:MOST_ROWS]

    def _coverage(self) -> Iterable[Coverage]:
        rows: list[Coverage] = []
        merged: dict[str, tuple[int, int]] = {}
        for (url, _), used in self._scripts.items():
            length, count = merged.get(url, (0, 0))
            # The same file in several documents: one that uses most of it says what is needed.
            merged[url] = max(length, len(used)), max(count, int(used.sum()))
        rows.extend(Coverage(url=url, kind="script", characters=n, used=used) for url, (n, used) in merged.items())
        for url, length in self._lengths.items():
            used_characters = sum(end - start for start, end in self._rules.get(url, ()))
            rows.append(Coverage(url=url, kind="stylesheet", characters=length, used=min(length, used_characters)))
        return sorted(rows, key=lambda row: row.used - row.characters)[:MOST_ROWS]

    def _long_tasks(self) -> Iterable[LongTasks]:
        found: dict[str, list[float]] = {}
        for step, told in self._told:
            if "task" in told:
                found.setdefault(step, []).append(float(told["task"]))
        return [LongTasks(step=step, count=len(all_s), total_s=round(sum(all_s), 6)) for step, all_s in found.items()]


_HEARD: Final[dict[bytes, Callable[[Surveyor, Mapping[str, Any], str], list[Asked]]]] = {
    b"Network.responseReceived": Surveyor.response,
    b"Network.loadingFinished": Surveyor.finished,
    b"Runtime.bindingCalled": Surveyor.told,
    b"CSS.styleSheetAdded": Surveyor.sheet,
}
