# SPDX-License-Identifier: Apache-2.0
"""Why a quantity is unknown, where the measurement knows it: beside the method's "its value is unknown"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

UNKNOWN: Final = "unknown_value"
"""Code of a reason of the model: the quantity is there, its value is not."""
SENTENCES: Final[Mapping[tuple[str, str], str]] = {
    ("network_bytes", "parts"): (
        "it shares its control group with browsers or servers that are counted apart; lichen run --no-attach counts the bytes of "
        "all of them together"
    ),
    ("network_bytes", "others"): (
        "it shares its network and its control group with other processes; give it a command in lichen.toml, a service or a "
        "container of its own"
    ),
    ("network_bytes", "right"): (
        "the bytes of a process cannot be counted without privileges: run as root; those of a container or a control group with "
        "a network of its own are known"
    ),
}
"""English sentence of each quantity and cause, as it stands in the public JSON."""


def with_causes(
    rows: Iterable[Mapping[str, Any]], causes: Iterable[Mapping[str, Any]]
) -> tuple[Mapping[str, Any], ...]:
    """What is not covered, with the reason that the run tells for it.

    Args:
        rows: ``not_covered`` of a journey: part, quantity, reason, code and arguments.
        causes: ``unknown`` of the journey's record: part, quantity and cause; a cause that is not known here changes nothing.
    """
    known = {(one.get("part"), one.get("quantity")): str(one.get("cause")) for one in causes}
    return tuple(_with_cause(row, known.get((row["part"], row["quantity"]))) for row in rows)


def _with_cause(row: Mapping[str, Any], cause: str | None) -> Mapping[str, Any]:
    sentence = SENTENCES.get((row["quantity"], cause or ""))
    if sentence is None or row["code"] != UNKNOWN:
        return row
    return {**row, "reason": sentence, "arguments": {**row["arguments"], "cause": cause}}
