# SPDX-License-Identifier: Apache-2.0
"""A server that is asked over HTTP, with a limit on the time and on the size of each answer."""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

from lichen import redact
from lichen.errors import ConfigError, NothingMeasured

ANSWER_BYTES: Final = 64 * 2**20
"""Longest answer that is read."""
_LONG_PARAMETERS: Final = 4_000
"""Length above which parameters are posted: servers refuse addresses that are much longer."""
_UNAUTHORISED: Final = frozenset({401, 403})
_TOKEN: Final = re.compile(r"[\x21-\x7e]*")
"""What a header can hold (RFC 9110, section 5.5) and a token is made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a server answers, and what it wants to see.

    Attributes:
        url: of http or https, with its path prefix; may hold ``user:password@``.
        token: bearer token, empty for none.
        authority: file with the certificates that the server's is checked against; the system's when None.
        certificate: files of the client's certificate and key.
        timeout_s: longest wait for one answer, from question to last byte.
    """

    url: str
    token: str = field(default="", repr=False)
    authority: Path | None = None
    certificate: tuple[Path, Path] | None = None
    timeout_s: float = 10.0

    def __str__(self) -> str:
        return redact.text(self.url)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer, and when it was asked for and complete [ns since 1970, this machine's clock]."""

    status: int
    body: bytes
    asked_ns: int
    answered_ns: int

    @property
    def text(self) -> str:
        """The body as text; what is not UTF-8 is replaced."""
        return self.body.decode("utf-8", errors="replace")


class Endpoint:
    """Client of one server. `close` it, or use it as a context manager.

    Args:
        what: what it is, such as ``Prometheus``; begins the sentences about it.
        address: where it answers.
        setting: key of lichen.toml that a repair names.

    Raises:
        ConfigError: the address or one of its files cannot be used.
    """

    def __init__(self, what: str, address: Address, *, setting: str) -> None:
        import httpx2

        self.address = address
        self._what = what
        self._setting = setting
        self._sockets: list[socket.socket] = []
        self._check()
        headers = {"Authorization": f"Bearer {address.token}"} if address.token else {}
        try:
            self._client = httpx2.Client(
                base_url=address.url, headers=headers, verify=self._tls(), timeout=address.timeout_s, trust_env=False
            )
        except (httpx2.InvalidURL, UnicodeError, ValueError) as error:
            raise ConfigError(
                f"{self} is no address: {error}.", repair=f"Correct {setting}.", culprit=str(address)
            ) from error

    def __str__(self) -> str:
        return f"{self._what} at {self.address}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends its connections."""
        self._client.close()

    def ask(self, path: str, parameters: Mapping[str, str] | None = None) -> Answer:
        """The answer at ``path``, whatever its status.

        Raises:
            NothingMeasured: nobody answers there, too late, or too much.
        """
        import httpx2

        long = sum(len(value) for value in (parameters or {}).values()) > _LONG_PARAMETERS
        method, sent = ("POST", {"data": parameters}) if long else ("GET", {"params": parameters})
        asked_ns = time.time_ns()
        body = bytearray()
        with self._limited() as late:
            try:
                # A path is added to the address's own; without one the address is asked as it is, its parameters included.
                with self._client.stream(
                    method,
                    path or self.address.url,
                    extensions={"trace": self._connected},
                    **sent,  # type: ignore[arg-type]
                ) as response:
                    for piece in response.iter_bytes():
                        body += piece
                        if len(body) > ANSWER_BYTES:
                            raise self._endless()
                        if late.is_set():
                            break
                if late.is_set():  # a body without a length seems complete when the connection ends
                    raise self._late()
            except httpx2.TimeoutException as error:
                raise self._late() from error
            except (httpx2.HTTPError, httpx2.InvalidURL, UnicodeError) as error:
                raise self._late() if late.is_set() else self._unreachable(error) from error
        return Answer(status=response.status_code, body=bytes(body), asked_ns=asked_ns, answered_ns=time.time_ns())

    def ask_json(self, path: str, parameters: Mapping[str, str] | None = None) -> Any:
        """The JSON at ``path``.

        Raises:
            NothingMeasured: as `ask`, or the answer is an error or no JSON.
        """
        answer = self.ask(path, parameters)
        self.accept(answer)
        try:
            return json.loads(answer.body)
        except (ValueError, RecursionError) as error:
            raise self.strange("JSON") from error

    def accept(self, answer: Answer) -> None:
        """Lets an answer pass.

        Raises:
            NothingMeasured: it is an error, which is told in the server's own words.
        """
        if answer.status < 300:
            return
        said = _message(answer)
        if answer.status in _UNAUTHORISED:
            repair = f"Give it a token or a user that may read it, beside {self._setting}."
        else:
            repair = f"Correct the query or {self._setting}, or see the server's log."
        raise NothingMeasured(
            f"{self} refuses (status {answer.status}){f': {said}' if said else ''}.",
            repair=repair,
            culprit=str(self.address),
        )

    def strange(self, wanted: str) -> NothingMeasured:
        """The error for an answer that is something else than ``wanted``."""
        return NothingMeasured(
            f"{self} gave no {wanted}: something else answers there.",
            repair=f"Correct {self._setting}.",
            culprit=str(self.address),
        )

    def _check(self) -> None:
        """ConfigError unless somebody can have the address, and a header can hold the token."""
        try:
            parts = urlsplit(self.address.url)
            good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:  # a port above 65535, half a bracket
            good = False
        if not good or "{" in parts.netloc:
            raise ConfigError(
                f"{self} is no address that can be asked.",
                repair=f"Write http://host:port in {self._setting}.",
                culprit=str(self.address),
            )
        if not _TOKEN.fullmatch(self.address.token):
            raise ConfigError(
                f"The token for {self} holds characters that no token has.",
                repair="Give it in ASCII, on one line, without spaces.",
                culprit=str(self.address),
            )

    def _connected(self, event: str, told: Mapping[str, Any]) -> None:
        """Keeps the connection that was made, to end it when time is up."""
        if event == "connection.connect_tcp.complete":
            self._sockets = [told["return_value"].get_extra_info("socket")]

    @contextlib.contextmanager
    def _limited(self) -> Iterator[threading.Event]:
        """Ends the connection when an answer takes too long: the client's own limit begins anew with each byte. Says whether it
        did."""
        late = threading.Event()

        def hang_up() -> None:
            late.set()
            for opened in self._sockets:
                with contextlib.suppress(OSError):
                    # That of the class: a TLS socket's own method would forget its keys while another thread reads.
                    socket.socket.shutdown(opened, socket.SHUT_RDWR)

        timer = threading.Timer(self.address.timeout_s, hang_up)
        timer.daemon = True
        timer.start()
        try:
            yield late
        finally:
            timer.cancel()

    def _tls(self) -> ssl.SSLContext:
        files = [self.address.authority, *(self.address.certificate or ())]
        try:
            context = ssl.create_default_context(cafile=None if files[0] is None else str(files[0]))
            if self.address.certificate is not None:
                context.load_cert_chain(*self.address.certificate)
        except (OSError, ssl.SSLError) as error:
            named = " and ".join(str(file) for file in files if file is not None)
            raise ConfigError(
                f"{self} cannot be asked, as the certificates for it ({named}) cannot be used: {error}.",
                repair="Name readable files in PEM format.",
                culprit=named,
            ) from error
        return context

    def _late(self) -> NothingMeasured:
        return NothingMeasured(
            f"{self} did not answer within {self.address.timeout_s:g} s.",
            repair="See whether it is overloaded, ask for less, or allow it more time.",
            culprit=str(self.address),
        )

    def _endless(self) -> NothingMeasured:
        return NothingMeasured(
            f"{self} answers with more than {ANSWER_BYTES // 2**20} MiB.",
            repair="Ask for fewer series: narrow the query by its labels.",
            culprit=str(self.address),
        )

    def _unreachable(self, error: Exception) -> NothingMeasured:
        why = str(error) or type(error).__name__
        repair = f"Start it, or correct {self._setting}."
        if "CERTIFICATE_VERIFY_FAILED" in why:
            repair = "Name the certificates of its authority (ca)."
        return NothingMeasured(f"{self} cannot be reached: {why}.", repair=repair, culprit=str(self.address))


def token_of(variable: str | None, *, setting: str) -> str:
    """The token in an environment variable; empty when none is named.

    Raises:
        ConfigError: the variable is not set.
    """
    if variable is None:
        return ""
    token = os.environ.get(variable, "").strip()
    if not token:
        raise ConfigError(
            f"The environment variable {variable}, named by {setting}, is not set.",
            repair=f"Put the token into {variable}, or take {setting} out.",
            culprit=variable,
        )
    return token


def _message(answer: Answer) -> str:
    """What the server says of its refusal, on one line."""
    try:
        told = json.loads(answer.body)
    except (ValueError, RecursionError):
        told = answer.text if b"<html" not in answer.body[:1000].lower() else ""
    if isinstance(told, dict):
        told = told.get("error") or told.get("message") or ""
    return " ".join(str(told).split())[:300].rstrip(".")
