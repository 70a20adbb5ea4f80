# SPDX-License-Identifier: Apache-2.0
"""A container engine, asked over HTTP: Docker's API, which Podman speaks too, and the few answers that Podman alone gives.

Source: docs.docker.com/reference/api/engine, docs.podman.io/en/latest/_static/api.html.
"""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self
from urllib.parse import quote

from lichen.collect.machine.containers.address import EngineAddress
from lichen.collect.machine.containers.starting import how_to_start
from lichen.errors import NothingMeasured

if TYPE_CHECKING:
    import httpx2

_NEWEST: Final = (1, 51)
"""Newest version of Docker's API whose answers were read; an older engine is asked in its own."""
_LIBPOD: Final = "v4.0.0"
"""Podman's own API: any 4.x or newer engine answers in this version."""
_ANSWER_BYTES: Final = 64 * 2**20
TIMEOUT_S: Final = 10.0
"""Longest wait for one answer; statistics take an engine up to two seconds."""
_RUNNING: Final = frozenset({"running", "paused"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """One container as its engine lists it.

    Attributes:
        container_id: 64 hexadecimal characters.
        state: ``running``, ``paused``, ``exited``, ``created``...
        pod: name of its Podman pod, empty without; infrastructure: whether it only holds the pod's namespaces.
    """

    container_id: str
    name: str
    state: str
    labels: Mapping[str, str] = field(default_factory=dict)
    pod: str = ""
    infrastructure: bool = False

    @property
    def running(self) -> bool:
        """Whether it has processes."""
        return self.state in _RUNNING


class Engine:
    """Client of one engine. `close` it, or use it as a context manager.

    Args:
        address: where it answers.
        timeout_s: longest wait for one answer, from question to last byte.

    Raises:
        NothingMeasured: nobody answers there, this user may not ask, or the answer is no engine's.
    """

    def __init__(self, address: EngineAddress, *, timeout_s: float = TIMEOUT_S) -> None:
        import httpx2

        self.address = address
        self._timeout_s = timeout_s
        self._podman = False
        self._prefix = ""
        if address.socket is not None:
            self._knock(address.socket)
        self._client = httpx2.Client(
            transport=self._transport(address), base_url=address.url, timeout=timeout_s, trust_env=False
        )
        try:
            self._negotiate()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __str__(self) -> str:
        return f"the {'Podman' if self._podman else 'Docker'} engine {self.address} ({self.address.origin})"

    def close(self) -> None:
        """Ends its connections."""
        self._client.close()

    def version(self) -> str:
        """Its name and version, such as ``Docker 20.10.24``."""
        answer = self._get(f"{self._prefix}/version")
        return f"{'Podman' if self._podman else 'Docker'} {answer.get('Version', '?') if isinstance(answer, dict) else '?'}"

    def containers(self) -> list[Container]:
        """All containers, stopped ones included."""
        path = f"/{_LIBPOD}/libpod" if self._podman else self._prefix
        answer = self._get(f"{path}/containers/json?all=true")
        if not isinstance(answer, list):
            raise self._strange()
        return [_container(row) for row in answer if isinstance(row, dict)]

    def stats(self, container_id: str) -> dict[str, Any] | None:
        """Counters of a container as the engine reads them now; None when there is no such container."""
        path = f"{self._prefix}/containers/{quote(container_id, safe='')}/stats?stream=false&one-shot=true"
        answer = self._get(path)
        if answer is None or isinstance(answer, dict):
            return answer
        raise self._strange()

    def _knock(self, path: Path) -> None:
        """Connects once, as the HTTP library leaves the socket of a failed connection open."""
        with socket.socket(socket.AF_UNIX) as knocking:
            knocking.settimeout(self._timeout_s)
            try:
                knocking.connect(str(path))
            except TimeoutError as error:
                raise self._late() from error
            except OSError as error:
                raise self._unreachable(error) from error

    def _transport(self, address: EngineAddress) -> httpx2.HTTPTransport:
        import httpx2

        if address.socket is not None:
            return httpx2.HTTPTransport(uds=str(address.socket))
        verify: bool | ssl.SSLContext = address.verify
        if address.certificates is not None:
            verify = self._tls(address)
        return httpx2.HTTPTransport(verify=verify)

    @staticmethod
    def _tls(address: EngineAddress) -> ssl.SSLContext:
        folder = address.certificates
        assert folder is not None  # noqa: S101 - the caller looked
        authority, certificate, key = (folder / name for name in ("ca.pem", "cert.pem", "key.pem"))
        try:
            context = ssl.create_default_context(cafile=str(authority) if authority.exists() else None)
            if certificate.exists():
                context.load_cert_chain(certificate, key)
        except (OSError, ssl.SSLError) as error:
            raise NothingMeasured(
                f"The certificates of the container engine {address}, in {folder}, cannot be used: {error}.",
                repair="Put ca.pem, cert.pem and key.pem there, readable for this user.",
                culprit=str(folder),
            ) from error
        if not address.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context

    def _negotiate(self) -> None:
        """Asks in the engine's own version, or in the newest that is known here when it is newer still."""
        response, _ = self._ask("/_ping")
        theirs = response.headers.get("Api-Version", "")
        numbers = theirs.split(".")
        if response.status_code >= 400 or len(numbers) != 2 or not all(number.isdecimal() for number in numbers):
            raise self._strange()
        self._podman = "Libpod-Api-Version" in response.headers
        version = min((int(numbers[0]), int(numbers[1])), _NEWEST)
        self._prefix = f"/v{version[0]}.{version[1]}"

    def _get(self, path: str) -> Any:
        """The JSON at ``path``; None when there is no such thing."""
        response, body = self._ask(path)
        if response.status_code == HTTPStatus.NOT_FOUND:
            return None
        try:
            answer = json.loads(body)
        except ValueError as error:
            raise self._strange() from error
        if response.status_code >= 400:
            said = answer.get("message") if isinstance(answer, dict) else None
            raise NothingMeasured(
                f"{self._called()} refuses: {said or f'status {response.status_code}'}.",
                repair="See its log.",
                culprit=str(self.address),
            )
        return answer

    def _ask(self, path: str) -> tuple[httpx2.Response, bytes]:
        """One exchange, bounded in time and in size."""
        import httpx2

        deadline = time.monotonic() + self._timeout_s
        body = bytearray()
        try:
            with self._client.stream("GET", path) as response:
                for piece in response.iter_bytes():
                    body += piece
                    if len(body) > _ANSWER_BYTES:
                        raise self._strange()
                    if time.monotonic() > deadline:
                        raise self._late()
        except httpx2.TimeoutException as error:
            raise self._late() from error
        except (httpx2.TransportError, httpx2.InvalidURL, UnicodeError) as error:
            raise self._unreachable(error) from error
        return response, bytes(body)

    def _called(self) -> str:
        text = str(self)
        return text[0].upper() + text[1:]

    def _late(self) -> NothingMeasured:
        return NothingMeasured(
            f"{self._called()} did not answer within {self._timeout_s:g} s.",
            repair="See whether it hangs (docker ps, podman ps), and start it again.",
            culprit=str(self.address),
        )

    def _strange(self) -> NothingMeasured:
        return NothingMeasured(
            f"What answers at {self.address} ({self.address.origin}) is no container engine that Lichen knows.",
            repair="Give the address of a Docker or Podman engine (engine in the part, or DOCKER_HOST).",
            culprit=str(self.address),
        )

    def _unreachable(self, error: Exception) -> NothingMeasured:
        where = f"The container engine {self.address} ({self.address.origin})"
        if _errno_of(error, PermissionError):
            return NothingMeasured(
                f"{where} may not be used by this user.",
                repair="Join the group that owns the socket (usermod -aG docker USER, then log in again), run as root, or use a "
                "rootless engine. Whoever may use the engine is as good as root.",
                culprit=str(self.address),
            )
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        why = "nothing is there" if _errno_of(error, FileNotFoundError) else said or type(error).__name__
        return NothingMeasured(
            f"{where} cannot be reached: {why}.",
            repair=f"{'Start it' if self.address.socket is None else how_to_start()}, or correct its address.",
            culprit=str(self.address),
        )


def _errno_of(error: BaseException | None, kind: type[OSError]) -> bool:
    """Whether ``kind`` is what an HTTP library wrapped in its own exceptions."""
    while error is not None:
        if isinstance(error, kind):
            return True
        error = error.__cause__ or error.__context__
    return False


def _container(row: Mapping[str, Any]) -> Container:
    """A row of either listing: Docker's names begin with a slash, Podman's do not."""
    labels = row.get("Labels") or {}
    return Container(
        container_id=str(row.get("Id", "")),
        name=str((row.get("Names") or [""])[0]).removeprefix("/"),
        state=str(row.get("State", "")).lower(),
        labels={str(key): str(value) for key, value in labels.items()},
        pod=str(row.get("PodName") or ""),
        infrastructure=bool(row.get("IsInfra", False)),
    )
