# SPDX-License-Identifier: Apache-2.0
"""The text in which metrics are exposed: only the families that are asked for are taken apart, as kubelets show 50,000 lines.

Source: prometheus.io/docs/instrumenting/exposition_formats, text format 0.0.4; OpenMetrics differs in the unit of its timestamps,
and is not asked for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final

from lichen.collect.machine.prometheus.series import Labels

_LABEL: Final = re.compile(r'\s*([A-Za-z_]\w*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(,|$)')
_ESCAPE: Final = re.compile(r"\\(.)")
_ESCAPED: Final = {"n": "\n", "\\": "\\", '"': '"'}
_NAME_END: Final = re.compile(r"[{\s]")


@dataclass(frozen=True, slots=True)
class Sample:
    """One exposed value.

    Attributes:
        labels: with the metric's own name as ``__name__``.
        at_ms: when it was taken, where the source says so [ms since 1970].
    """

    labels: Labels
    value: float
    at_ms: int | None


def parse(text: str, names: Collection[str]) -> Iterator[Sample]:
    """The samples of some metrics; a line that is none is passed over, as one cut short by a dying server is."""
    for line in text.splitlines():
        end = _NAME_END.search(line)
        if end is None or line[: end.start()] not in names:
            continue
        sample = _sample(line[: end.start()], line[end.start() :])
        if sample is not None:
            yield sample


def _sample(name: str, rest: str) -> Sample | None:
    labels = {"__name__": name}
    if rest.startswith("{"):
        closing = _closing(rest)
        if closing is None:
            return None
        inside, rest = rest[1:closing].strip(), rest[closing + 1 :]
        position = 0
        while position < len(inside):
            found = _LABEL.match(inside, position)
            if found is None:
                return None
            labels[found[1]] = _ESCAPE.sub(lambda escape: _ESCAPED.get(escape[1], escape[0]), found[2])
            position = found.end()
    fields = rest.split()
    try:
        value = float(fields[0])
        at_ms = int(fields[1]) if len(fields) > 1 else None
    except (IndexError, ValueError):
        return None
    return Sample(tuple(sorted(labels.items())), value, at_ms)


def _closing(text: str) -> int | None:
    """Position of the brace that ends the labels; braces in quotes do not."""
    quoted = escaped = False
    for position, character in enumerate(text):
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = quoted
        elif character == '"':
            quoted = not quoted
        elif character == "}" and not quoted:
            return position
    return None
