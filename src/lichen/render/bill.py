# SPDX-License-Identifier: Apache-2.0
"""What an import of bills found and wrote, as lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any, Final

from babel.numbers import format_decimal

from lichen.collect.bills.meter import ESTIMATED
from lichen.render.figures import plain, shorten
from lichen.render.i18n import Catalogue, catalogue
from lichen.render.numbers import Numbers

_SHOWN: Final = 5
"""Of what lacks, the dearest; files and periods are all shown up to twice as many."""
_PATTERN: Final = "#,##0.00"
_FINE: Final = "#,##0.00######"
_CENT: Final = Decimal("0.01")
_MONTH: Final = len("2026-10")
_LONGEST: Final = 80
"""Characters of a name in a line."""


def bill_lines(found: Mapping[str, Any], lang: str) -> Iterator[str]:
    """Lines about an import.

    Args:
        found: as ``lichen import bills --json`` prints it.
    """
    told = _Told(catalogue(lang), lang)
    yield from (told.say("bill.duplicate", name=name) for name in found["duplicates"])
    if found["unchanged"]:
        yield told.say("bill.unchanged")
        return
    yield from told.some([told.say("bill.superseded", name=name) for name in found.get("superseded", ())])
    yield from told.some([told.say("bill.left_out", name=name) for name in found.get("left_out", ())])
    yield from told.some([line for file in found["files"] for line in told.file(file)], 2 * _SHOWN)
    yield from told.some([told.period(one) for one in found["periods"]], 2 * _SHOWN)
    yield told.say(
        "bill.lines", lines=told.counted("line", found["lines"]), charges=told.counted("charge", found["charges"])
    )
    if found["moved_lines"]:
        yield told.say("bill.moved", lines=told.counted("line", found["moved_lines"]))
    for money in found["money"]:
        yield from told.money(money)
    lacking = [one for one in found["coverage"] if one["coverage"] != ESTIMATED]
    yield from told.some([told.uncovered(one) for one in lacking], 2 * _SHOWN)
    for one in found["unallocated"]:
        yield told.say("bill.unallocated", amount=told.amount(one["effective"], one["currency"]))
    yield from told.some(told.meters(found["nearest"]))
    yield from told.some(told.meters(found["unknown_meters"]))
    yield from told.some([told.region(*one) for one in found["unknown_regions"]])
    yield from told.loads(found.get("utilisation"))
    yield from told.some([told.overlap(one) for one in found["overlaps"]])
    yield from told.some([told.say("bill.made", code=code) for code in found["applications_made"]], 2 * _SHOWN)
    yield (
        told.say("bill.dry_run") if found["dry_run"] else told.say("bill.rows", rows=told.counted("row", found["rows"]))
    )


class _Told:
    """The sentences of one language."""

    def __init__(self, words: Catalogue, lang: str) -> None:
        self._words, self._numbers = words, Numbers(lang)

    def say(self, key: str, **values: str) -> str:
        return self._words.say(key, **{name: plain(value) for name, value in values.items()})

    def count(self, number: int) -> str:
        return str(format_decimal(number, locale=self._words.locale))

    def counted(self, noun: str, number: int) -> str:
        return counted(self._words, noun, number)

    def amount(self, value: str | None, currency: str) -> str:
        if value is None:
            return self._words.say("bill.no_amount")
        exact = Decimal(value)
        shape = _FINE if 0 < abs(exact) < _CENT else _PATTERN
        told = str(format_decimal(exact, format=shape, locale=self._words.locale))
        return f"{told}\u00a0{currency}" if currency else self.say("bill.no_currency", amount=told)

    def some(self, lines: Sequence[str], most: int = _SHOWN) -> Iterable[str]:
        """The first of some lines, and how many more there are."""
        left = len(lines) - most
        return lines if left <= 0 else [*lines[:most], self.say("bill.more", count=self.count(left))]

    def file(self, file: Mapping[str, Any]) -> Iterator[str]:
        name = PurePosixPath(file["name"]).name
        yield self.say("bill.file", name=name, format=file["format"], lines=self.counted("line", file["lines"]))
        lost = "lost_fr" if self._words.lang == "fr" else "lost"
        yield from (f"  {self.say('bill.lacks', lost=one[lost] or one['lost'])}" for one in file["missing"])

    def period(self, one: Mapping[str, Any]) -> str:
        key = "bill.days_one" if one["days"] == 1 else "bill.period"
        return self.say(
            key, source=one["source"], first=one["first"], last=one["last"], days=self.counted("day", one["days"])
        )

    def money(self, money: Mapping[str, Any]) -> Iterator[str]:
        cost = self.say("bill.cost", amount=self.amount(money["effective"], money["currency"]))
        if money["covered"] is not None:
            cost = self.say("bill.of_cost", cost=cost, covered=self._numbers.percent(money["covered"]))
        yield cost
        if money["covered_list"] is not None:
            yield "  " + self.say("bill.of_list", covered=self._numbers.percent(money["covered_list"]))

    def uncovered(self, one: Mapping[str, Any]) -> str:
        return self.say(
            "bill.uncovered", amount=self.amount(one["effective"], one["currency"]), lines=self.counted("line", one["lines"]),
            reason=self._words.word("web.bill.reason", one["coverage"]),
        )  # fmt: skip

    def meters(self, found: Iterable[Mapping[str, Any]]) -> list[str]:
        """Meters that are not known, or for whose type a near one stands; those that would read alike as one."""
        alike: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
        for one in found:
            key = "bill.nearest" if "nearest" in one else f"bill_meter.{one['reason']}"
            unit = "" if "nearest" in one else one["unit"]
            alike.setdefault(
                (key, one["service"], one["meter"], unit, one.get("nearest", ""), one["currency"]), []
            ).append(one)
        return [
            self.say(
                key, service=_short(service or "?"), meter=_short(meter or "?"), unit=_short(unit or "?"), nearest=nearest,
                lines=self.counted("line", sum(one["lines"] for one in ones)),
                amount=self.amount(_sum(one["effective"] for one in ones), currency),
            )
            for (key, service, meter, unit, nearest, currency), ones in alike.items()
        ]  # fmt: skip

    def region(self, provider: str, name: str) -> str:
        return self.say("bill.region", region=_short(name), provider=self._words.word("cloud", provider))

    def loads(self, told: Mapping[str, Any] | None) -> Iterator[str]:
        """How many measured resources the bill has, and the first that it lacks."""
        if told is None:
            return
        absent = told["absent"]
        here = self.count(told["resources"] - len(absent))
        yield self.say("bill.loads", found=here, resources=self.counted("resource", told["resources"]))
        yield from ("  " + self.say("bill.load_absent", resource=_short(one)) for one in absent[:_SHOWN])
        if len(absent) > _SHOWN:
            yield "  " + self.say("bill.more", count=self.count(len(absent) - _SHOWN))

    def overlap(self, one: Mapping[str, Any]) -> str:
        return self.say(
            "bill.overlap", source=one["source"], other=one["other"], period=one["period"][:_MONTH],
            accounts=self.counted("account", len(one["accounts"])),
        )  # fmt: skip


def counted(words: Catalogue, noun: str, number: int) -> str:
    """A number of things, ``1,200 lines``.

    Args:
        noun: of the family ``bill_count``.
    """
    told = str(format_decimal(number, locale=words.locale))
    return words.count(f"bill_count.{noun}", number).replace(str(number), told, 1)


def _short(name: str) -> str:
    """A name of the bill: descriptions may have many hundreds of characters."""
    return shorten(plain(name), _LONGEST)


def _sum(amounts: Iterable[str | None]) -> str | None:
    """Of exact amounts, those that are known."""
    known = [Decimal(amount) for amount in amounts if amount is not None]
    return str(sum(known, Decimal(0))) if known else None
