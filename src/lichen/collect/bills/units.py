# SPDX-License-Identifier: Apache-2.0
"""The units of bills: ``Hrs``, ``GB-Mo``, ``10K requests``, ``1 GB/Month``, ``Lambda-GB-Second``, ``GiBy.mo``.

A unit is a product: a number, at most one volume of bytes, at most one thing that is counted, a time. FOCUS writes it as
``<unit>-<times>``, ``<number> <unit>`` or ``<unit>/<time>``; providers write it in as many ways as they have price lists. A slash
before a time means the same as a hyphen: ``GB/Month`` is a gigabyte held for a month. Letter case and plurals say nothing.

Gigabytes are taken as they are written: GB as 10^9, GiB as 2^30. A rule that knows better says so (`BillUnit.binary`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Literal

Dimension = Literal["time", "unit_time", "byte_time", "bytes", "count"]
"""Time of the thing itself; time of units of something (vCPU, IOPS); bytes over time; bytes; a number of things."""
DIMENSIONS: Final[tuple[Dimension, ...]] = ("time", "unit_time", "byte_time", "bytes", "count")

_SECONDS: Final = {
    1.0: ("s", "sec", "second"),
    60.0: ("min", "minute"),
    3600.0: ("h", "hr", "hour", "hourly"),
    86400.0: ("d", "day"),
    31536000.0: ("y", "yr", "year"),
}
_MONTH: Final = ("mo", "mon", "month", "mth", "mp")
"""``GB-Mp`` stands in bills of Amazon OpenSearch for ``GB-Mo``."""
_NUMBERS: Final = {"k": 1e3, "thousand": 1e3, "m": 1e6, "million": 1e6, "mm": 1e6, "billion": 1e9}
_PREFIXES: Final = {"k": 1, "m": 2, "g": 3, "t": 4, "p": 5, "e": 6}
_DECIMAL_NAMES: Final = ("kilo", "mega", "giga", "tera", "peta", "exa")
_BINARY_NAMES: Final = ("kibi", "mebi", "gibi", "tebi", "pebi", "exbi")
_NARROWING: Final = """
a active an analyzed and api archived aws azure batch billable block build capacity compute concurrent config custom
data db delete deleted ec2 edge fargate for free get hosted in ingested lambda list log machine managed memory mixed
monthly moved network none of on os out paid per performance physical post premium processed provisioned put read
recorded redshift registry replicated reserved retrieved returned running scanned security served shared size spot
standard state storage stored the tier total transferred used virtual vm workflow write x
"""
"""Words that narrow a unit down and change nothing of what it counts."""
_NEUTRAL: Final = frozenset(_NARROWING.split())
_THINGS: Final = {
    "vcpu": ("vcpu", "cpu", "vcore", "core"),
    "ocpu": ("ocpu",),
    "ecpu": ("ecpu",),
    "gpu": ("gpu",),
    "acu": ("acu",),
    "dpu": ("dpu",),
    "rpu": ("rpu",),
    "lcu": ("lcu", "nlcu", "glcu", "clcu"),
    "ncu": ("ncu", "ncus", "mcu"),
    "ocu": ("ocu",),
    "kpu": ("kpu",),
    "dtu": ("dtu", "edtu"),
    "ru": ("ru", "rus"),
    "iops": ("iops",),
    "throughput": ("mibps", "mbps", "gbps", "gibps"),
    "io": ("io",),
    "token": ("token",),
    "unit": ("unit", "cu", "scu", "wcu", "rcu", "wru", "rru"),
}  # fmt: skip
_PIECES: Final = """
acl activitie activity address addresse agent alarm app application assessment asset attribute bot branch broker call
canarie canary certificate change char character check chunk cluster configuration configurationitem connection
container count dashboard datapoint deliverie delivery device disk document domain download ea each email endpoint
entrie entry evaluation event execution face file finding function gateway group host hostedzone image inference
instance interaction invocation ip item job key licence license lookup mail mau member message metric model msg node
notification number obj object op operation page payload pipeline pod policie policy port prediction process project
publish purchase quantity querie query queue record recording registration repositorie repository req request resource
room row rule run sample seat secret segment sensor server session shard site sms snapshot span stack step stream
subscription table task test topic trace trail transaction transition tunnel update upload url user validation vault
verification video volume webacl worker workspace zone
"""
"""Things that are counted one by one; a plural whose singular ends otherwise stands without its s: querie, addresse."""
_WORD: Final = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+")
_SPLIT: Final = re.compile(r"[\s/\-_*()×·:]+|(?<!\d)\.|\.(?!\d)")
_NUMBER: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)(.*)")
_IO: Final = re.compile(r"\bI/O", re.IGNORECASE)
_SIZED: Final = re.compile(r"\b[0-9]+ ?KB?[- ](?=chunk)", re.IGNORECASE)
"""The size of a piece, which is no number of them: ``64K-Chunks``."""
_THOUSANDS: Final = re.compile(r"(?<=\d),(?=\d{3}\b)")


@dataclass(frozen=True, slots=True)
class BillUnit:
    """What one of a bill's unit is.

    Attributes:
        scale: of the canonical unit (s, B.s, B, 1); per month where ``monthly``: B instead of B.s, 1 instead of s.
        monthly: whether the unit is held for a month, whose length the unit does not know.
        thing: what is counted: ``vcpu``, ``iops``, ``count``...; empty for bytes or the thing itself.
        power: of a thousand, for bytes written as decimal ones: 3 for GB; 0 otherwise.
    """

    dimension: Dimension
    scale: float
    monthly: bool = False
    thing: str = ""
    power: int = 0

    def binary(self) -> BillUnit:
        """The same with GB read as 2^30 bytes."""
        return replace(self, scale=self.scale * (1024 / 1000) ** self.power, power=0)


@dataclass(slots=True)
class _Product:
    number: float = 1.0
    bytes_: float = 0.0
    power: int = 0
    things: tuple[str, ...] = ()
    seconds: tuple[float, ...] = ()
    months: int = 0
    neutral: bool = False

    def unit(self) -> BillUnit | None:
        """The unit; None where the words are no product that a bill can mean."""
        over_time = bool(self.seconds or self.months)
        thing = self.things[-1] if self.things else ""
        if self.bytes_ and self.seconds and self.months:
            return BillUnit("unit_time", self.number, monthly=True, thing="throughput")
        if len(self.seconds) > 1:
            return None
        monthly = bool(self.months) and not self.seconds
        lasting = self.seconds[0] if self.seconds else 1.0
        if self.bytes_:
            scale = self.number * self.bytes_
            if not over_time:
                return BillUnit("bytes", scale, power=self.power)
            return BillUnit("byte_time", scale * lasting, monthly=monthly, power=self.power)
        if over_time:
            of_itself = thing in ("", "count")  # instance hours are hours, user months are months
            return BillUnit(
                "time" if of_itself else "unit_time",
                self.number * lasting,
                monthly=monthly,
                thing="" if of_itself else thing,
            )
        return BillUnit("count", self.number, thing=thing or "count") if thing or self.neutral else None


@lru_cache(maxsize=4096)
def parse_unit(text: str) -> BillUnit | None:
    """What a unit of a bill means; None for one that this grammar does not read.

    >>> parse_unit("10 Hours")
    BillUnit(dimension='time', scale=36000.0, monthly=False, thing='', power=0)
    >>> parse_unit("GB-Mo") == parse_unit("1 GB/Month") == parse_unit("gigabyte months")
    True
    >>> parse_unit("10K requests").scale
    10000.0
    >>> parse_unit("furlongs") is None
    True
    """
    product = _Product()
    words = list(_words(_THOUSANDS.sub("", _SIZED.sub("", _IO.sub("IO", text.strip())))))
    if not words or text.lstrip().startswith("-"):
        return None
    for word in words:
        if not _take(product, word):
            return None
    if not 0 < product.number < math.inf:
        return None
    if not (product.bytes_ or product.things or product.seconds or product.months or product.neutral):
        product.things = ("count",)  # a number alone: "1", "10K"
    return product.unit()


def _words(text: str) -> Iterator[str]:
    """Words and numbers, in small letters; a word that is not known is cut where its capitals cut it."""
    for raw in _SPLIT.split(text):
        if not raw:
            continue
        rest = raw
        if number := _NUMBER.fullmatch(raw):
            yield number[1]
            rest = number[2]
        if not rest:
            continue
        if _known(rest.lower()):
            yield rest.lower()
        else:
            yield from (
                (part.lower() for part in _WORD.findall(rest)) if len(_WORD.findall(rest)) > 1 else (rest.lower(),)
            )


def _take(product: _Product, word: str) -> bool:
    """Multiplies a word into the product; whether it could."""
    if word[0] in "0123456789":
        product.number *= float(word)
        return True
    word = _singular(word)
    if word in _NUMBERS:
        product.number *= _NUMBERS[word]
    elif word in _MONTHS:
        product.months += 1
    elif word in _TIMES:
        product.seconds += (_TIMES[word],)
    elif word in _BYTES:
        if product.bytes_:
            return False
        product.bytes_, product.power = _BYTES[word]
    elif word in _OF_THING:
        product.things += (_OF_THING[word],)
        product.neutral = True
    elif word in _NEUTRAL:
        product.neutral = True
    else:
        return False
    return True


def _singular(word: str) -> str:
    return word if word in _KNOWN else word.removesuffix("s")


def _known(word: str) -> bool:
    return _singular(word) in _KNOWN


def _byte_words() -> Iterator[tuple[str, tuple[float, int]]]:
    for word in ("byte", "b", "by"):
        yield word, (1.0, 0)
    for letter, power in _PREFIXES.items():
        for suffix in ("b", "by", "byte"):
            yield letter + suffix, (1000.0**power, power)
            yield f"{letter}i{suffix}", (1024.0**power, 0)
    for power, (decimal, binary) in enumerate(zip(_DECIMAL_NAMES, _BINARY_NAMES, strict=True), start=1):
        yield f"{decimal}byte", (1000.0**power, power)
        yield f"{binary}byte", (1024.0**power, 0)


_BYTES: Final = dict(_byte_words())
_TIMES: Final = {word: seconds for seconds, words in _SECONDS.items() for word in words}
_MONTHS: Final = frozenset(_MONTH)
_OF_THING: Final = {word: thing for thing, words in _THINGS.items() for word in words} | dict.fromkeys(
    _PIECES.split(), "count"
)
_KNOWN: Final = frozenset({*_BYTES, *_TIMES, *_MONTHS, *_OF_THING, *_NEUTRAL, *_NUMBERS})
