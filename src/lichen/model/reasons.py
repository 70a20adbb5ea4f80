# SPDX-License-Identifier: Apache-2.0
"""Why a quantity has no impact: a code with its arguments, so that a reader gets the sentence in their language.

The English sentence goes with the row into the public JSON; the catalogues of `lichen.render` hold the same codes
(``reason.<code>``) in every language, and a test holds both English texts together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

METHOD: Final = "method"
"""Code of a reason that the method's own file gives, in both languages."""

SENTENCES: Final[Mapping[str, str]] = {
    METHOD: "{en}",
    "unknown_value": "its value is unknown",
    "no_factor": "the factor '{factor}' has no value for {place}",
    "no_attribute": "the attribute '{name}' is missing",
    "no_context": "the context '{name}' is missing",
    "no_platform": "the catalogue does not know the platform '{platform}'",
    "near_platform": "the catalogue does not know the platform '{platform}' (did you mean '{near}'?)",
    "no_fact": "the catalogue does not tell {name} of '{platform}'",
    "no_quantity": "{method} also needs {quantity} of the same entity",
    "no_rule": "{method} has no rule for {quantity}",
    "no_rule_of_tier": "{method} has no rule for {quantity} of tier {tier}",
    "superseded": "superseded by {meter}",
}
"""English sentence of each code."""


@dataclass(frozen=True, slots=True)
class Reason:
    """A code and what fills the gaps of its sentence."""

    code: str
    arguments: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """The English sentence; ends with the indicator and phase that it concerns when it does not concern all."""
        sentence = SENTENCES[self.code].format(**self.arguments)
        only = [self.arguments[key] for key in ("indicator", "phase") if key in self.arguments]
        return f"{sentence} ({', '.join(only)})" if only else sentence


class Missing(Exception):
    """A binding has no value."""

    def __init__(self, code: str, **arguments: str) -> None:
        super().__init__(code)
        self.code = code
        self.arguments = arguments

    def reason(self, indicator: str, phase: str) -> Reason:
        """The reason why an indicator of a phase is not known."""
        return Reason(self.code, {**self.arguments, "indicator": indicator, "phase": phase})
