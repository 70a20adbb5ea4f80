# SPDX-License-Identifier: Apache-2.0
"""What third parties answered once, kept in a file, so that they answer the same in every run.

A zip: ``answers.json`` and each body once, as it was on the wire (compressed as it came). Kept of a request is only what finds
its answer again: hashes, and its address with secrets masked. Cookies are not kept. Bodies are: they are what the third party
answered.
"""

from __future__ import annotations

import hashlib
import io
import json
import threading
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, NoReturn
from urllib.parse import urlsplit

from lichen import redact
from lichen.errors import ConfigError, StorageError

_FORMAT: Final = "lichen-third-parties/1"
_INDEX: Final = "answers.json"
_MAX_ANSWERS: Final = 20_000
_MAX_BYTES: Final = 512 * 2**20
_NOT_KEPT: Final = frozenset(("set-cookie", "set-cookie2", "www-authenticate", "authentication-info"))
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
"""Date of the members of the zip: the file's bytes depend on its content alone."""


@dataclass(frozen=True, slots=True)
class Question:
    """What finds an answer again, from the exact request to the mere place.

    Attributes:
        exact: hash of method, address, range and body. address: without the body. place: without the query too.
        shown: the address, secrets masked.
    """

    exact: str
    address: str
    place: str
    shown: str

    @classmethod
    def of(cls, method: str, url: str, *, byte_range: str = "", body: bytes = b"") -> Question:
        """The question that a request asks."""
        parts = urlsplit(url)
        place = f"{method} {parts.scheme}://{parts.netloc}{parts.path}"
        return cls(
            _hash(f"{method} {url} {byte_range} ".encode() + hashlib.sha256(body).digest()),
            _hash(f"{method} {url} {byte_range}".encode()),
            _hash(place.encode()),
            redact.text(url),
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer: status line and headers, and the body as it was on the wire.

    Attributes:
        recorded_at: when it was given, in seconds since 1970, so that its dates can be moved to when it is given again.
    """

    question: Question
    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    recorded_at: int = 0


class Archive:
    """Answers to give again.

    Args:
        answers: in the order in which they were given.
    """

    def __init__(self, answers: Sequence[Answer]) -> None:
        self.answers = tuple(answers)

    @cached_property
    def sha256(self) -> str:
        """Hash of all answers: part of the fingerprint of a measurement."""
        return hashlib.sha256(self.to_bytes()).hexdigest()

    def to_bytes(self) -> bytes:
        """The archive's file."""
        bodies = {hashlib.sha256(answer.body).hexdigest(): answer.body for answer in self.answers}
        rows = [
            {
                "exact": answer.question.exact, "address": answer.question.address, "place": answer.question.place,
                "url": answer.question.shown, "status": answer.status, "reason": answer.reason,
                "headers": [list(header) for header in answer.headers],
                "body": hashlib.sha256(answer.body).hexdigest(), "recorded_at": answer.recorded_at,
            }
            for answer in self.answers
        ]  # fmt: skip
        index = json.dumps({"format": _FORMAT, "answers": rows}, indent=1, sort_keys=True).encode()
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
            for name, content in {_INDEX: index, **dict(sorted(bodies.items()))}.items():
                file.writestr(zipfile.ZipInfo(name, _EPOCH), content, zipfile.ZIP_DEFLATED)
        return buffer.getvalue()

    @classmethod
    def read(cls, path: Path) -> Archive:
        """An archive from its file.

        Raises:
            ConfigError: there is none.
            StorageError: it is damaged, too large, or of another format.
        """
        if not path.is_file():
            raise ConfigError(
                f"The recording of third parties {path} does not exist.",
                repair="Record it: lichen measure --record.",
                culprit=str(path),
            )
        try:
            with zipfile.ZipFile(path) as file:
                members = {info.filename: info for info in file.infolist()}
                if len(members) > _MAX_ANSWERS or sum(info.file_size for info in members.values()) > _MAX_BYTES:
                    _damaged(path, f"it holds more than {_MAX_ANSWERS} answers or {_MAX_BYTES // 2**20} MiB")
                index = json.loads(file.read(_INDEX))
                bodies = {name: file.read(info) for name, info in members.items() if name != _INDEX}
            return cls(tuple(_answers(index, bodies)))
        except OSError as error:
            raise StorageError(
                f"{path} cannot be read: {error.strerror or error}.", repair="Check the path.", culprit=str(path)
            ) from error
        except (
            zipfile.BadZipFile,
            KeyError,
            TypeError,
            ValueError,
            RecursionError,
            NotImplementedError,
            RuntimeError,
        ) as error:
            _damaged(path, str(error).splitlines()[0][:80] if str(error) else type(error).__name__)


def _answers(index: Any, bodies: Mapping[str, bytes]) -> Iterable[Answer]:
    if index["format"] != _FORMAT:
        raise ValueError(f"its format is {str(index['format'])[:40]}, this Lichen reads {_FORMAT}")
    for row in index["answers"]:
        question = Question(str(row["exact"]), str(row["address"]), str(row["place"]), str(row["url"]))
        headers = tuple((_line(name), _line(value)) for name, value in row["headers"])
        if not 200 <= row["status"] <= 599:
            raise ValueError("a status is none")
        moment = int(row["recorded_at"])
        yield Answer(question, int(row["status"]), _line(row["reason"]), headers, bodies[row["body"]], moment)


def _line(text: Any) -> str:
    if not isinstance(text, str) or "\r" in text or "\n" in text:
        raise ValueError("a header is no line")
    return text


def _damaged(path: Path, why: str) -> NoReturn:
    raise StorageError(
        f"{path} is no recording of third parties, or a damaged one: {why}.",
        repair="Record it again: lichen measure --record.",
        culprit=str(path),
    )


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


def _without_secret(name: str, value: str) -> tuple[str, str]:
    """A header; one that hands out secrets becomes as long a one that says nothing, so that the bytes stay the same."""
    if name.lower() not in _NOT_KEPT:
        return name, value
    return "X-Not-Kept"[: len(name)].ljust(len(name), "-"), "-" * len(value)


class Book:
    """Answers as they are recorded, from several threads."""

    def __init__(self) -> None:
        self._answers: list[Answer] = []
        self._lock = threading.Lock()
        self._bytes = 0

    def add(self, answer: Answer) -> None:
        """Writes down an answer; what is too much to keep is left out, and is then missing when it is asked for again."""
        kept = tuple(_without_secret(name, value) for name, value in answer.headers)
        with self._lock:
            self._bytes += len(answer.body)
            if len(self._answers) < _MAX_ANSWERS and self._bytes <= _MAX_BYTES:
                self._answers.append(replace(answer, headers=kept))

    def archive(self) -> Archive:
        """What was recorded so far, in the order of addresses: threads finish in any order."""
        with self._lock:
            return Archive(sorted(self._answers, key=lambda answer: (answer.question.shown, answer.question.exact)))
