# SPDX-License-Identifier: Apache-2.0
"""Checks of what lichen.toml declares by name (parts, journeys, meters), each by itself and against the others."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from lichen.config.bills import Owner, Shared, check_owner, check_shared
from lichen.config.budgets import Budget
from lichen.config.metering import METER_PLACES, Meter, twin
from lichen.config.names import nearest, refusal
from lichen.config.part import PART_HELPERS, PART_SOURCES, Part
from lichen.config.settings import LIST_KEYS, Journey
from lichen.config.watching import BUILT_IN, Job
from lichen.errors import ConfigError

WhereIs = Callable[[str], str]
"""File and line of a dotted key, for messages."""

_REFERENCE: Final = re.compile(r"\{([^{}]+)\.(url|port|data)\}")


def check_declaration(section: str, declared: Any, before: Sequence[Any], place: str) -> None:
    """Names are unique and usable in an entity's path; of the exclusive keys, exactly one is set.

    Args:
        section: name of a repeated section, as in `lichen.config.settings.LISTS`.
        declared: the newest of them; before: those declared above it.
        place: where its name stands.

    Raises:
        ConfigError: it is not so.
    """
    if isinstance(declared, Owner):
        check_owner(declared, before, place)
        return
    if "/" in declared.name:
        raise ConfigError(
            f"The {section} name '{declared.name}' holds a '/' ({place}).",
            repair="Names are one word of a path: take it out.",
            culprit=place,
        )
    if section == "part" and (repair := refusal(declared.name)):
        raise ConfigError(f"A part cannot be called '{declared.name}' ({place}).", repair=repair, culprit=place)
    if any(other.name == declared.name for other in before):
        raise ConfigError(
            f"Two [[{section}]] are called '{declared.name}' ({place}).", repair="Rename one.", culprit=place
        )
    if isinstance(declared, Meter):
        _check_meter(declared, place)
        if (other := twin(declared, before)) is not None:
            raise ConfigError(
                f"The meters '{other.name}' and '{declared.name}' read the same number ({place}).",
                repair="Take one out: its energy would count twice.", culprit=place,
            )  # fmt: skip
        return
    if isinstance(declared, Part | Journey):
        _check_alternatives(section, declared, place)
    elif isinstance(declared, Shared):
        check_shared(declared, place)
    elif isinstance(declared, Budget):
        _check_budget(declared, place)
    elif isinstance(declared, Job):
        _check_job(declared, place)


def _check_alternatives(section: str, declared: Part | Journey, place: str) -> None:
    """Of the exclusive keys, exactly one is set; helpers stand beside those that read them."""
    alternatives = PART_SOURCES if section == "part" else ("file", "url")
    given = [name for name in alternatives if getattr(declared, name) is not None]
    if len(given) != 1 and given not in (["command", "port"], ["container", "pods"]):
        has = f"has {' and '.join(given)}" if given else f"has none of {', '.join(alternatives)}"
        raise ConfigError(
            f"The {section} '{declared.name}' {has} ({place}).", repair=f"Give one of {', '.join(alternatives)}.",
            culprit=place,
        )  # fmt: skip
    for name, users in PART_HELPERS.items() if section == "part" else ():
        if getattr(declared, name) is not None and given[-1] not in users:
            raise ConfigError(
                f"The part '{declared.name}' has {name}, which its {given[-1]} has no use for ({place}).",
                repair=f"Take it out, or give one of {', '.join(users)}.", culprit=place,
            )  # fmt: skip


def _check_meter(meter: Meter, place: str) -> None:
    """A meter has the key that says where it is, and no other such key."""
    wanted = METER_PLACES.get(meter.kind)
    for name in METER_PLACES.values():
        if (getattr(meter, name) is not None) != (name == wanted):
            raise ConfigError(
                f"The meter '{meter.name}' is of the kind {meter.kind}, and has {'no' if name == wanted else 'a'} {name} "
                f"({place}).",
                repair=f"Add {name}." if name == wanted else "Take it out.",
                culprit=place,
            )


def _check_job(job: Job, place: str) -> None:
    """A job is not called as one of Lichen's own."""
    if job.name in BUILT_IN:
        raise ConfigError(
            f"The job '{job.name}' is called as one of Lichen's own ({place}).", repair="Rename it.", culprit=place
        )


def _check_budget(budget: Budget, place: str) -> None:
    """A budget has a bound, and a step belongs to a journey."""
    if budget.max is None and budget.max_increase is None:
        raise ConfigError(
            f"The budget '{budget.code}' has no bound ({place}).",
            repair='Give it max = "900 kB", or max_increase = "5 %".', culprit=place,
        )  # fmt: skip
    if budget.step is not None and budget.journey is None:
        raise ConfigError(
            f"The budget '{budget.code}' names the step '{budget.step}' of no journey ({place}).",
            repair="Add its journey.", culprit=place,
        )  # fmt: skip


def check_covers(lists: Mapping[str, Sequence[Any]], where_is: WhereIs) -> None:
    """A meter covers parts that exist.

    Args:
        lists: what is declared, by section.

    Raises:
        ConfigError: it covers another one.
    """
    names = [part.name for part in lists["part"]]
    for position, meter in enumerate(lists["meter"]):
        for name in meter.covers:
            if name not in names:
                where = where_is(f"meter.{position}.covers")
                raise ConfigError(
                    f"The meter '{meter.name}' covers a part '{name}' that is not declared ({where}).",
                    repair=nearest(name, names, valid_are="Parts") if names else "Add that [[part]].",
                    culprit=where,
                )


def check_references(lists: Mapping[str, Sequence[Any]], where_is: WhereIs) -> None:
    """``{portal.url}`` names a part that exists.

    Args:
        lists: what is declared, by section.

    Raises:
        ConfigError: it names another one.
    """
    names = [part.name for part in lists["part"]]
    for section in ("part", "journey"):
        for position, declared in enumerate(lists[section]):
            for name, text in _texts_of(declared):
                for reference in _REFERENCE.finditer(text):
                    if reference[1] not in names:
                        where = where_is(f"{section}.{position}.{name}")
                        raise ConfigError(
                            f"{section}.{name} of '{declared.name}' refers to a part '{reference[1]}' that is not declared "
                            f"({where}).",
                            repair=nearest(reference[1], names, valid_are="Parts") if names else "Add that [[part]].",
                            culprit=where,
                        )


def _texts_of(declared: Part | Journey) -> Iterable[tuple[str, str]]:
    """Every text of a part or a journey that may hold a reference to a part."""
    for name in LIST_KEYS["part" if isinstance(declared, Part) else "journey"]:
        value = getattr(declared, name)
        held = value.values() if isinstance(value, Mapping) else value if isinstance(value, tuple) else (value,)
        yield from ((name, text) for text in held if isinstance(text, str))
