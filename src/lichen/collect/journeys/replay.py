# SPDX-License-Identifier: Apache-2.0
"""Third parties on the loopback address: recorded once, then frozen.

Chromium is told to resolve every host outside the journey's site to a small server of ours (``--host-resolver-rules``). To the
browser they are servers like any other: its cache, its decoders and its accounting of bytes work as always, and requests to the
site itself are not touched. Answering costs this process CPU time, which is shown apart and is in no total.

One key pair, made for each browser, stands in for all certificates; the browser is told to accept that key alone.
"""

from __future__ import annotations

import contextlib
import functools
import http.client
import socket
import ssl
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, Self

from lichen.collect.journeys.replay_archive import Answer, Archive, Book, Question

_UPSTREAM_TIMEOUT_S: Final = 30.0
_IDLE_TIMEOUT_S: Final = 60.0
_MAX_POSTED: Final = 64 * 2**20
_TLS_HANDSHAKE: Final = 0x16
"""First byte of a TLS connection (RFC 8446, section 5.1): one port serves both."""
_HOP_BY_HOP: Final = frozenset(
    ("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
     "transfer-encoding", "upgrade", "content-length")
)  # fmt: skip
"""RFC 9110, section 7.6.1, and the length, which is written anew."""
_DATES: Final = frozenset(("date", "expires"))
_NO_BODY: Final = frozenset((204, 304))


class ThirdParties:
    """Answers for all hosts outside a site: from an archive, or from the hosts themselves while they are recorded.

    Args:
        source: an `Archive` to answer from, or a `Book` to record into.
        site: registrable site that the browser reaches itself.
        verify: check certificates of the hosts that are recorded.
    """

    def __init__(self, source: Archive | Book, site: str, *, verify: bool = True) -> None:
        self._site = site
        self._folder = tempfile.TemporaryDirectory(prefix="lichen-replay-")
        certificate, self._key_hash = make_certificate(Path(self._folder.name))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        context.set_alpn_protocols(["http/1.1"])
        answer = _Replayer(source).answer if isinstance(source, Archive) else _Recorder(source, verify=verify).answer
        self._missing: Counter[str] = Counter()
        self._sockets = 0
        self._server = _Server(context, answer, self._missing)
        self._thread = threading.Thread(target=self._server.serve_forever, name="lichen-third-parties", daemon=True)
        self._thread.start()

    @property
    def host_rules(self) -> str:
        """Chromium's host-resolver rules that lead every host outside the site here."""
        port = self._server.server_address[1]
        return f"MAP * 127.0.0.1:{port} , EXCLUDE {self._site} , EXCLUDE *.{self._site}"

    @property
    def switches(self) -> tuple[str, ...]:
        """Chromium's switches that accept our key in place of the hosts' certificates."""
        return (f"--ignore-certificate-errors-spki-list={self._key_hash}",)

    def notes(self) -> tuple[str, ...]:
        """What a reader should know: requests that the archive has no answer for."""
        if not self._missing:
            return ()
        hosts = ", ".join(f"{host} ({count})" for host, count in sorted(self._missing.items()))
        return (f"requests to third parties that are not in their recording were answered with 404: {hosts}",)

    def close(self) -> None:
        """Stops answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._folder.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Replayer:
    """Answers from an archive: the exact request, else the same address, else the same place; one after the other."""

    def __init__(self, archive: Archive) -> None:
        self._by: dict[str, list[Answer]] = {}
        self._given: Counter[str] = Counter()
        self._lock = threading.Lock()
        for answer in archive.answers:
            question = answer.question
            for key in dict.fromkeys((f"e{question.exact}", f"a{question.address}", f"p{question.place}")):
                self._by.setdefault(key, []).append(answer)

    def answer(self, asked: _Asked) -> Answer | None:
        """The next answer to a request; the last one again when there are no more."""
        question = asked.question
        for key in (f"e{question.exact}", f"a{question.address}", f"p{question.place}"):
            answers = self._by.get(key)
            if answers:
                with self._lock:
                    index = min(self._given[key], len(answers) - 1)
                    self._given[key] += 1
                return _unchanged(asked, _fresh(asked, answers[index]))
        return None


class _Recorder:
    """Asks the hosts themselves, and writes their answers down."""

    def __init__(self, book: Book, *, verify: bool) -> None:
        self._book = book
        self._context = ssl.create_default_context()
        if not verify:
            self._context.check_hostname = False
            self._context.verify_mode = ssl.CERT_NONE

    def answer(self, asked: _Asked) -> Answer | None:
        """The host's answer; None when it gives none."""
        connect: Callable[..., http.client.HTTPConnection] = http.client.HTTPConnection
        if asked.secure:
            connect = functools.partial(http.client.HTTPSConnection, context=self._context)
        connection = connect(asked.host, timeout=_UPSTREAM_TIMEOUT_S)
        try:
            connection.putrequest(asked.method, asked.target, skip_host=True, skip_accept_encoding=True)
            for name, value in asked.headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    connection.putheader(name, value)
            if asked.body:
                connection.putheader("Content-Length", str(len(asked.body)))
            connection.endheaders(asked.body or None)
            response = connection.getresponse()
            headers = tuple((n, v) for n, v in response.getheaders() if n.lower() not in _HOP_BY_HOP)
            body = response.read()
            answer = Answer(asked.question, response.status, response.reason, headers, body, int(time.time()))
        except (OSError, http.client.HTTPException, UnicodeError):
            return None
        finally:
            connection.close()
        self._book.add(answer)
        return answer


class _Asked:
    """A request as it came from the browser."""

    def __init__(self, handler: _Handler, body: bytes) -> None:
        self.method = handler.command
        self.target = handler.path
        self.headers: Mapping[str, str] = dict(handler.headers.items())
        self.host = handler.headers.get("Host", "")
        self.secure = isinstance(handler.connection, ssl.SSLSocket)
        self.body = body
        url = f"{'https' if self.secure else 'http'}://{self.host}{self.target}"
        self.question = Question.of(self.method, url, byte_range=self.header("range"), body=body)

    def header(self, name: str) -> str:
        """A header's value; empty when there is none."""
        return next((value for key, value in self.headers.items() if key.lower() == name), "")


def _fresh(asked: _Asked, answer: Answer) -> Answer:
    """An answer as if it was given now: its dates keep their distance, or the cache would find all of it stale; and what it
    allows to the page that was recorded, it allows to the page that asks.
    """
    origin = asked.header("origin")
    dates = {name.lower(): _date(value) for name, value in answer.headers if name.lower() in _DATES}
    shift = timedelta(seconds=int(time.time()) - answer.recorded_at)
    headers = []
    for name, value in answer.headers:
        key = name.lower()
        moment = dates.get(key)
        if key == "access-control-allow-origin" and origin and value not in ("*", "null"):
            headers.append((name, origin))
        elif moment is not None:
            headers.append((name, format_datetime(moment + shift, usegmt=True)))
        else:
            headers.append((name, value))
    return replace(answer, headers=tuple(headers))


def _unchanged(asked: _Asked, answer: Answer) -> Answer:
    """304 when the browser's cache holds this very answer already (RFC 9110, section 13)."""
    tag = next((value for name, value in answer.headers if name.lower() == "etag"), "")
    if answer.status == 200 and tag and asked.header("if-none-match") == tag:
        return replace(answer, status=304, reason="Not Modified", body=b"")
    return answer


def _date(value: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


class _Server(ThreadingHTTPServer):
    """One thread a connection; TLS or not is told by the first byte."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, context: ssl.SSLContext, answer: Callable[[_Asked], Answer | None], missing: Counter[str]
    ) -> None:
        self.context = context
        self.answer = answer
        self.missing = missing
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that the browser drops, or a handshake that fails, is no event."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_TIMEOUT_S
    server: _Server

    def setup(self) -> None:
        """Takes up TLS when the browser does."""
        self.request.settimeout(_IDLE_TIMEOUT_S)
        first = self.request.recv(1, socket.MSG_PEEK)
        if first and first[0] == _TLS_HANDSHAKE:
            self.request = self.server.context.wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self) -> None:
        """Ends the connection; that of TLS, which the server does not know."""
        with contextlib.suppress(OSError, ValueError):
            super().finish()
        self.connection.close()

    def log_message(self, *_: object) -> None:
        """Nothing is logged."""

    def handle_expect_100(self) -> bool:
        """A browser never waits for it."""
        return True

    def _serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        size = int(length) if length.isdigit() else 0
        if size > _MAX_POSTED:
            self.close_connection = True
            return
        asked = _Asked(self, self.rfile.read(size))
        answer = None if self.headers.get("Upgrade") else self.server.answer(asked)
        if answer is None:
            self.server.missing[asked.host] += 1
            headers = (("Access-Control-Allow-Origin", "*"), ("Cache-Control", "no-store"))
            answer = Answer(asked.question, 404, "Not Found", headers, b"")
        self._write(answer)

    def _write(self, answer: Answer) -> None:
        lines = [f"HTTP/1.1 {answer.status} {answer.reason}", *(f"{name}: {value}" for name, value in answer.headers)]
        if answer.status not in _NO_BODY:
            lines.append(f"Content-Length: {len(answer.body)}")
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", errors="replace")
        body = b"" if self.command == "HEAD" or answer.status in _NO_BODY else answer.body
        self.wfile.write(head + body)

    do_GET = do_POST = do_HEAD = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _serve  # noqa: N815 - names that the base class asks for


def make_certificate(folder: Path) -> tuple[Path, str]:
    """A certificate with its key in one file, and the hash of the key as Chromium's switch takes it."""
    import base64
    import hashlib

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Lichen replay")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .sign(key, hashes.SHA256())
    )
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / "key.pem"
    path.touch(mode=0o600)
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path, base64.b64encode(hashlib.sha256(public).digest()).decode()


@contextlib.contextmanager
def third_parties(source: Archive | Book | None, site: str | None, *, verify: bool) -> Iterator[ThirdParties | None]:
    """Third parties for one browser; None when they are reached as they are."""
    if source is None or site is None:
        yield None
        return
    with ThirdParties(source, site, verify=verify) as running:
        yield running
