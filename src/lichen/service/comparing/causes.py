# SPDX-License-Identifier: Apache-2.0
"""What an effect comes from: requests that are new, gone, heavier or more; the step and the part that moved."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from lichen.service.comparing.effects import JourneyEffects
from lichen.service.verdict import Cause, CauseChange, Effect, PlaceEffects

MOST: Final = 8
"""Causes that a verdict keeps."""
_SMALLEST_SHARE: Final = 0.02
"""Of its effect; what explains less is not worth a line."""
_TIED: Final = 1e-9
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_HASHED: Final = re.compile(r"(?<=[.\-_~])(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{8,}(?=\.)")
"""A piece of a file name that a bundler changes with its content."""
_IDENTIFIER: Final = re.compile(r"\d+|(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[A-Za-z0-9_-]{16,}|[0-9a-f]{10,}", re.IGNORECASE)
"""A whole segment of a path that names one record."""


@dataclass(slots=True)
class _Requests:
    """The requests for one address, hashes and values apart. ``known``: all their bytes are."""

    url: str
    host: str
    party: str
    step: str
    count: int = 0
    network_bytes: int = 0
    known: bool = True


def normalised(url: str) -> str:
    """An address without what differs from one version, host or visit to the next: hashes, record ids, values of a query.

    >>> normalised("http://127.0.0.1:8123/assets/main.3f2a9c1b.js?v=12")
    '/assets/main.*.js?v'
    >>> normalised("https://example.org/drafts/1841/done")
    '/drafts/*/done'
    """
    parts = urlsplit(url)
    segments = [
        _IDENTIFIER.sub("*", piece) if _IDENTIFIER.fullmatch(piece) else piece for piece in parts.path.split("/")
    ]
    path = _HASHED.sub("*", _UUID.sub("*", "/".join(segments)))
    names = sorted({name for name, _ in parse_qsl(parts.query, keep_blank_values=True)})
    return path + (f"?{'&'.join(names)}" if names else "")


def _grouped(rows: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], _Requests]:
    """Requests by host (none for the site's own, which has another one on each side) and normalised address."""
    found: dict[tuple[str, str], _Requests] = {}
    for row in rows:
        host = "" if row["party"] == "first" else str(row["host"])
        group = found.setdefault((host, normalised(row["url"])), _Requests(row["url"], host, row["party"], row["step"]))
        group.count += int(row["count"])
        group.network_bytes += int(row["network_bytes"] or 0)
        group.known = group.known and row["network_bytes"] is not None
    return found


def causes_of(
    effects: JourneyEffects, base: Sequence[Mapping[str, Any]], head: Sequence[Mapping[str, Any]]
) -> tuple[Cause, ...]:
    """What differs, the largest explanation first.

    Args:
        effects: of the journey.
        base, head: rows of requests of one typical run of each side, as run files keep them.

    Each cause explains a share of one effect (bytes, requests or CPU time); its place is that share times the logarithm of how
    much the quantity changed, so that a tenth of a doubling goes after the whole of a tripling.
    """
    weighed: list[tuple[float, Cause]] = [
        *_by_host(_requests(effects, _grouped(base), _grouped(head))),
        *_by_place("part", effects.parts, effects.whole.get("cpu_time")),
        *_by_place("step", effects.steps, effects.whole.get("cpu_time")),
        *_layouts(effects.whole.get("layouts")),
    ]
    worth = [(weight, cause) for weight, cause in weighed if cause.share is None or cause.share >= _SMALLEST_SHARE]
    # Heavier before lighter: who reads a regression looks for what was added.
    ordered = sorted(
        worth, key=lambda item: (-round(item[0], 6), item[1].change in ("gone", "lighter", "fewer"), item[1].name)
    )
    return tuple(cause for _, cause in ordered[:MOST])


def _size(effect: Effect | None) -> float:
    """How much an effect weighs: the logarithm of its ratio; 0 when unknown, or when it may be nothing."""
    if effect is None or not _moved(effect):
        return 0.0
    if effect.change is None:  # something out of nothing
        return 1.0
    return abs(math.log1p(effect.change)) if effect.change > -1 else 1.0


def _moved(effect: Effect) -> bool:
    """Whether the interval of an effect leaves nothing out but a change."""
    if effect.exact:
        return effect.base != effect.head
    return (effect.low is not None and effect.low > 0) or (effect.high is not None and effect.high < 0)


def _requests(
    effects: JourneyEffects, base: Mapping[tuple[str, str], _Requests], head: Mapping[tuple[str, str], _Requests]
) -> Iterator[tuple[float, Cause]]:
    """Each address whose requests or bytes differ."""
    of_bytes, of_requests = (effects.whole.get(name) for name in ("network_bytes", "requests"))
    rows = [(key, base.get(key), head.get(key)) for key in dict.fromkeys((*head, *base))]
    deltas = [
        (
            key,
            before,
            after,
            (after.network_bytes if after else 0) - (before.network_bytes if before else 0),
            (after.count if after else 0) - (before.count if before else 0),
        )
        for key, before, after in rows
    ]
    moved_bytes = math.fsum(abs(one[3]) for one in deltas) or 1.0
    moved_requests = math.fsum(abs(one[4]) for one in deltas) or 1.0
    for (host, address), before, after, bytes_delta, requests_delta in deltas:
        if not bytes_delta and not requests_delta:
            continue
        shown = after or before
        if shown is None:
            continue
        of_b, of_r = abs(bytes_delta) / moved_bytes, abs(requests_delta) / moved_requests
        weights = of_b * _size(of_bytes), of_r * _size(of_requests)
        change: CauseChange = "heavier" if bytes_delta > 0 else "lighter"
        if before is None:
            change = "new"
        elif after is None:
            change = "gone"
        elif requests_delta:
            change = "more" if requests_delta > 0 else "fewer"
        known = (before is None or before.known) and (after is None or after.known)
        yield (
            max(weights),
            _worded(
                Cause(
                    kind="request",
                    change=change,
                    text="",
                    name=_file_name(address) or host or shown.host or "/",
                    share=of_b if weights[0] >= weights[1] else of_r,
                    bytes_delta=bytes_delta if known else None,
                    requests_delta=requests_delta,
                    step=shown.step,
                    host=host,
                    url=shown.url,
                )
            ),
        )


def _file_name(address: str) -> str:
    path = address.partition("?")[0].rstrip("/")
    return unquote(path.rpartition("/")[2] if "." in path.rpartition("/")[2] else path)


def _by_host(causes: Iterable[tuple[float, Cause]]) -> list[tuple[float, Cause]]:
    """Causes of one third party as one, where several of its addresses are new or gone."""
    alone: list[tuple[float, Cause]] = []
    together: dict[tuple[str, CauseChange], list[tuple[float, Cause]]] = {}
    for weight, cause in causes:
        if cause.host and cause.change in ("new", "gone"):
            together.setdefault((cause.host, cause.change), []).append((weight, cause))
        else:
            alone.append((weight, cause))
    for (host, _), group in together.items():
        if len(group) == 1:
            alone += group
            continue
        found = [cause for _, cause in group]
        amounts = [cause.bytes_delta for cause in found]
        merged = replace(
            found[0],
            name=host,
            share=math.fsum(cause.share or 0.0 for cause in found),
            bytes_delta=None if None in amounts else sum(amount or 0 for amount in amounts),
            requests_delta=sum(cause.requests_delta or 0 for cause in found),
            url="",
        )
        alone.append((math.fsum(weight for weight, _ in group), _worded(merged)))
    return alone


def _by_place(kind: str, places: Sequence[PlaceEffects], whole: Effect | None) -> Iterator[tuple[float, Cause]]:
    """Parts or steps whose CPU time moved. A single one tells nothing that the whole does not."""
    found = [(place, effect) for place in places if (effect := place.effect("cpu_time")) is not None]
    if whole is None or len(found) < 2:
        return
    deltas = [_difference(effect) for _, effect in found]
    total = math.fsum(map(abs, deltas)) or 1.0
    for (place, effect), delta in zip(found, deltas, strict=True):
        if not place.name or not _moved(effect) or abs(delta) < _TIED:
            continue
        share = abs(delta) / total
        yield (
            share * _size(whole),
            _worded(
                Cause(
                    kind="part" if kind == "part" else "step",
                    change="heavier" if delta > 0 else "lighter",
                    text="",
                    name=place.name,
                    share=share,
                    cpu_s_delta=delta,
                    step=place.name if kind == "step" else "",
                )
            ),
        )


def _layouts(effect: Effect | None) -> Iterator[tuple[float, Cause]]:
    if effect is None or not _moved(effect) or not effect.exact:
        return
    delta = _difference(effect)
    cause = Cause(
        kind="counter", change="more" if delta > 0 else "fewer", text="", name="layouts", requests_delta=round(delta)
    )
    yield 0.0, _worded(cause)


def _difference(effect: Effect) -> float:
    return 0.0 if effect.base is None or effect.head is None else effect.head - effect.base


def _worded(cause: Cause) -> Cause:
    return replace(cause, text=cause_text(cause))


def cause_text(cause: Cause) -> str:
    """A cause in one English sentence without its full stop."""
    where = f" (step '{cause.step}')" if cause.kind == "request" and cause.step else ""
    if cause.kind == "counter":
        return f"{cause.requests_delta or 0:+d} layout passes"
    if cause.kind in ("part", "step"):
        return f"{_seconds(cause.cpu_s_delta or 0.0)} of CPU time in the {cause.kind} '{cause.name}'"
    amount = "" if not cause.bytes_delta else f"{_bytes(cause.bytes_delta)}: "
    count = abs(cause.requests_delta or 0)
    requests = f"{count} request{'s' if count != 1 else ''}"
    at = f"{cause.name} on {cause.host}" if cause.host and cause.name != cause.host else cause.name
    words = {
        "new": f"{amount}{at} is new" if cause.url and count == 1 else f"{amount}{requests} to {at}, new",
        "gone": f"{amount}{at} is gone" if cause.url and count == 1 else f"{amount}{requests} to {at}, gone",
        "more": f"{amount}{count} more request{'s' if count != 1 else ''} to {at}",
        "fewer": f"{amount}{count} fewer request{'s' if count != 1 else ''} to {at}",
    }
    return words.get(cause.change, f"{amount}{at}") + where


def _bytes(amount: int) -> str:
    """Signed, three digits at most, in decimal multiples."""
    value = float(amount)
    for unit in ("B", "kB", "MB"):
        if abs(value) < 999.5 or unit == "MB":
            break
        value /= 1000
    return f"{value:+.0f} {unit}" if abs(value) >= 10 or unit == "B" else f"{value:+.1f} {unit}"


def _seconds(seconds: float) -> str:
    return f"{seconds * 1000:+.0f} ms" if abs(seconds) < 0.9995 else f"{seconds:+.2g} s"
