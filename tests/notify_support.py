# SPDX-License-Identifier: Apache-2.0
"""Messages for tests of notifiers, and the other side of a channel: an endpoint that keeps Slack's documented limits."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from lichen.config import load_settings
from lichen.service.context import ServiceContext, open_context
from lichen.service.digest.model import (
    Cause,
    Change,
    CostLine,
    Digest,
    Line,
    Move,
    Quality,
    Suggestion,
    TargetLine,
    digest_message,
)
from lichen.service.messages import AlertNotice, Message, TrialNotice, alert_message, trial_message
from lichen.service.notifying import Means, Outgoing, means_of
from lichen.service.workspace import Workspace

AT = datetime(2026, 11, 16, 9, tzinfo=UTC)
HOSTILE = "<!channel> & <https://evil.example|click> @here @all ![x](https://evil.example/b.png) *b* _i_ `c` ~s~ [a](b) <b>x</b>"
RTL = "בנק ישראל \u202emoc.live\u202c 🏦"
LONG = "Æ" * 200


def digest(count: int = 5, name: str = "Loans", **changes: Any) -> Digest:
    """A digest of so many applications, all of one name."""
    lines = [
        Line(
            code=f"a{n}", name=name, change=Change(now=1000.0 - n, before=1010.0, share=-0.02),
            weeks=(900.0, 950.0, None, 1100.0, 1000.0, 980.0, 990.0, 1000.0 - n),
        )
        for n in range(min(count, 8))
    ]  # fmt: skip
    moves = [
        Move(
            kind="intensity", code="a0", name=name, journey=name, share=0.12, impact=240.0, on=date(2026, 11, 12),
            cause=Cause(kind="deployments", version=name, on=date(2026, 11, 11), count=3, since=date(2026, 11, 2)),
        ),
        Move(
            kind="change_point", code="a1", name=name, indicator="network_bytes", share=-0.08, low=-0.1, high=-0.06,
            on=date(2026, 11, 10), cause=Cause(kind="told", text=name),
        ),
        Move(kind="volume", code="a2", name=name, share=0.4, impact=120.0),
    ][: min(count, 3)]  # fmt: skip
    facts: dict[str, Any] = {
        "scope": "team", "code": "loans", "name": name, "week": "2026-W46", "first": date(2026, 11, 9),
        "last": date(2026, 11, 15), "verdict": "heavier" if count else "unknown",
        "change": Change(now=12_300.0, low=8_000.0, high=18_000.0, before=11_400.0, share=0.079, volume=0.02,
                         intensity=0.059, weeks=4) if count else Change(now=None),
        "weeks": (11e3, 11.2e3, 11.5e3, 11e3, 12e3, 11.7e3, 11.4e3, 12.3e3) if count else (),
        "moves": tuple(moves), "moves_more": max(0, count - 3), "lines": tuple(lines), "lines_more": max(0, count - 8),
        "target": TargetLine(reduction=0.3, base_year=2024, horizon_year=2030, gap=0.034),
        "cost": CostLine(month=date(2026, 10, 1), amount=Decimal("12345.678901"), currency="EUR", share=0.02),
        "quality": Quality(applications=count, measured=max(0, count - 1), stale=0, without_traffic=0, estimated=0.9),
        "suggestion": Suggestion(code="a4", name=name, visits=15_976.0, last_run=None) if count else None,
        "deployments": 3 if count else 0, "sample": False,
    }  # fmt: skip
    return Digest(**(facts | changes))


def alert(name: str = "Loans", **changes: Any) -> AlertNotice:
    """A budget that is broken."""
    facts: dict[str, Any] = {
        "rule": "budget", "change": "firing", "since": AT, "code": "loans", "name": name, "journey": name, "what": "gwp100",
        "unit": "gCO2e/visit", "value": 0.31, "limit": 0.25, "cause": name, "path": "/applications/loans",
    }  # fmt: skip
    return AlertNotice(**(facts | changes))


def outgoing(message: Message, lang: str = "en", base_url: str = "https://lichen.example.org") -> Outgoing:
    """A message on its way."""
    return Outgoing(delivery_id="0123456789abcdef0123456789abcdef", message=message, lang=lang, base_url=base_url)


def messages() -> dict[str, Message]:
    """One of every kind, plain and hostile."""
    found = {f"digest {count}": digest_message(digest(count)) for count in (0, 1, 80, 500)}
    for word, name in (("hostile", HOSTILE), ("long", LONG), ("rtl", RTL), ("endless", "x" * 10_000)):
        found[f"digest {word}"] = digest_message(digest(80, name))
        found[f"alert {word}"] = alert_message(alert(name))
    found["quiet"] = digest_message(
        digest(5, verdict="steady", moves=(), change=Change(now=1000.0, before=1001.0, share=-0.001, weeks=4))
    )
    found["test"] = trial_message(TrialNotice(channel=HOSTILE, at=AT, by="ada"))
    return found


@dataclass
class Endpoint:
    """A channel's other side.

    Attributes:
        answers: what it does next: a status, ``slow``, ``trickle``, ``hang up``, or (status, headers, text); 200 after the last.
        bodies, headers: what it was sent.
    """

    answers: list[Any] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}/services/T0/B0/secret-path"

    @property
    def documents(self) -> list[Any]:
        """What it was sent, as JSON."""
        return [json.loads(body) for body in self.bodies]


def slack_refusal(document: Any) -> str:
    """What Slack answers to a message that it does not take; empty when it does."""
    blocks = document.get("blocks", [])
    if not document.get("text") and not blocks:
        return "no_text"
    if len(blocks) > 50 or any(not _block_is_sound(block) for block in blocks):
        return "invalid_blocks"
    if len(json.dumps(blocks, ensure_ascii=False)) > 13_200:
        return "msg_blocks_too_long"
    return "msg_too_long" if len(document["text"]) > 40_000 else ""


def _block_is_sound(block: Any) -> bool:
    kind = block.get("type")
    if kind == "header":
        return block["text"]["type"] == "plain_text" and 0 < len(block["text"]["text"]) <= 150
    if kind == "section":
        return block["text"]["type"] in ("mrkdwn", "plain_text") and 0 < len(block["text"]["text"]) <= 3000
    if kind == "context":
        return 0 < len(block["elements"]) <= 10 and all(0 < len(one["text"]) <= 2000 for one in block["elements"])
    return kind == "divider"


def _handler(endpoint: Endpoint, stop: threading.Event) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            endpoint.bodies.append(body)
            endpoint.headers.append({name.lower(): value for name, value in self.headers.items()})
            answer = endpoint.answers.pop(0) if endpoint.answers else 200
            if answer == "hang up":
                self.close_connection = True
                return
            if answer == "slow":
                stop.wait(30)
                return
            if answer == "trickle":
                self._trickle()
                return
            status, headers, text = answer if isinstance(answer, tuple) else (answer, {}, "")
            if status == 200 and not text:
                refusal = slack_refusal(json.loads(body)) if b'"blocks"' in body else ""
                status, text = (400, refusal) if refusal else (200, "ok")
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(text.encode())))
            self.end_headers()
            self.wfile.write(text.encode())

        def _trickle(self) -> None:
            """One byte at a time, so that no single wait is long."""
            for letter in b"HTTP/1.1 200 OK\r\n" + b"x-slow: 1\r\n" * 500:
                if stop.is_set():
                    return
                try:
                    self.wfile.write(bytes([letter]))
                except OSError:
                    return
                time.sleep(0.05)

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextmanager
def endpoint(answers: Sequence[Any] = ()) -> Iterator[Endpoint]:
    """A listening endpoint."""
    found, stop = Endpoint(list(answers)), threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(found, stop))
    server.daemon_threads = True
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield found
    finally:
        stop.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


@contextmanager
def told(folder: Path, toml: str, now: datetime = AT) -> Iterator[ServiceContext]:
    """An empty store with the channels of a lichen.toml, at a moment."""
    (folder / "lichen.toml").write_text(toml, encoding="utf-8")
    found = open_context(Workspace(load_settings(folder / "lichen.toml", env={})))
    with found.store:
        yield replace(found, clock=lambda: now)


def means(context: ServiceContext, env: Mapping[str, str], *, deadline_s: float = 5.0) -> Means:
    """Ways out to this machine."""
    ways = means_of(context.settings, env)
    return replace(ways, outbound=replace(ways.outbound, deadline_s=deadline_s))
