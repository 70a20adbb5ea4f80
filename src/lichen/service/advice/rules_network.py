# SPDX-License-Identifier: Apache-2.0
"""Rules on what crosses the network."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from urllib.parse import urlsplit

import numpy as np

from lichen.collect.entities import BROWSER
from lichen.collect.survey import Resource
from lichen.service.advice.evidence import JourneyEvidence
from lichen.service.advice.finding import Finding, Rule, Saved

_NETWORK: Final = "network_bytes"
_STATIC: Final = ("script", "stylesheet", "image", "font", "media")
_LEAST_BYTES: Final = 2048
"""What saves less is not worth a line."""

# --- texts that were not compressed -----------------------------------------------------------------------------------


def uncompressed(evidence: JourneyEvidence) -> Iterator[Finding]:
    """Texts that came as they are. The saving was tried: gzip at its usual, fastest and best level; brotli saves more."""
    found = [one for one in evidence.resources if one.gzip_bytes is not None and one.party == "first"]
    by_step: dict[str, list[Resource]] = defaultdict(list)
    for one in found:
        by_step[one.step].append(one)
    for step, rows in by_step.items():
        gains = np.array([[one.decoded_bytes - size for size in one.gzip_bytes or ()] for one in rows], dtype=float)
        fast, usual, best = np.maximum(gains, 0.0).sum(axis=0)
        if usual >= _LEAST_BYTES:
            yield Finding(
                rule="uncompressed",
                step=step,
                subjects=_urls(rows),
                facts={"count": len(rows), "bytes": sum(one.decoded_bytes for one in rows)},
                saved=(_bytes(step, usual, min(fast, usual), max(best, usual)),),
            )


# --- images -----------------------------------------------------------------------------------------------------------

_TOO_LARGE: Final = 1.5
"""Pixels of the file over pixels shown, from which an image counts as too large: a size in between serves several screens."""
_EXPONENTS: Final = (0.75, 0.875, 1.0)
"""Bytes of a picture grow with its pixels to a power between 0.75 (small pictures keep more detail a pixel) and 1 (assumed)."""


def oversized_images(evidence: JourneyEvidence) -> Iterator[Finding]:
    """Images with more pixels than their place can show."""
    survey = evidence.survey
    by_step: dict[str, list[tuple[str, int, float, tuple[float, ...]]]] = defaultdict(list)
    for image in survey.images if survey is not None else ():
        size, step = evidence.bytes_of(image.url)
        if image.shown_px <= 0 or image.natural_px < _TOO_LARGE * image.shown_px or _path(image.url).endswith(".svg"):
            continue
        ratio = image.natural_px / image.shown_px
        by_step[step].append((image.url, size, ratio, tuple(size * (1 - ratio**-power) for power in _EXPONENTS)))
    for step, rows in by_step.items():
        rows.sort(key=lambda row: -row[3][1])
        low, usual, high = (sum(gains[i] for *_, gains in rows) for i in range(3))
        if usual >= _LEAST_BYTES:
            yield Finding(
                rule="oversized-images",
                step=step,
                subjects=tuple(url for url, *_ in rows),
                facts={
                    "count": len(rows),
                    "bytes": sum(size for _, size, *_ in rows),
                    "ratio": max(row[2] for row in rows),
                },
                saved=(_bytes(step, usual, low, high),),
            )


def unseen_images(evidence: JourneyEvidence) -> Iterator[Finding]:
    """Images that were loaded and never came into view in the whole journey, and that were not asked to wait for it.

    A visitor who scrolls further would see some of them: none of the saving is certain.
    """
    survey = evidence.survey
    unseen = [one for one in (survey.images if survey is not None else ()) if not one.seen and not one.lazy]
    by_step: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for image in unseen:
        size, step = evidence.bytes_of(image.url)
        by_step[step].append((image.url, size))
    for step, rows in by_step.items():
        total = sum(size for _, size in rows)
        if total >= _LEAST_BYTES:
            yield Finding(
                rule="unseen-images",
                step=step,
                subjects=tuple(url for url, _ in sorted(rows, key=lambda row: -row[1])),
                facts={"count": len(rows), "bytes": total},
                saved=(_bytes(step, total, 0.0, total),),
            )


_OLD_FORMATS: Final = {"image/jpeg": (0.25, 0.30, 0.34), "image/png": (0.20, 0.26, 0.45), "image/gif": (0.2, 0.4, 0.64)}
"""Share that WebP saves (low, usual, high): 25 to 34 % against JPEG of the same quality, 26 % against PNG without loss
(developers.google.com/speed/webp); the wide ends for PNG and GIF are assumed."""


def old_formats(evidence: JourneyEvidence) -> Iterator[Finding]:
    """Pictures in formats that newer ones beat at the same quality."""
    by_step: dict[str, list[Resource]] = defaultdict(list)
    for one in evidence.fetched("image"):
        if one.content_type in _OLD_FORMATS:
            by_step[one.step].append(one)
    for step, rows in by_step.items():
        shares = [_OLD_FORMATS[one.content_type] for one in rows]
        sizes = [one.received_bytes for one in rows]
        low, usual, high = (sum(s * share[i] for s, share in zip(sizes, shares, strict=True)) for i in range(3))
        if usual >= _LEAST_BYTES:
            yield Finding(
                rule="old-image-format",
                step=step,
                subjects=_urls(rows),
                facts={"count": len(rows), "bytes": sum(sizes)},
                saved=(_bytes(step, usual, low, high),),
            )


# --- caches -----------------------------------------------------------------------------------------------------------

_A_DAY_S: Final = 86400
_MAX_AGE: Final = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?(\d+)")


def cached_s(header: str) -> int:
    """How long a cache may keep an answer without asking [s].

    >>> cached_s("public, max-age=31536000, immutable"), cached_s("no-store, max-age=60"), cached_s("")
    (31536000, 0, 0)
    """
    told = header.lower()
    age = _MAX_AGE.search(told)
    return 0 if age is None or "no-store" in told or "no-cache" in told else int(age.group(1))


def fetched_again(evidence: JourneyEvidence) -> Iterator[Finding]:
    """Static files that crossed the network more than once in one journey: those bytes are saved for certain."""
    by_url: dict[str, list[Resource]] = defaultdict(list)
    for one in evidence.fetched(*_STATIC):
        if one.method == "GET":
            by_url[one.url].append(one)
    repeated = {url: rows[1:] for url, rows in by_url.items() if len(rows) > 1}
    by_step: dict[str, list[Resource]] = defaultdict(list)
    for rows in repeated.values():
        for one in rows:
            by_step[one.step].append(one)
    for step, rows in by_step.items():
        total = sum(one.received_bytes for one in rows)
        if total >= _LEAST_BYTES:
            yield Finding(
                rule="fetched-again",
                step=step,
                subjects=_urls(rows),
                facts={"count": len(rows), "bytes": total},
                saved=(_bytes(step, total, total, total),),
            )


def not_cached(evidence: JourneyEvidence) -> Iterator[Finding]:
    """Own static files that no cache may keep for a day: every visit of a returning person fetches them again.

    How many visitors return is not known here, so the saving lies between nothing and all of it.
    """
    rows = [
        one
        for one in evidence.fetched(*_STATIC)
        if one.party == "first" and one.method == "GET" and cached_s(one.cache_control) < _A_DAY_S
    ]
    by_step: dict[str, dict[str, Resource]] = defaultdict(dict)
    for one in rows:
        by_step[one.step].setdefault(one.url, one)
    for step, files in by_step.items():
        total = sum(one.received_bytes for one in files.values())
        if total >= _LEAST_BYTES:
            yield Finding(
                rule="not-cached",
                step=step,
                subjects=_urls(list(files.values())),
                facts={"count": len(files), "bytes": total},
                saved=(Saved(part=BROWSER, step=step, quantity=_NETWORK, value=None, low=0.0, high=total),),
            )


# --- requests ---------------------------------------------------------------------------------------------------------

_POLLS: Final = 4
_NEAR: Final = 0.5
"""How far a pause may lie from the usual one, as a share of it."""
_REGULAR: Final = 0.6
"""Share of the pauses that must lie that near: a page that is left ends one early."""
_QUICKEST_S: Final = 0.2


def polling(evidence: JourneyEvidence) -> Iterator[Finding]:
    """The same address asked again and again at regular pauses. Answers pushed, or asked for half as often, save the rest.

    Automation hurries: a person who stays longer in a page is polled for longer than was measured.
    """
    for url, rows in polled(evidence).items():
        pauses_s = np.diff([one.at_s for one in rows])
        total = sum(one.received_bytes + one.sent_bytes for one in rows)
        most = total * (len(rows) - 1) / len(rows)
        steps = {one.step for one in rows if one.step}
        step = rows[0].step if len(steps) == 1 else ""
        yield Finding(
            rule="polling",
            step=step,
            subjects=(url,),
            facts={"count": len(rows), "pause_s": float(np.median(pauses_s)), "bytes": total},
            saved=(_bytes(step, most, total / 2, most),),
        )


def polled(evidence: JourneyEvidence) -> dict[str, list[Resource]]:
    """Requests of scripts that come at regular pauses, by address without its query."""
    groups: dict[tuple[str, str], list[Resource]] = defaultdict(list)
    for one in evidence.resources:
        if one.kind == "fetch":
            parts = urlsplit(one.url)
            groups[one.method, f"{parts.scheme}://{parts.netloc}{parts.path}"].append(one)
    return {url: rows for (_, url), rows in groups.items() if _is_regular([one.at_s for one in rows])}


def _is_regular(moments_s: Sequence[float]) -> bool:
    if len(moments_s) < _POLLS:
        return False
    pauses_s = np.diff(moments_s)
    usual_s = float(np.median(pauses_s))
    near = np.abs(pauses_s - usual_s) <= _NEAR * usual_s
    return usual_s >= _QUICKEST_S and float(near.mean()) >= _REGULAR


_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


def redirects(evidence: JourneyEvidence) -> Iterator[Finding]:
    """Answers that only sent the browser elsewhere; that of a form that was posted is good practice."""
    by_step: dict[str, list[Resource]] = defaultdict(list)
    for one in evidence.resources:
        if one.status in _REDIRECTS and one.method == "GET":
            by_step[one.step].append(one)
    for step, rows in by_step.items():
        total = sum(one.received_bytes + one.sent_bytes for one in rows)
        yield Finding(
            rule="redirects",
            step=step,
            subjects=_urls(rows),
            facts={"count": len(rows), "bytes": total},
            saved=(_bytes(step, total, total, total),),
        )


def third_parties(evidence: JourneyEvidence) -> Iterator[Finding]:
    """What each other site is asked for. Whether it is needed only its owner knows: the saving is what leaving it out saves."""
    groups: dict[tuple[str, str], list[Resource]] = defaultdict(list)
    for one in evidence.resources:
        if one.party == "third":
            groups[one.step, urlsplit(one.url).hostname or one.url].append(one)
    for (step, host), rows in groups.items():
        total = sum(one.received_bytes + one.sent_bytes for one in rows)
        if total >= _LEAST_BYTES:
            yield Finding(
                rule="third-party",
                step=step,
                subjects=(host,),
                facts={"count": len(rows), "bytes": total},
                saved=(_bytes(step, total, 0.0, total),),
            )


_FONTS_MOST_BYTES: Final = 400_000
_FONTS_MOST: Final = 4
"""RGESN 2024, criterion 4.8: at most two families with four variants, or 400 kB."""
_WOFF2_SAVES: Final = (0.15, 0.26, 0.40)
"""Share that WOFF 2 saves against WOFF 1 (w3.org/TR/WOFF20ER: 26 % in the middle of a large collection); ends assumed."""


def old_fonts(evidence: JourneyEvidence) -> Iterator[Finding]:
    """Fonts in formats that WOFF 2 beats."""
    for step, rows in _fonts(evidence).items():
        old = [one for one in rows if "woff2" not in one.content_type and not _path(one.url).endswith(".woff2")]
        size = sum(one.received_bytes for one in old)
        low, usual, high = (size * share for share in _WOFF2_SAVES)
        if usual >= _LEAST_BYTES:
            yield Finding(
                rule="old-font-format",
                step=step,
                subjects=_urls(old),
                facts={"count": len(old), "bytes": size},
                saved=(_bytes(step, usual, low, high),),
            )


def many_fonts(evidence: JourneyEvidence) -> Iterator[Finding]:
    """More fonts than a page needs: what lies beyond 400 kB is saved at least."""
    for step, rows in _fonts(evidence).items():
        total = sum(one.received_bytes for one in rows)
        if len(rows) > _FONTS_MOST and total > _FONTS_MOST_BYTES:
            over = total - _FONTS_MOST_BYTES
            yield Finding(
                rule="many-fonts",
                step=step,
                subjects=_urls(rows),
                facts={"count": len(rows), "bytes": total},
                saved=(_bytes(step, over, over, total),),
            )


def _fonts(evidence: JourneyEvidence) -> dict[str, list[Resource]]:
    by_step: dict[str, list[Resource]] = defaultdict(list)
    for one in evidence.fetched("font"):
        by_step[one.step].append(one)
    return by_step


def _bytes(step: str, value: float, low: float, high: float) -> Saved:
    return Saved(part=BROWSER, step=step, quantity=_NETWORK, value=float(value), low=float(low), high=float(high))


def _path(url: str) -> str:
    return urlsplit(url).path.lower()


def _urls(rows: Sequence[Resource]) -> tuple[str, ...]:
    ordered: Iterable[Resource] = sorted(rows, key=lambda one: -one.received_bytes)
    return tuple(dict.fromkeys(one.url for one in ordered))


RULES: Final = (
    Rule(rule_id="uncompressed", effort="low", find=uncompressed, rgesn=("6.3",), wsg=("4.3",)),
    Rule(rule_id="oversized-images", effort="low", find=oversized_images, rgesn=("6.4",), wsg=("2.9",)),
    Rule(rule_id="unseen-images", effort="low", find=unseen_images, rgesn=("6.5",), wsg=("2.9", "3.7")),
    Rule(rule_id="old-image-format", effort="medium", find=old_formats, rgesn=("5.1", "5.2"), wsg=("2.9",)),
    Rule(rule_id="fetched-again", effort="low", find=fetched_again, rgesn=("6.2",), wsg=("4.2",)),
    Rule(rule_id="not-cached", effort="low", find=not_cached, rgesn=("6.2",), wsg=("4.2",)),
    Rule(rule_id="polling", effort="medium", find=polling, wsg=("3.7",)),
    Rule(rule_id="redirects", effort="low", find=redirects, wsg=("4.4",)),
    Rule(rule_id="third-party", effort="medium", find=third_parties, wsg=("3.5",)),
    Rule(rule_id="old-font-format", effort="low", find=old_fonts, rgesn=("4.8",), wsg=("2.11",)),
    Rule(rule_id="many-fonts", effort="medium", find=many_fonts, rgesn=("4.8",), wsg=("2.11",)),
)
