# SPDX-License-Identifier: Apache-2.0

"""What a recording of the browser's developer tools may hold, field by field.

Format: ``Schema.ts`` of the package ``@puppeteer/replay`` (Apache-2.0), as exported by Chrome 156. Fields that it does not know
are left alone, as its own reader does.
"""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

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


class Head(_Model):
    """The recording itself; its steps are read one by one."""

    title: str = ""
    timeout: Milliseconds | None = None
    steps: Annotated[list[Any], Field(min_length=1)]
