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
_FIRST: Final = 3
_SECOND: Final = 2
"""Causes of the effect that changed most, then of the other one, before the rest."""
_TIED: Final = 1e-9
_STEM: Final = re.compile(r"[.\-_@~]")
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
    segments = ["*" if _IDENTIFIER.fullmatch(piece) else piece for piece in parts.path.split("/")]
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
    """What differs, the best explanation first.

    Args:
        effects: of the journey.
        base, head: rows of requests of one typical run of each side, as run files keep them.

    Returns:
        Each cause explains a share of one effect. Those of the effect that surely changed most come first (the logarithm of its
        ratio decides), by share; after three of them the first of the other effect, so that a long list of files hides nothing.
    """
    whole = effects.whole
    requests = _by_host(_requests(effects, _grouped(base), _grouped(head)))
    parts = _ordered(_by_place("part", effects.parts, whole.get("cpu_time")))
    steps = _ordered(_by_place("step", effects.steps, whole.get("cpu_time")))
    # Who does the work, then when; the others of both after these two.
    places = [*parts[:1], *steps[:1], *parts[1:], *steps[1:]]
    traffic = max(_size(whole.get("network_bytes")), _size(whole.get("requests")))
    groups = [(traffic, _ordered(requests)), (_size(whole.get("cpu_time")), places)]
    (_, first), (_, second) = sorted(groups, key=lambda group: -group[0])
    found = [*first[:_FIRST], *second[:_SECOND], *_layouts(whole.get("layouts")), *first[_FIRST:], *second[_SECOND:]]
    return tuple(found[:MOST])


def _ordered(weighed: Iterable[tuple[float, Cause]]) -> list[Cause]:
    """By weight; heavier before lighter: who reads a regression looks for what was added."""
    worth = [item for item in weighed if (item[1].share or 0.0) >= _SMALLEST_SHARE]
    lighter = ("gone", "lighter", "fewer")
    return [
        cause for _, cause in sorted(worth, key=lambda one: (-round(one[0], 6), one[1].change in lighter, one[1].name))
    ]


def _size(effect: Effect | None) -> float:
    """How much an effect weighs: the logarithm of the ratio that is sure; 0 when unknown, or when it may be nothing.

    The bound of the interval that lies nearer to no change is sure: a noisy counter does not come before a steadier one by luck.
    """
    if effect is None or not _moved(effect):
        return 0.0
    if effect.change is None:  # something out of nothing
        return 1.0
    sure = effect.change
    if not effect.exact and effect.low is not None and effect.high is not None:
        sure = effect.low if effect.change > 0 else effect.high
    return abs(math.log1p(sure)) if sure > -1 else 1.0


def _moved(effect: Effect) -> bool:
    """Whether the interval of an effect leaves nothing out but a change."""
    if effect.exact:
        return effect.base != effect.head
    return (effect.low is not None and effect.low > 0) or (effect.high is not None and effect.high < 0)


@dataclass(frozen=True, slots=True)
class _Pair:
    """The requests for one address on both sides; ``was`` is the name of the file that it took the place of."""

    address: str
    before: _Requests | None
    after: _Requests | None
    was: str = ""

    @property
    def shown(self) -> _Requests:
        found = self.after or self.before
        assert found is not None  # noqa: S101 - a pair has one side at least
        return found

    @property
    def network_bytes(self) -> int:
        return (self.after.network_bytes if self.after else 0) - (self.before.network_bytes if self.before else 0)

    @property
    def count(self) -> int:
        return (self.after.count if self.after else 0) - (self.before.count if self.before else 0)

    @property
    def known(self) -> bool:
        return all(side is None or side.known for side in (self.before, self.after))

    @property
    def change(self) -> CauseChange:
        if self.before is None:
            return "new"
        if self.after is None:
            return "gone"
        if self.count:
            return "more" if self.count > 0 else "fewer"
        return "heavier" if self.network_bytes > 0 else "lighter"


def _pairs(base: Mapping[tuple[str, str], _Requests], head: Mapping[tuple[str, str], _Requests]) -> Iterator[_Pair]:
    """Both sides of each address; a file that went, and one of the same name but its ending that came, are one."""
    gone: dict[tuple[str, str], list[str]] = {}
    for host, address in base:
        if (host, address) not in head:
            gone.setdefault((host, _stem(address)), []).append(address)
    taken: set[tuple[str, str]] = set()
    for host, address in head:
        before = base.get((host, address))
        candidates = [] if before is not None else gone.get((host, _stem(address)), [])
        if _stem(address) and len(candidates) == 1 and (host, candidates[0]) not in taken:
            taken.add((host, candidates[0]))
            yield _Pair(address, base[host, candidates[0]], head[host, address], _file_name(candidates[0]))
        else:
            yield _Pair(address, before, head[host, address])
    for host, address in base:
        if (host, address) not in head and (host, address) not in taken:
            yield _Pair(address, base[host, address], None)


def _stem(address: str) -> str:
    """File name of an address up to its first mark: of ``/pictures/hero-960.avif`` it is ``hero``; empty for no file."""
    name = address.partition("?")[0].rpartition("/")[2]
    return _STEM.split(name)[0] if "." in name else ""


def _requests(
    effects: JourneyEffects, base: Mapping[tuple[str, str], _Requests], head: Mapping[tuple[str, str], _Requests]
) -> Iterator[tuple[float, Cause]]:
    """Each address whose requests or bytes differ, with its weight."""
    of_bytes, of_requests = (_size(effects.whole.get(name)) for name in ("network_bytes", "requests"))
    pairs = list(_pairs(base, head))
    moved_bytes = math.fsum(abs(pair.network_bytes) for pair in pairs) or 1.0
    moved_requests = math.fsum(abs(pair.count) for pair in pairs) or 1.0
    for pair in pairs:
        if not pair.network_bytes and not pair.count:
            continue
        shares = abs(pair.network_bytes) / moved_bytes, abs(pair.count) / moved_requests
        weights = shares[0] * of_bytes, shares[1] * of_requests
        shown = pair.shown
        cause = Cause(
            kind="request",
            change=pair.change,
            text="",
            name=_file_name(pair.address) or shown.host or "/",
            share=shares[0] if weights[0] >= weights[1] else shares[1],
            bytes_delta=pair.network_bytes if pair.known else None,
            requests_delta=pair.count,
            step=shown.step,
            host=shown.host,
            url=shown.url,
            instead_of=pair.was,
        )
        yield max(weights), _worded(cause)


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
    if whole is None or sum(bool(place.name) for place, _ in found) < 2:
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


def _layouts(effect: Effect | None) -> Iterator[Cause]:
    if effect is None or not _moved(effect) or effect.base is None or effect.head is None:
        return
    delta = round(effect.head) - round(effect.base)
    if delta:
        change: CauseChange = "more" if delta > 0 else "fewer"
        yield _worded(Cause(kind="counter", change=change, text="", name="layouts", requests_delta=delta))


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
    instead = f" in place of {cause.instead_of}" if cause.instead_of and cause.instead_of != cause.name else ""
    return words.get(cause.change, f"{amount}{at}{instead}") + where


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
