# SPDX-License-Identifier: Apache-2.0
"""Journeys: a Python file with a function, or a bare address. What can be refused is refused before a browser starts."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import inspect
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from lichen import redact
from lichen.collect.browser.addresses import without_credentials
from lichen.collect.journeys.steps import check_literal_steps, unwritable
from lichen.errors import ConfigError


class Step(Protocol):
    """What a journey calls to name a stretch of itself: ``with step("pay", dwell=8): ...``."""

    def __call__(self, name: str, *, dwell: float | None = None) -> AbstractContextManager[None]:
        """Opens the step ``name``; a person stays ``dwell`` seconds in it."""
        ...


@dataclass(frozen=True, slots=True)
class Journey:
    """A user's journey, ready to run.

    Attributes:
        name: booked in the entity's path.
        source: path of the file, or the address with its secrets masked.
        source_hash: SHA-256 of the file's bytes, or of the masked address: part of the identity of a series. Files that
            the journey imports are not part of it.
        base_url: what relative addresses in ``page.goto`` refer to; may carry ``user:password@`` for HTTP authentication.
        run: called with Playwright's page and `Step`. prepare: called with the page before the window.
    """

    name: str
    source: str
    source_hash: str
    base_url: str | None
    run: Callable[[Any, Step], None] = field(repr=False)
    prepare: Callable[[Any], None] | None = field(default=None, repr=False)


def load_journey(
    source: str,
    *,
    name: str | None = None,
    base_url: str | None = None,
    page_dwell_s: float | None = None,
    action_timeout_s: float = 30.0,
) -> Journey:
    """A journey from a file or an address.

    Args:
        source: path of a Python file with ``def journey(page, step)`` and, if need be, ``def prepare(page)``; of a recording
            (``.json``); or an address starting with http:// or https://, which gives the steps ``open`` and ``scroll``.
        name: the file's stem, or the address's host and path, when None.
        base_url: for relative addresses in the file; stands in for the site of a recording.
        page_dwell_s: time in seconds that a person spends on the page of an address, half before and half while
            scrolling, and on each page of a recording; None: what the automation takes.
        action_timeout_s: longest time in seconds for each step of a recording that names none.

    Raises:
        ConfigError: names file and line.
    """
    if (label := Path(source).stem if name is None else name) and (problem := unwritable(label)):
        raise ConfigError(
            f"The name of the journey {label!r} contains {problem}.",
            repair="Give it another name.",
            culprit=repr(label),
        )
    if re.match(r"https?://", source, re.IGNORECASE):
        return _of_address(source, name, page_dwell_s)
    if base_url is not None and not re.match(r"https?://[^/]", base_url, re.IGNORECASE):
        raise ConfigError(
            f"The base address '{base_url}' of the journey {source} is not an http address.",
            repair="Write it with http:// or https:// and a host.",
            culprit=base_url,
        )
    if Path(source).suffix == ".json":
        from lichen.collect.journeys.recording import recorded_journey

        return recorded_journey(
            Path(source), name=name, base_url=base_url, page_dwell_s=page_dwell_s, action_timeout_s=action_timeout_s
        )
    return _of_file(Path(source), name, base_url)


@contextlib.contextmanager
def printing_to_stderr() -> Iterator[None]:
    """A journey may print; standard output belongs to the result.

    The file descriptors too, for programs that the journey starts and for ``sys.__stdout__``; and a journey that closes
    them takes nothing from the result.
    """
    _flush_stdout()
    kept: dict[int, int] = {}
    for number in (1, 2):
        with contextlib.suppress(OSError):  # closed by whoever started this process
            kept[number] = os.dup(number)
    if len(kept) == 2:
        os.dup2(2, 1)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        _flush_stdout()
        for number, copy in kept.items():
            with contextlib.suppress(OSError):
                os.dup2(copy, number)
                os.close(copy)


def _flush_stdout() -> None:
    if sys.__stdout__ is not None:
        with contextlib.suppress(OSError, ValueError):
            sys.__stdout__.flush()


# --- an address ------------------------------------------------------------------------------------------------------


def _of_address(url: str, name: str | None, page_dwell_s: float | None) -> Journey:
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None
    if not host:
        raise ConfigError(f"The address '{url}' names no host.", repair="Write http://host/path.", culprit=url)
    target = without_credentials(url)
    shown = redact.text(target)
    parts = urlsplit(shown)
    label = name or re.sub(r"[^\w.-]+", "-", f"{parts.netloc}{parts.path}").strip("-")

    dwell_s = None if page_dwell_s is None else page_dwell_s / 2

    def open_and_scroll(page: Any, step: Step) -> None:
        with step("open", dwell=dwell_s):
            response = page.goto(target, wait_until="load")
            if response is not None and response.status >= 400:
                raise PageRefusedError(f"{shown} answers with status {response.status}")
        with step("scroll", dwell=dwell_s):
            page.evaluate(_SCROLL_TO_END)

    return Journey(
        name=label,
        source=shown,
        source_hash=hashlib.sha256(shown.encode()).hexdigest(),
        base_url=url,
        run=open_and_scroll,
    )


class PageRefusedError(Exception):
    """The address answers, but not with a page."""


class MissingError(Exception):
    """What a step waited for did not come in time."""


class StepFailedError(Exception):
    """A step of a journey that another tool wrote failed.

    Attributes:
        where: the file and the place in it. cause: what happened.
    """

    def __init__(self, where: str, cause: Exception) -> None:
        super().__init__(str(cause))
        self.where = where
        self.cause = cause


_SCROLL_TO_END = """() => new Promise(done => {
  const root = document.scrollingElement || document.documentElement;
  let position = root.scrollTop, frames = 0;
  const move = () => {
    const end = Math.min(root.scrollHeight - window.innerHeight, 20 * window.innerHeight);
    position = Math.min(end, position + window.innerHeight / 8);
    window.scrollTo(0, position);
    position < end && ++frames < 600 ? requestAnimationFrame(move) : requestAnimationFrame(() => done());
  };
  requestAnimationFrame(move);
})"""
"""An eighth of the viewport per frame: about a second for 8 viewports; pages that grow for ever end after 20 viewports."""


# --- a file ----------------------------------------------------------------------------------------------------------


def _of_file(path: Path, name: str | None, base_url: str | None) -> Journey:
    try:
        source = path.read_bytes()
    except OSError as error:
        hint = (
            f"To measure an address, write http://{path}."
            if path.suffix != ".py" and re.match(r"[\w.-]+(:\d+)?(/|$)", str(path)) and not path.exists()
            else "Give the path of a Python file, or of a recording that ends in .json."
        )
        raise ConfigError(
            f"The journey '{path}' cannot be read: {error.strerror}.", repair=hint, culprit=str(path)
        ) from error
    try:
        tree = ast.parse(source, filename=str(path))
        code = compile(tree, str(path), "exec")
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise ConfigError(
            f"{path}{f':{line}' if line else ''}: not valid Python: {getattr(error, 'msg', error)}.",
            repair="Correct the line.",
            culprit=f"{path}:{line or 1}",
        ) from error
    check_literal_steps(path, tree)
    namespace = _execute(path, code)
    lines = {node.name: node.lineno for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    run = namespace.get("journey")
    if not callable(run):
        raise ConfigError(
            f"{path}:1: there is no function 'journey'.",
            repair="Write: def journey(page, step): ...",
            culprit=f"{path}:1",
        )
    _check_signature(path, lines.get("journey", 1), run, "journey(page, step)", 2)
    prepare = namespace.get("prepare")
    if prepare is not None:
        _check_signature(path, lines.get("prepare", 1), prepare, "prepare(page)", 1)
    return Journey(
        name=name or path.stem,
        source=str(path),
        source_hash=hashlib.sha256(source).hexdigest(),
        base_url=base_url,
        run=run,
        prepare=prepare,
    )


def _execute(path: Path, code: Any) -> dict[str, Any]:
    namespace: dict[str, Any] = {"__name__": f"lichen_journey_{path.stem}", "__file__": str(path)}
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        with printing_to_stderr():
            exec(code, namespace)  # noqa: S102 - running the user's own journey is the purpose
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        line = line_in(error, str(path)) or 1
        raise ConfigError(
            f"{path}:{line}: the journey does not load: {type(error).__name__}: {text_of(error)}.",
            repair="Correct the line.",
            culprit=f"{path}:{line}",
        ) from error
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(folder)
    return namespace


def text_of(error: BaseException) -> str:
    """What ``error`` says, even when saying it fails."""
    try:
        return str(error)
    except Exception as second:  # noqa: BLE001 - the class of a journey may raise anything here
        return f"its text cannot be had ({type(second).__name__})"


def line_in(error: BaseException, path: str) -> int | None:
    """The innermost line of ``path`` that ``error`` passed through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    return frames[-1].lineno if frames else None


def _check_signature(path: Path, line: int, function: Any, wanted: str, arguments: int) -> None:
    problem = ""
    if not callable(function):
        problem = f"'{wanted.partition('(')[0]}' is not a function"
    elif inspect.iscoroutinefunction(function):
        problem = f"'{function.__name__}' is asynchronous"
    elif inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        problem = f"'{function.__name__}' contains yield, so that calling it runs nothing"
    else:
        try:
            inspect.signature(function).bind(*range(arguments))
        except TypeError as error:
            problem = f"'{function.__name__}' does not take ({wanted.partition('(')[2][:-1]}): {error}"
    if problem:
        raise ConfigError(f"{path}:{line}: {problem}.", repair=f"Write: def {wanted}: ...", culprit=f"{path}:{line}")
