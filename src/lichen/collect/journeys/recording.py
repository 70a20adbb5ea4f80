# SPDX-License-Identifier: Apache-2.0
"""A recording of the browser's developer tools (panel Recorder, export as JSON) as a journey.

Everything that can be refused is refused while reading, with the number of the recorded step. Replaying is in
`lichen.collect.journeys.recording_replay`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn
from urllib.parse import urlsplit

from pydantic import Field, TypeAdapter, ValidationError

from lichen import redact
from lichen.collect.browser.addresses import without_credentials
from lichen.collect.journeys.naming import step_name
from lichen.collect.journeys.recording_schema import (
    CustomStep,
    EmulateNetworkConditions,
    Head,
    Navigate,
    RecordedStep,
    SetViewport,
)
from lichen.collect.journeys.script import Journey
from lichen.collect.journeys.steps import check_step
from lichen.errors import ConfigError

OWN_STEP: Final = "lichen.step"
"""The custom step that Lichen knows: begins a step of the journey, ``{"name": ..., "dwell": seconds}``."""

_MAX_BYTES: Final = 10_000_000

_STEP: Final[TypeAdapter[RecordedStep]] = TypeAdapter(Annotated[RecordedStep, Field(discriminator="type")])
_TYPES: Final = (
    "setViewport", "navigate", "click", "doubleClick", "change", "hover", "keyDown", "keyUp", "scroll", "close",
    "emulateNetworkConditions", "waitForElement", "waitForExpression", "customStep",
)  # fmt: skip
_SET_UP: Final = (SetViewport, EmulateNetworkConditions)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A step of the journey: the recorded steps from one navigation to the next.

    Attributes:
        name: the page's title as recorded, or the path of its address.
        dwell_s: what the recording itself says, by ``lichen.step``; None: as configured.
        steps: number in the file, from 1, and the recorded step.
    """

    name: str
    dwell_s: float | None
    steps: tuple[tuple[int, RecordedStep], ...]


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording that can be replayed.

    Attributes:
        path: of the file. timeout_ms: of each step that names none.
        set_up: steps before the first page: size and network.
        stretches: the journey's steps. origin: scheme, host and port of the first address.
    """

    path: Path
    timeout_ms: float | None
    set_up: tuple[tuple[int, RecordedStep], ...]
    stretches: tuple[Stretch, ...]
    origin: str


def recorded_journey(
    path: Path, *, name: str | None, base_url: str | None, page_dwell_s: float | None, action_timeout_s: float
) -> Journey:
    """A journey that replays a recording.

    Args:
        path: of the exported JSON file.
        name: the file's stem when None.
        base_url: stands in for the recorded site: addresses there keep path and query only.
        page_dwell_s: time in seconds that a person spends on each page; None: what the automation takes.
        action_timeout_s: longest time in seconds for a step, where neither it nor the recording names one.

    Raises:
        ConfigError: the file is no recording, or holds what cannot be replayed; names the step by its number.
    """
    from lichen.collect.journeys.recording_replay import Replay

    content = _read(path)
    recording = parse_recording(content, path)
    replay = Replay(recording, base_url, page_dwell_s, action_timeout_s)
    return Journey(
        name=name or path.stem,
        source=str(path),
        source_hash=hashlib.sha256(content).hexdigest(),
        base_url=base_url or recording.origin,
        run=replay.run,
        prepare=replay.prepare if recording.set_up else None,
    )


def parse_recording(content: bytes, path: Path) -> Recording:
    """The recording in a file's content; ConfigError as in `recorded_journey`."""
    head = _head(content, path)
    steps = [(number, _step(path, number, raw)) for number, raw in enumerate(head.steps, start=1)]
    first = next((step for _, step in steps if isinstance(step, Navigate)), None)
    if first is None:
        _refuse(path, "the recording opens no page: it has no step 'navigate'", "Record it again from its first page.")
    before = next((i for i, (_, step) in enumerate(steps) if not isinstance(step, _SET_UP)), len(steps))
    parts = urlsplit(first.url)
    return Recording(
        path=path,
        timeout_ms=head.timeout,
        set_up=tuple(steps[:before]),
        stretches=tuple(_stretches(path, steps[before:])),
        origin=f"{parts.scheme}://{parts.netloc}",
    )


def _read(path: Path) -> bytes:
    give = "Give the path of a recording exported as JSON."
    if path.exists() and not path.is_file():  # a pipe nobody writes to would be waited for for ever
        _refuse(path, "not a regular file", give)
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(
            f"The journey '{path}' cannot be read: {error.strerror}.", repair=give, culprit=str(path)
        ) from error
    if len(content) > _MAX_BYTES:
        _refuse(path, f"larger than {_MAX_BYTES // 1_000_000} MB, which no recording is", "Give another file.")
    return content


def _head(content: bytes, path: Path) -> Head:
    export = "Export the recording as JSON in the panel Recorder."
    try:
        raw = json.loads(content, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        _refuse(f"{path}:{error.lineno}", f"not valid JSON: {error.msg}", export)
    except RecursionError:
        _refuse(path, "not a recording: it is nested too deeply", export)
    except ValueError as error:
        _refuse(path, f"not valid JSON: {error}", export)
    if not isinstance(raw, dict) or not isinstance(raw.get("steps"), list):
        _refuse(path, "not a recording: it has no list 'steps'", export)
    try:
        return Head.model_validate(raw)
    except ValidationError as error:
        field, problem = _words(error)
        _refuse(path, f"'{field}' {problem}", "Correct it, or record it again.")


def _step(path: Path, number: int, raw: Any) -> RecordedStep:
    where = f"step {number}"
    if not isinstance(raw, dict):
        _refuse(path, f"{where} is not a table", "Correct it, or record it again.")
    kind = raw.get("type")
    if kind not in _TYPES:
        shown = f"has the type '{str(kind)[:40]}', which is unknown" if "type" in raw else "has no type"
        _refuse(path, f"{where} {shown}", f"Types: {', '.join(_TYPES)}.")
    try:
        step = _STEP.validate_python(raw)
    except ValidationError as error:
        field, problem = _words(error)
        _refuse(path, f"{where} ({kind}): '{field}' {problem}", "Correct it, or record it again.")
    if isinstance(step, Navigate):
        _check_address(path, where, step.url)
    if isinstance(step, CustomStep) and step.name != OWN_STEP:
        _refuse(
            path,
            f"{where} is the custom step '{step.name[:40]}', which only the program it was written for knows",
            f"Take it out, or write a Python journey. Lichen knows '{OWN_STEP}'.",
        )
    return step


def _check_address(path: Path, where: str, url: str) -> None:
    try:
        usable = bool(re.match(r"https?://", url, re.IGNORECASE) and urlsplit(url).hostname)
    except ValueError:
        usable = False
    if not usable:
        shown = redact.text(url)[:80]
        _refuse(path, f"{where} opens '{shown}', which is no http address", "Record it on a site, or correct it.")


_PROBLEMS: Final = {
    "missing": "is missing",
    "string_type": "is not a text",
    "string_too_short": "is empty",
    "float_type": "is not a number",
    "int_type": "is not a whole number",
    "bool_type": "is not true or false",
    "list_type": "is not a list",
    "dict_type": "is not a table",
    "too_short": "is empty",
    "finite_number": "is not a finite number",
}


def _words(error: ValidationError) -> tuple[str, str]:
    """Which field is wrong, and how. Its value is not shown: a recording may hold a password."""
    found = error.errors(include_url=False, include_input=False)
    # Of alternatives, the one that was followed deepest is the one that was meant.
    first = max(found, key=lambda one: (one["type"] in _PROBLEMS, len(one["loc"])))
    names = [str(place) for place in first["loc"] if isinstance(place, int) or _is_field(place)]
    name = "".join(f"[{n}]" if n.isdigit() else f".{n}" for n in names).strip(".") or "it"
    problem = _PROBLEMS.get(first["type"])
    return name, problem or first["msg"].replace("Input should be", "should be")


def _is_field(place: str) -> bool:
    """Whether a place in a path of pydantic's is a field's name, and not an alternative's."""
    return place.isidentifier() and place not in (*_TYPES, "str")


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is no JSON number")


def _refuse(where: object, problem: str, repair: str) -> NoReturn:
    raise ConfigError(f"{where}: {problem}.", repair=repair, culprit=str(where))


# --- steps of the journey ---------------------------------------------------------------------------------------------


def _stretches(path: Path, steps: Sequence[tuple[int, RecordedStep]]) -> Iterator[Stretch]:
    """A new stretch begins with each recorded step that opens a page, and with ``lichen.step``."""
    taken: set[str] = set()
    name = ""
    dwell_s: float | None = None
    inner: list[tuple[int, RecordedStep]] = []
    for number, step in steps:
        if isinstance(step, CustomStep):
            if inner:
                yield Stretch(step_name(name, taken), dwell_s, tuple(inner))
            name, dwell_s = _own_step(path, number, step.parameters)
            inner = []
            continue
        opened = _page_name(step)
        if opened is not None and inner:
            yield Stretch(step_name(name, taken), dwell_s, tuple(inner))
            name, dwell_s, inner = opened, None, []
        name = name or opened or ""
        inner.append((number, step))
    if inner:
        yield Stretch(step_name(name, taken), dwell_s, tuple(inner))


def _own_step(path: Path, number: int, parameters: Any) -> tuple[str, float | None]:
    where = f"{path}: step {number}"
    given = parameters if isinstance(parameters, dict) else {}
    dwell_s = given.get("dwell")
    return check_step(given.get("name"), dwell_s, where), dwell_s


def _page_name(step: RecordedStep) -> str | None:
    """What the page that a step opens is called; None when it opens none."""
    if not isinstance(step, Navigate) and step.navigation is None:
        return None
    event = step.navigation
    if event is not None and event.title and event.title.strip():
        return event.title
    url = step.url if isinstance(step, Navigate) else (event.url if event is not None else None)
    return urlsplit(without_credentials(url)).path.strip("/") if url else ""
