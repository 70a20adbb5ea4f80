# SPDX-License-Identifier: Apache-2.0
"""Parts that die oddly, addresses that nobody can have, servers that never finish: each is one sentence."""

from __future__ import annotations

import socket
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from lichen.collect.machine import Part, Parts
from lichen.collect.machine.parts.ready import post, wait_ready
from lichen.config import load_settings
from lichen.errors import ConfigError, PartFailed, StorageError


def alive() -> None:
    """Stands for a part that goes on."""


def keep_checking(part: Part, folder: Path) -> None:
    with Parts([part], folder=folder) as running:
        until = time.monotonic() + 10
        while time.monotonic() < until:
            running.check()
            time.sleep(0.02)


def serve(server: socket.socket, head: bytes, drip: bytes, stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection:
            try:
                connection.recv(4096)
                connection.sendall(head)
                while drip and not stop.wait(0.02):
                    connection.sendall(drip)
            except OSError:
                continue


@pytest.fixture
def dripping(request: pytest.FixtureRequest) -> Iterator[str]:
    """Address of a server that sends a head, then a byte now and then, for ever."""
    head, drip = request.param
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server, head, drip, stop), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        stop.set()
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


ENDLESS_HEAD = (b"HTTP/1.1 200 OK\r\nX: ", b"x")
ENDLESS_BODY = (b"HTTP/1.1 200 OK\r\n\r\n", b"x")


@pytest.mark.parametrize("dripping", [ENDLESS_HEAD], indirect=True)
def test_an_answer_that_never_ends_ends_at_the_timeout(dripping: str) -> None:
    with pytest.raises(PartFailed, match=r"waited 0\.3 s for .* does not answer within 0\.\d+ s"):
        wait_ready("slow", dripping, 0.3, alive)


@pytest.mark.parametrize("dripping", [ENDLESS_BODY], indirect=True)
def test_the_status_makes_ready_however_long_the_body(dripping: str) -> None:
    wait_ready("stream", dripping, 0.3, alive)


@pytest.mark.parametrize("dripping", [ENDLESS_HEAD, ENDLESS_BODY], indirect=True)
def test_a_reset_that_never_ends_ends_at_the_timeout(dripping: str) -> None:
    with pytest.raises(PartFailed, match=r"The reset of the part 'slow', POST .*, cannot be reached \(timed out\)"):
        post("slow", dripping, 0.3)


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:99999/", "tcp://127.0.0.1:99999", "http://127.0.0.1:0/", f"http://{'a' * 64}.test/",
        "http://127.0.0.1/\ud800", "tcp://127.0.0.1", "http://",
    ],
)  # fmt: skip
def test_an_address_that_nobody_has_is_refused(target: str) -> None:
    with pytest.raises(ConfigError, match="cannot be asked at"):
        wait_ready("a", target, 0.1, alive)
    with pytest.raises(ConfigError, match="cannot be asked at"):
        post("a", target, 0.1)


@pytest.mark.parametrize("dripping", [(b"HTTP/1.1 204 OK\r\n\r\n", b"")], indirect=True)
def test_a_path_of_any_characters_is_asked_for(dripping: str) -> None:
    wait_ready("a", f"{dripping}prêt ok?é=1", 5, alive)


def test_a_real_time_signal_has_a_number(tmp_path: Path) -> None:
    code = "import os, signal; os.kill(os.getpid(), signal.SIGRTMIN + 3)"
    part = Part(name="odd", command=(sys.executable, "-c", code))
    with pytest.raises(PartFailed, match=r"killed by signal \d+"):
        keep_checking(part, tmp_path)


@pytest.mark.parametrize("env", [{"": "x"}, {"A=B": "x"}, {"A\0": "x"}, {"A": "x\0"}])
def test_a_variable_that_no_environment_holds_is_refused(tmp_path: Path, env: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="no environment can hold"):
        Part(name="a", command=("true",), env=env)
    name, value = (text.replace("\0", "\\u0000") for text in next(iter(env.items())))
    (tmp_path / "lichen.toml").write_text(
        f'[[part]]\nname = "a"\ncommand = ["true"]\nenv = {{ "{name}" = "{value}" }}\n', encoding="utf-8"
    )
    with pytest.raises(ConfigError, match=r"part\.env|env is a table"):
        load_settings(tmp_path / "lichen.toml")


def test_words_with_a_nul_do_not_start(tmp_path: Path) -> None:
    with pytest.raises(PartFailed, match="cannot be started"):
        Parts([Part(name="a", command=("true", "\0"))], folder=tmp_path).__enter__()


def test_a_private_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    part = Part(name="a" * 250, command=("true", "{data}"))
    with pytest.raises(StorageError, match="private folder of the part"):
        Parts([part], folder=tmp_path).__enter__()
