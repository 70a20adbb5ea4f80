# SPDX-License-Identifier: Apache-2.0
"""Where container engines answer: what the environment, the command-line tools' settings and the usual sockets say."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from lichen.errors import ConfigError

_PLAIN_PORT: Final = 2375
_TLS_PORT: Final = 2376
_DEFAULT_CONTEXT: Final = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineAddress:
    """Where one engine answers, over HTTP.

    Attributes:
        socket: path of a unix socket; None for an engine across the network.
        url: start of its addresses; of a socket, a host name that is never looked up.
        origin: where the address comes from, in words.
        certificates: folder with ``ca.pem``, ``cert.pem`` and ``key.pem``; None without TLS.
        verify: whether the engine's certificate must be valid.
    """

    socket: Path | None
    url: str
    origin: str
    certificates: Path | None = None
    verify: bool = True

    def __str__(self) -> str:
        return f"unix://{self.socket}" if self.socket is not None else self.url


def parse_address(
    text: str, origin: str, *, certificates: Path | None = None, verify: bool = True, tls: bool = False
) -> EngineAddress:
    """An address as Docker and Podman write it: ``unix:///path``, ``tcp://host:port``, ``https://host:port`` or a path.

    Args:
        origin: where it was found, for messages.
        certificates, verify: of TLS; tls: whether a ``tcp://`` address is reached through it.

    Raises:
        ConfigError: an address of another kind.
    """
    if text.startswith("/"):
        text = f"unix://{text}"
    parts = urlsplit(text)
    if parts.scheme == "unix" and parts.path:
        return EngineAddress(socket=Path(parts.path), url="http://engine", origin=origin)
    try:
        port = parts.port
    except ValueError:
        port = None if parts.netloc.endswith(":") else -1
    if parts.scheme in ("tcp", "http", "https") and parts.hostname and port != -1:
        secure = tls or parts.scheme == "https"
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        port = port or (_TLS_PORT if secure else _PLAIN_PORT)
        return EngineAddress(
            socket=None,
            url=f"{'https' if secure else 'http'}://{host}:{port}{parts.path.rstrip('/')}",
            origin=origin,
            certificates=certificates if secure else None,
            verify=verify,
        )
    if parts.scheme == "ssh":
        raise ConfigError(
            f"The container engine {text} ({origin}) is reached through ssh, which Lichen does not speak.",
            repair="Forward its socket, as in ssh -NL /tmp/engine.sock:/var/run/docker.sock HOST, and give "
            "unix:///tmp/engine.sock.",
            culprit=text,
        )
    raise ConfigError(
        f"'{text}' ({origin}) is no address of a container engine.",
        repair="Give unix:///path/to/socket or tcp://host:port.",
        culprit=text,
    )


def engine_addresses(chosen: str | None = None, env: Mapping[str, str] | None = None) -> tuple[EngineAddress, ...]:
    """Engines that may be there, the surest first; whether they answer is not tried.

    ``chosen``, ``DOCKER_HOST`` with ``CONTAINER_HOST``, and a Docker context each exclude what comes after them, as they do for
    the engines' own tools. Source: docs.docker.com/engine/manage-resources/contexts, podman-system-service(1).

    Args:
        chosen: an address, a path of a socket, or the name of a Docker context.
        env: the environment.

    Raises:
        ConfigError: an address that cannot be used, or a context that does not exist.
    """
    env = os.environ if env is None else env
    if chosen:
        if "/" in chosen or ":" in chosen:
            return (parse_address(chosen, "engine", **_tls(env)),)
        return (_of_context(chosen, "engine", env),)
    named = [
        parse_address(env[name], name, **(_tls(env) if name == "DOCKER_HOST" else {}))
        for name in ("DOCKER_HOST", "CONTAINER_HOST")
        if env.get(name)
    ]
    if named:
        return tuple(dict.fromkeys(named))
    context = env.get("DOCKER_CONTEXT") or _settings(env).get("currentContext")
    if isinstance(context, str) and context not in ("", _DEFAULT_CONTEXT):
        return (_of_context(context, "DOCKER_CONTEXT" if env.get("DOCKER_CONTEXT") else "docker context", env),)
    return tuple(_usual(env))


def usual_sockets(env: Mapping[str, str]) -> tuple[Path, ...]:
    """Where Docker and Podman put their sockets, with and without root."""
    run = Path(env.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    return (
        Path("/var/run/docker.sock"),
        run / "docker.sock",
        Path("/run/podman/podman.sock"),
        run / "podman" / "podman.sock",
    )


def _usual(env: Mapping[str, str]) -> Iterator[EngineAddress]:
    seen: set[Path] = set()
    for path in usual_sockets(env):
        if path.resolve() in seen:  # Debian's podman-docker links Docker's place to Podman's socket
            continue
        seen.add(path.resolve())
        try:
            if stat.S_ISSOCK(path.stat().st_mode):
                yield EngineAddress(socket=path, url="http://engine", origin="its usual place")
        except PermissionError:
            # The folder is closed to this user: the engine is there, and says so better when it is asked.
            yield EngineAddress(socket=path, url="http://engine", origin="its usual place")
        except OSError:
            continue


def _folder(env: Mapping[str, str]) -> Path:
    return Path(env.get("DOCKER_CONFIG") or Path(env.get("HOME") or "/") / ".docker")


def _tls(env: Mapping[str, str]) -> dict[str, Any]:
    """TLS as Docker's variables ask for it: ``DOCKER_TLS_VERIFY`` with any value, certificates in ``DOCKER_CERT_PATH``."""
    certificates = Path(env["DOCKER_CERT_PATH"]) if env.get("DOCKER_CERT_PATH") else _folder(env)
    return {"tls": True, "certificates": certificates} if env.get("DOCKER_TLS_VERIFY") else {}


def _settings(env: Mapping[str, str]) -> dict[str, Any]:
    """Docker's own settings; one that cannot be read is as good as none, for it only names a context."""
    try:
        content = json.loads((_folder(env) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _of_context(name: str, origin: str, env: Mapping[str, str]) -> EngineAddress:
    """The engine of a Docker context, kept in a folder that the context's hash names."""
    if name == _DEFAULT_CONTEXT:
        return EngineAddress(socket=Path("/var/run/docker.sock"), url="http://engine", origin=f"{origin} {name}")
    folder, key = _folder(env) / "contexts", hashlib.sha256(name.encode()).hexdigest()
    try:
        content = json.loads((folder / "meta" / key / "meta.json").read_text(encoding="utf-8"))
        endpoint = content["Endpoints"]["docker"]
        host = str(endpoint["Host"])
        verify = not endpoint.get("SkipTLSVerify", False)
    except FileNotFoundError as error:
        known = sorted(_contexts(folder))
        raise ConfigError(
            f"There is no Docker context '{name}' ({origin}).",
            repair=f"Known: {', '.join(known)}."
            if known
            else "Give the address of the engine, unix:///path or tcp://host:port.",
            culprit=name,
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"The Docker context '{name}' ({origin}) cannot be read: {folder / 'meta' / key / 'meta.json'}.",
            repair="Make it again with docker context create, or give the address of the engine.",
            culprit=name,
        ) from error
    certificates = folder / "tls" / key / "docker"
    secure = certificates.is_dir()
    return parse_address(
        host, f"{origin} {name}", certificates=certificates if secure else None, verify=verify, tls=secure
    )


def _contexts(folder: Path) -> Iterator[str]:
    for file in folder.glob("meta/*/meta.json"):
        try:
            yield str(json.loads(file.read_text(encoding="utf-8"))["Name"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
