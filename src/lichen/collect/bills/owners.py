# SPDX-License-Identifier: Apache-2.0
"""Whose the lines of a bill are: by tags, accounts, groups, resources and services, as `lichen.toml` declares it.

Rules are tried in their order, those of what is shared before those of single owners; what no rule knows belongs to nobody and
stays visible. Shares are decimals that add up to 1 exactly, so that a split cost is the whole cost to the last digit.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

from lichen.records import digest

if TYPE_CHECKING:
    from lichen.config import Owner, Settings, Shared

UNALLOCATED: Final = ""
"""Application of what belongs to nobody."""
POOL: Final = "/"
"""First sign of what is shared; no code of an application has it."""
DIGITS: Final = 12
"""Digits behind the point of a share."""
_WHOLE: Final = 10**DIGITS
_LONGEST: Final = 200
"""Characters of an application's code."""
_GAPS: Final = re.compile(r"[\s_/\\]+")
_USER_TAG: Final = "user:"
"""How exports of AWS mark tags that users made."""

Shares = tuple[tuple[str, Decimal], ...]
"""Applications by code, with their parts of a whole; in the order of their codes."""


@dataclass(frozen=True, slots=True)
class _Lines:
    """Conditions of a rule, ready to be asked."""

    tags: tuple[tuple[str, re.Pattern[str]], ...]
    columns: tuple[tuple[tuple[str, ...], re.Pattern[str]], ...]

    def hold(self, keys: Mapping[str, str], tags: Mapping[str, str]) -> bool:
        return all(
            any((text := keys.get(name, "")) and pattern.fullmatch(text) for name in names)
            for names, pattern in self.columns
        ) and all((value := tags.get(name, "")) and pattern.fullmatch(value) for name, pattern in self.tags)


class Owners:
    """The rules of a project.

    Args:
        owners, shared: as declared, in their order.
        codes: of applications that exist: a tag's value is taken for the one that it spells in other letters.
    """

    def __init__(self, owners: Sequence[Owner], shared: Sequence[Shared], codes: Collection[str] = ()) -> None:
        self._shared = {f"{POOL}{rule.name}": (_lines(rule), rule) for rule in shared}
        self._owners = [(_lines(rule), rule, {plain(k): v for k, v in rule.values.items()}) for rule in owners]
        self._codes = {plain(code): code for code in codes}
        self._tags: dict[str, Mapping[str, str]] = {"": {}}
        named = sorted(codes) if any(rule.application_tag for rule in owners) else []
        self.hash = digest([[_told(rule) for rule in owners], [_told(rule) for rule in shared], named])
        """Another one whenever lines may have other owners."""

    @classmethod
    def from_settings(cls, settings: Settings, codes: Collection[str] = ()) -> Owners:
        """The rules of `lichen.toml`."""
        return cls(settings.bill_owners, settings.bill_shared, codes)

    def of(self, keys: Mapping[str, str]) -> Shares:
        """Whose a line is.

        Args:
            keys: columns `lichen.collect.bills.line.OWNER` of it.

        Returns:
            One application, or one pool, which starts with `POOL`: `shares` says whose parts of it are.
        """
        tags = self._read_tags(keys.get("tags", ""))
        for pool, (lines, _) in self._shared.items():
            if lines.hold(keys, tags):
                # Whatever its key: what is shared by weights is nobody's own, by which other pools are shared.
                return ((pool, Decimal(1)),)
        for lines, rule, values in self._owners:
            if lines.hold(keys, tags):
                code = rule.application or self._named(tags.get(tag_key(rule.application_tag or ""), ""), values)
                if code:
                    return ((code, Decimal(1)),)
        return ((UNALLOCATED, Decimal(1)),)

    def shares(self, pool: str, paid: Mapping[str, Decimal]) -> Shares:
        """Who shares a pool.

        Args:
            pool: as `of` returned it.
            paid: what each application pays itself in the same month and currency, without what is shared.

        Returns:
            The shares; `UNALLOCATED` alone where it takes who pays something to tell, and nobody of those who share does.
        """
        _, rule = self._shared[pool]
        if rule.weights is not None:
            return parts(rule.weights)
        if rule.by == "even" and rule.among:
            return parts(dict.fromkeys(rule.among, 1))
        own = {
            code: amount
            for code, amount in paid.items()
            if amount > 0 and code != UNALLOCATED and not code.startswith(POOL) and (not rule.among or code in rule.among)
        }  # fmt: skip
        if not own:
            return ((UNALLOCATED, Decimal(1)),)
        return parts(own if rule.by == "cost" else dict.fromkeys(own, 1))

    def _named(self, value: str, values: Mapping[str, str]) -> str:
        """The application that a tag's value names; empty when it names none."""
        name = plain(value)
        return values.get(name) or self._codes.get(name) or name

    def _read_tags(self, text: str) -> Mapping[str, str]:
        """Tags by key, keys without case; none for what is no JSON object. Each text is read once."""
        found = self._tags.get(text)
        if found is None:
            found = self._tags[text] = dict(_pairs(text))
        return found


def parts(weights: Mapping[str, Decimal | float | int]) -> Shares:
    """Shares in proportion to weights, exactly 1 together: what rounding leaves goes to the largest remainders.

    >>> parts({"portal": 1, "shop": 2})
    (('portal', Decimal('0.333333333333')), ('shop', Decimal('0.666666666667')))
    """
    exact = {code: Fraction(weight) for code, weight in sorted(weights.items()) if weight > 0}
    whole = sum(exact.values())
    units = {code: divmod(weight * _WHOLE, whole) for code, weight in exact.items()}
    left = _WHOLE - sum(count for count, _ in units.values())
    more = set(sorted(units, key=lambda code: (-units[code][1], code))[:left])
    return tuple((code, Decimal(count + (code in more)).scaleb(-DIGITS)) for code, (count, _) in units.items())


def plain(name: str) -> str:
    """A name as codes are mostly written: small letters, hyphens for gaps; empty for what can be no code.

    >>> plain("  Web_Shop "), plain("N/A")
    ('web-shop', 'n-a')
    """
    folded = _GAPS.sub("-", unicodedata.normalize("NFKC", name).strip()).casefold().strip("-")
    fit = len(folded) <= _LONGEST and not any(unicodedata.category(sign) in ("Cc", "Cs") for sign in folded)
    return folded if fit else ""


def tag_key(key: str) -> str:
    """A tag's key as keys are compared: without case, and without the mark of AWS for what users made."""
    return key.strip().casefold().removeprefix(_USER_TAG)


def _pairs(text: str) -> Iterable[tuple[str, str]]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return
    if isinstance(found, dict):
        for key, value in found.items():
            if value is not None and not isinstance(value, dict | list):
                yield tag_key(key), value if isinstance(value, str) else json.dumps(value)


def _lines(rule: Owner | Shared) -> _Lines:
    tags = tuple((tag_key(key), _pattern([glob])) for key, glob in rule.tags.items())
    asked = (
        (("provider",), rule.providers), (("account", "account_name"), rule.accounts),
        (("resource_group",), rule.resource_groups), (("resource", "resource_name"), rule.resources),
        (("service",), rule.services),
    )  # fmt: skip
    return _Lines(tags, tuple((names, _pattern(globs)) for names, globs in asked if globs))


def _pattern(globs: Sequence[str]) -> re.Pattern[str]:
    """Any of some texts in which `*` is anything; letters of either case."""
    return re.compile(
        "|".join(".*".join(map(re.escape, glob.strip().split("*"))) for glob in globs), re.IGNORECASE | re.DOTALL
    )


def _told(rule: Owner | Shared) -> dict[str, Any]:
    found = {one.name: getattr(rule, one.name) for one in fields(rule)}
    return {
        name: dict(value) if isinstance(value, Mapping) else list(value) if isinstance(value, tuple) else value
        for name, value in found.items()
    }
