# SPDX-License-Identifier: Apache-2.0
"""Container engines: where they are looked for, and engines that do not behave."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lichen.collect.machine.containers import address, starting
from lichen.collect.machine.containers.address import engine_addresses, parse_address
from lichen.collect.machine.containers.engine import Engine
from lichen.collect.machine.containers.starting import how_to_start, installed
from lichen.collect.machine.sources import sources
from lichen.config import load_settings
from lichen.errors import ConfigError, LichenError, NothingMeasured
from lichen.render.i18n import catalogue
from lichen.render.sentences import finding_words

PING = b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\nOK"


def answer(body: bytes, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


class Misbehaving:
    """A real server on a socket that gives one prepared answer a request; None: it never answers."""

    def __init__(self, path: Path, *answers: bytes | None) -> None:
        self.asked: list[str] = []
        self._answers = list(answers)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        while not self._end.is_set():
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            with peer:
                while request := peer.recv(65536):  # who only knocks sends nothing
                    self.asked.append(request.split(b" ")[1].decode())
                    prepared = self._answers.pop(0) if self._answers else None
                    if prepared is None:
                        self._end.wait(20)
                        return
                    with contextlib.suppress(OSError):  # the client has had enough
                        peer.sendall(prepared)

    def close(self) -> None:
        self._end.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., tuple[Misbehaving, Engine | None]]]:
    made: list[Misbehaving] = []
    engines: list[Engine] = []

    def start(*answers: bytes | None, timeout_s: float = 5.0) -> tuple[Misbehaving, Engine]:
        path = tmp_path / "engine.sock"
        made.append(Misbehaving(path, *answers))
        engines.append(Engine(parse_address(str(path), "test"), timeout_s=timeout_s))
        return made[0], engines[0]

    yield start
    for engine in engines:
        engine.close()
    for server in made:
        server.close()


class TestAddresses:
    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("unix:///run/x.sock", "unix:///run/x.sock"),
            ("/run/x.sock", "unix:///run/x.sock"),
            ("tcp://10.0.0.1:2375", "http://10.0.0.1:2375"),
            ("tcp://host", "http://host:2375"),
            ("https://host/prefix/", "https://host:2376/prefix"),
            ("tcp://[::1]:1", "http://[::1]:1"),
        ],
    )
    def test_addresses_as_docker_writes_them(self, text: str, shown: str) -> None:
        assert str(parse_address(text, "test")) == shown

    @pytest.mark.parametrize("text", ["npipe:////./pipe/x", "tcp://", "tcp://host:port", "host:2375", "unix://"])
    def test_what_is_no_address(self, text: str) -> None:
        with pytest.raises(ConfigError, match="is no address of a container engine"):
            parse_address(text, "test")

    def test_ssh_is_refused_with_a_way_around(self) -> None:
        with pytest.raises(ConfigError, match="through ssh") as caught:
            parse_address("ssh://me@host", "DOCKER_HOST")
        assert "ssh -NL" in caught.value.repair

    def test_variables_exclude_what_is_found_otherwise(self, tmp_path: Path) -> None:
        env = {"DOCKER_HOST": "tcp://a:1", "CONTAINER_HOST": "unix:///p.sock", "DOCKER_CONFIG": str(tmp_path)}
        (tmp_path / "config.json").write_text('{"currentContext": "far"}')
        assert [str(a) for a in engine_addresses(env=env)] == ["http://a:1", "unix:///p.sock"]
        env |= {"DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/certs"}
        (first, _) = engine_addresses(env=env)
        assert (str(first), first.certificates) == ("https://a:1", Path("/certs"))

    def test_a_context(self, tmp_path: Path) -> None:
        key = hashlib.sha256(b"far").hexdigest()
        meta = tmp_path / "contexts" / "meta" / key / "meta.json"
        meta.parent.mkdir(parents=True)
        meta.write_text(json.dumps({"Name": "far", "Endpoints": {"docker": {"Host": "tcp://far:9"}}}))
        (tmp_path / "config.json").write_text('{"currentContext": "far"}')
        env = {"DOCKER_CONFIG": str(tmp_path)}
        (address,) = engine_addresses(env=env)
        assert (str(address), address.origin) == ("http://far:9", "docker context far")
        assert str(engine_addresses("far", env)[0]) == "http://far:9"
        with pytest.raises(ConfigError, match="no Docker context 'near'") as caught:
            engine_addresses("near", env)
        assert caught.value.repair == "Known: far."
        (meta.parent / "meta.json").write_text("{}")
        with pytest.raises(ConfigError, match="cannot be read"):
            engine_addresses(env=env)

    def test_usual_sockets_count_once_and_only_when_they_are_sockets(self, tmp_path: Path) -> None:
        (tmp_path / "podman").mkdir()
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(tmp_path / "podman" / "podman.sock"))
            (tmp_path / "docker.sock").symlink_to(tmp_path / "podman" / "podman.sock")
            env = {"XDG_RUNTIME_DIR": str(tmp_path), "HOME": str(tmp_path)}
            found = [a for a in engine_addresses(env=env) if str(tmp_path) in str(a)]
            assert [str(a) for a in found] == [f"unix://{tmp_path}/docker.sock"]
        (tmp_path / "docker.sock").unlink()
        (tmp_path / "docker.sock").write_text("")
        found = [a for a in engine_addresses(env=env) if str(tmp_path) in str(a)]
        assert [str(a) for a in found] == [f"unix://{tmp_path}/podman/podman.sock"]


class TestEnginesThatDoNotBehave:
    @pytest.mark.parametrize(
        "first",
        [
            b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
            b"HTTP/1.1 200 OK\r\nApi-Version: new\r\nContent-Length: 2\r\n\r\nhi",
            answer(b"no", "500 Oops"),
        ],
    )
    def test_who_is_no_engine(self, serve: Callable[..., object], first: bytes) -> None:
        with pytest.raises(NothingMeasured, match="is no container engine"):
            serve(first)

    def test_one_that_hangs(self, serve: Callable[..., tuple[Misbehaving, Engine]]) -> None:
        _, engine = serve(PING, None, timeout_s=0.3)
        with pytest.raises(NothingMeasured, match=r"did not answer within 0.3 s"):
            engine.containers()

    def test_one_that_drips_for_ever(self, serve: Callable[..., tuple[Misbehaving, Engine]]) -> None:
        endless = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        _, engine = serve(PING, endless + b"".join([b"100000\r\n" + b" " * 0x100000 + b"\r\n"] * 64), timeout_s=20)
        with pytest.raises(NothingMeasured, match="is no container engine"):
            engine.containers()

    @pytest.mark.parametrize("body", [b"<html>", b"{}", b"null"])
    def test_answers_that_are_no_list(self, serve: Callable[..., tuple[Misbehaving, Engine]], body: bytes) -> None:
        _, engine = serve(PING, answer(body))
        with pytest.raises(NothingMeasured, match="is no container engine"):
            engine.containers()

    def test_its_own_message_is_shown(self, serve: Callable[..., tuple[Misbehaving, Engine]]) -> None:
        _, engine = serve(PING, answer(b'{"message": "disk on fire"}', "500 Oops"))
        with pytest.raises(NothingMeasured, match="refuses: disk on fire"):
            engine.containers()

    def test_the_older_of_both_versions_is_spoken(self, serve: Callable[..., tuple[Misbehaving, Engine]]) -> None:
        server, engine = serve(PING.replace(b"1.41", b"1.99"), answer(b"[]"))
        assert engine.containers() == []
        assert server.asked[1].startswith("/v1.51/")

    def test_a_container_that_is_gone_is_none(self, serve: Callable[..., tuple[Misbehaving, Engine]]) -> None:
        _, engine = serve(PING, answer(b"gone", "404 Not Found"))
        assert engine.stats("x") is None


@pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")
def test_a_user_who_may_not_use_the_socket(tmp_path: Path) -> None:
    path = Path("/tmp") / f"lichen-engine-{os.getpid()}.sock"
    server = Misbehaving(path, PING)
    path.chmod(0o600)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setuid(65534)
        try:
            Engine(parse_address(str(path), "test"))
        except LichenError as error:
            os.write(writing, error.sentence().encode())
        finally:
            os._exit(0)
    os.close(writing)
    try:
        with os.fdopen(reading, "rb") as said:
            text = said.read().decode()
        os.waitpid(child, 0)
    finally:
        server.close()
        path.unlink()
    assert "may not be used by this user. Join the group" in text


@pytest.mark.parametrize("name", ["none.sock", "file"])
def test_nobody_is_there(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NothingMeasured, match="cannot be reached") as caught:
        Engine(parse_address(str(tmp_path / name), "test"))
    assert "correct its address" in caught.value.repair


class TestStarting:
    """The commands that start what is installed, found by its programs."""

    @pytest.fixture
    def programs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        monkeypatch.setenv("PATH", str(tmp_path))
        return tmp_path

    def install(self, programs: Path, *names: str) -> None:
        for name in names:
            (programs / name).write_text("#!/bin/sh\n")
            (programs / name).chmod(0o755)

    def test_nothing_is_installed(self, programs: Path) -> None:
        self.install(programs, "docker")  # the client alone
        assert list(installed()) == []
        assert how_to_start() == "Install and start Docker or Podman"

    @pytest.mark.parametrize(
        ("root", "booted", "commands"),
        [
            (True, True, ["systemctl start docker", "systemctl start podman.socket"]),
            (False, True, ["sudo systemctl start docker", "systemctl --user start podman.socket"]),
            (True, False, ["dockerd &", "podman system service --time 0 &"]),
            (False, False, ["sudo dockerd &", "podman system service --time 0 &"]),
        ],
    )
    def test_who_starts_it_and_on_which_machine(
        self, programs: Path, monkeypatch: pytest.MonkeyPatch, root: bool, booted: bool, commands: list[str]
    ) -> None:
        self.install(programs, "dockerd", "podman")
        monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 1000)
        monkeypatch.setattr(starting, "_SYSTEMD", programs if booted else programs / "none")
        assert [one.command for one in installed()] == commands
        assert how_to_start() == f"Start Docker ({commands[0]}) or Podman ({commands[1]})"

    def test_the_doctor_gives_the_command_in_both_languages(
        self, programs: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.install(programs, "podman")
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(programs))
        for name in ("DOCKER_HOST", "CONTAINER_HOST", "DOCKER_CONTEXT"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setattr(address, "usual_sockets", lambda env: (programs / "podman.sock",))
        [found] = [row for row in sources(load_settings(None, overrides={}, env={})) if row.topic == "containers"]
        row = {"topic": found.topic, "what": found.what, "repair": found.repair}
        [podman] = installed()
        _, what, repair = finding_words(row, catalogue("fr"))
        assert found.what == "Podman is installed, but does not answer: its service is not running"
        assert found.repair == f"To measure containers, start it: {podman.command}"
        assert what.startswith("Podman est installé")
        assert repair == f"Pour mesurer des conteneurs, lancez-le\u00a0: {podman.command}"
