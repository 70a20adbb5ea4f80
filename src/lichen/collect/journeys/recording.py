# SPDX-License-Identifier: Apache-2.0
"""A recording of the browser's developer tools (panel Recorder, export as JSON) as a journey.

Everything that can be refused is refused while reading, with the number of the recorded step. Replaying is in
`lichen.collect.journeys.recording_replay`.

Format: ``Schema.ts`` of the package ``@puppeteer/replay`` (Apache-2.0), as exported by Chrome 156.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final, Literal, NoReturn
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from lichen import redact
from lichen.collect.browser.addresses import without_credentials
from lichen.collect.entities import BETWEEN, segment
from lichen.collect.journeys.script import Journey, check_step, unwritable
from lichen.errors import ConfigError

OWN_STEP: Final = "lichen.step"
"""The custom step that Lichen knows: begins a step of the journey, ``{"name": ..., "dwell": seconds}``."""

_MAX_BYTES: Final = 10_000_000
_LONGEST_NAME: Final = 80
_LONGEST_TIMEOUT_MS: Final = 86_400_000

Text = Annotated[str, Field(min_length=1)]
Chain = Annotated[list[Text], Field(min_length=1)]
Selectors = Annotated[list[Text | Chain], Field(min_length=1)]
"""Ways to find one element, the best first. A chain goes through one shadow root after another."""
Number = Annotated[float, Field(allow_inf_nan=False)]
Milliseconds = Annotated[float, Field(gt=0, le=_LONGEST_TIMEOUT_MS)]


class _Model(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


class Navigation(_Model):
    """The event that a step leads to."""

    type: Literal["navigation"]
    url: str | None = None
    title: str | None = None


class _Base(_Model):
    """What every step may have: where it happens, how long it may take, and which navigation it leads to."""

    target: str = "main"
    frame: list[Annotated[int, Field(ge=0)]] = []
    timeout: Milliseconds | None = None
    assertedEvents: list[Navigation] = []  # noqa: N815 - names as in the file

    @property
    def navigation(self) -> Navigation | None:
        """The first navigation that the step leads to."""
        return self.assertedEvents[0] if self.assertedEvents else None


class _WithSelectors(_Base):
    selectors: Selectors


class Click(_WithSelectors):
    """One click, or two."""

    type: Literal["click", "doubleClick"]
    offsetX: Number  # noqa: N815
    offsetY: Number  # noqa: N815
    button: Literal["primary", "auxiliary", "secondary", "back", "forward"] = "primary"
    deviceType: Literal["mouse", "pen", "touch"] = "mouse"  # noqa: N815
    duration: Annotated[float, Field(ge=0, le=_LONGEST_TIMEOUT_MS)] = 0


class Hover(_WithSelectors):
    """The pointer moves onto an element."""

    type: Literal["hover"]


class Change(_WithSelectors):
    """A field gets a value."""

    type: Literal["change"]
    value: str


class Key(_Base):
    """A key goes down, or up."""

    type: Literal["keyDown", "keyUp"]
    key: Text


class Scroll(_Base):
    """The page, or an element, is scrolled to a position."""

    type: Literal["scroll"]
    selectors: Selectors | None = None
    x: Number = 0
    y: Number = 0


class Navigate(_Base):
    """An address is opened."""

    type: Literal["navigate"]
    url: Text


class Close(_Base):
    """A page is closed."""

    type: Literal["close"]


class SetViewport(_Base):
    """The size of the page."""

    type: Literal["setViewport"]
    width: Annotated[float, Field(ge=1, le=20_000)]
    height: Annotated[float, Field(ge=1, le=20_000)]
    deviceScaleFactor: Annotated[float, Field(ge=0, le=10)] = 1  # noqa: N815
    isMobile: bool = False  # noqa: N815
    hasTouch: bool = False  # noqa: N815
    isLandscape: bool = False  # noqa: N815


class EmulateNetworkConditions(_Base):
    """A slower network: bytes a second (below 0: not limited) and milliseconds."""

    type: Literal["emulateNetworkConditions"]
    download: Number
    upload: Number
    latency: Annotated[float, Field(ge=0, le=_LONGEST_TIMEOUT_MS)]


class WaitForElement(_WithSelectors):
    """Waits until so many elements are there."""

    type: Literal["waitForElement"]
    operator: Literal[">=", "==", "<="] = ">="
    count: Annotated[int, Field(ge=0)] = 1
    visible: bool | None = None
    properties: dict[str, Any] = {}
    attributes: dict[str, str] = {}


class WaitForExpression(_Base):
    """Waits until a JavaScript expression is true."""

    type: Literal["waitForExpression"]
    expression: Text


class CustomStep(_Base):
    """A step that only the program it was written for knows."""

    type: Literal["customStep"]
    name: Text
    parameters: Any = None


RecordedStep = (
    Click | Hover | Change | Key | Scroll | Navigate | Close | SetViewport | EmulateNetworkConditions
    | WaitForElement | WaitForExpression | CustomStep
)  # fmt: skip

_STEP: Final[TypeAdapter[RecordedStep]] = TypeAdapter(Annotated[RecordedStep, Field(discriminator="type")])
_TYPES: Final = (
    "setViewport", "navigate", "click", "doubleClick", "change", "hover", "keyDown", "keyUp", "scroll", "close",
    "emulateNetworkConditions", "waitForElement", "waitForExpression", "customStep",
)  # fmt: skip
_SET_UP: Final = (SetViewport, EmulateNetworkConditions)


class _Head(_Model):
    title: str = ""
    timeout: Milliseconds | None = None
    steps: Annotated[list[Any], Field(min_length=1)]


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


def _head(content: bytes, path: Path) -> _Head:
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
        return _Head.model_validate(raw)
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
    known = [one for one in found if one["type"] in _PROBLEMS]
    first = (known or found)[0]
    names = [
        str(place) for place in first["loc"] if place not in _TYPES and not str(place).startswith(("str", "list["))
    ]
    name = "".join(f"[{n}]" if n.isdigit() else f".{n}" for n in names).strip(".") or "it"
    problem = _PROBLEMS.get(first["type"])
    return name, problem or first["msg"].replace("Input should be", "should be")


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
                yield Stretch(_unique(name, taken), dwell_s, tuple(inner))
            name, dwell_s = _own_step(path, number, step.parameters)
            inner = []
            continue
        opened = _page_name(step)
        if opened is not None and inner:
            yield Stretch(_unique(name, taken), dwell_s, tuple(inner))
            name, dwell_s, inner = opened, None, []
        name = name or opened or ""
        inner.append((number, step))
    if inner:
        yield Stretch(_unique(name, taken), dwell_s, tuple(inner))


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


def _unique(name: str, taken: set[str]) -> str:
    """``name`` as a step may be called, unlike those ``taken`` so far; it is added to them."""
    plain = " ".join("".join(" " if unwritable(c) else c for c in redact.text(name)).split())
    plain = segment(plain)[:_LONGEST_NAME].strip()
    if plain in ("-", BETWEEN):
        plain = "home"
    candidates: Iterable[str] = (plain if count == 1 else f"{plain} ({count})" for count in range(1, len(taken) + 2))
    chosen = next(candidate for candidate in candidates if candidate not in taken)
    taken.add(chosen)
    return chosen
