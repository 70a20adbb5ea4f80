# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF009 - the calls in class bodies return dataclasses.field()
"""The settings of `lichen import bills`: own files, and whose each line is. Declared as in `lichen.config.settings`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Final, Literal

from lichen.config.keys import declare, declare_name, declare_table
from lichen.config.kinds import FLAG, PATH, PATHS, TEXT, TEXTS, Kind, choice, optional
from lichen.errors import ConfigError


def _globs(value: object, _folder: Path) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError  # noqa: TRY004 - read() promises ValueError, whatever is wrong with the value
    if not all(isinstance(glob, str) and glob and key.strip() for key, glob in value.items()):
        raise ValueError
    return dict(value)


def _codes(value: object, folder: Path) -> dict[str, str]:
    found = _globs(value, folder)
    for code in found.values():
        _code(code, folder)
    return found


def _code(value: object, _folder: Path) -> str:
    if not isinstance(value, str) or not value.strip() or "/" in value or "\0" in value:
        raise ValueError
    return value.strip()


def _several(value: object, folder: Path) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError  # noqa: TRY004 - as above
    return tuple(_code(item, folder) for item in value)


def _weights(value: object, folder: Path) -> dict[str, float]:
    if not isinstance(value, dict) or not value:
        raise ValueError
    found: dict[str, float] = {}
    for name, weight in value.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight < math.inf:
            raise ValueError
        found[_code(name, folder)] = float(weight)
    if not any(found.values()):
        raise ValueError
    return found


_GLOBS: Final[Kind[dict[str, str]]] = Kind('a table such as { team = "pay*" }; "*" is any value', _globs)
_CODES: Final[Kind[dict[str, str]]] = Kind('a table such as { "Web Shop" = "shop" }', _codes)
_CODE: Final[Kind[str]] = Kind("the code of an application, without '/'", _code)
_APPLICATIONS: Final[Kind[tuple[str, ...]]] = Kind('a list of codes such as ["shop", "portal"]', _several)
_WEIGHTS: Final[Kind[dict[str, float]]] = Kind("a table of weights such as { shop = 2, portal = 1 }", _weights)
_SPLIT: Final[Kind[Literal["cost", "even"]]] = choice("cost", "even")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bills:
    """How bills of cloud providers are read."""

    formats: tuple[Path, ...] = declare(
        PATHS, (), en="Own formats of bills (toml).", fr="Formats de factures propres à vous (toml).",
    )  # fmt: skip
    mapping: tuple[Path, ...] = declare(
        PATHS, (), en="Own rules of what a meter is (toml); they go before the built-in ones.",
        fr="Règles propres à vous de ce qu'est un compteur (toml) ; elles passent avant celles de Lichen.",
    )  # fmt: skip
    utilisation: Path | None = declare(
        optional(PATH), None, unset="the method's assumption",
        en="Processor load of resources as it was measured (csv): resource, cpu as a share from 0 to 1, and optionally from, to.",
        fr="Charge processeur mesurée des ressources (csv) : resource, cpu en part de 0 à 1, et au choix from, to.",
    )  # fmt: skip
    extrapolate: bool = declare(
        FLAG, False,
        en="Estimate what no rule knows from what an amount of money of the same bill causes; labelled as such.",
        fr="Estimer ce qu'aucune règle ne connaît d'après l'effet d'un montant de la même facture ; signalé comme tel.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """Which lines of a bill are meant: all conditions that are given hold; of a list, one does."""

    tags: Mapping[str, str] = declare_table(
        _GLOBS, en="Tags that a line has, with their values; * is any text.",
        fr="Étiquettes que porte une ligne, avec leurs valeurs ; * est n'importe quel texte.",
    )  # fmt: skip
    providers: tuple[str, ...] = declare(
        TEXTS, (), en="Providers: aws, azure, gcp, oci, ovhcloud, scaleway.",
        fr="Fournisseurs : aws, azure, gcp, oci, ovhcloud, scaleway.",
    )  # fmt: skip
    accounts: tuple[str, ...] = declare(
        TEXTS, (), en="Accounts, subscriptions, projects or compartments, by identifier or name; * is any text.",
        fr="Comptes, abonnements, projets ou compartiments, par identifiant ou nom ; * est n'importe quel texte.",
    )  # fmt: skip
    resource_groups: tuple[str, ...] = declare(
        TEXTS, (), en="Resource groups; * is any text.", fr="Groupes de ressources ; * est n'importe quel texte.",
    )  # fmt: skip
    resources: tuple[str, ...] = declare(
        TEXTS, (), en="Resources, by identifier or name; * is any text.",
        fr="Ressources, par identifiant ou nom ; * est n'importe quel texte.",
    )  # fmt: skip
    services: tuple[str, ...] = declare(
        TEXTS, (), en="Services as the provider names them; * is any text.",
        fr="Services, sous le nom que leur donne le fournisseur ; * est n'importe quel texte.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner(Lines):
    """Lines that belong to an application; the first rule that holds counts."""

    application: str | None = declare(
        optional(_CODE), None, unset="named by application_tag",
        en="Code of the application that the lines belong to.", fr="Code de l'application à laquelle les lignes appartiennent.",
    )  # fmt: skip
    application_tag: str | None = declare(
        optional(TEXT), None, unset="named by application",
        en="Tag whose value names the application; lines without it are left to the next rule.",
        fr="Étiquette dont la valeur nomme l'application ; les lignes sans elle reviennent à la règle suivante.",
    )  # fmt: skip
    values: Mapping[str, str] = declare_table(
        _CODES, en="Codes of applications by the tag's value, where it is not the code.",
        fr="Codes d'applications selon la valeur de l'étiquette, là où elle n'est pas le code.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared(Lines):
    """Lines that several applications share; they are looked for before those of an `Owner`."""

    name: str = declare_name(
        TEXT, en="Name of what is shared, unique, without '/'.", fr="Nom de ce qui est partagé, unique, sans « / ».",
    )  # fmt: skip
    weights: Mapping[str, float] | None = declare(
        optional(_WEIGHTS), None, unset="split as by says",
        en="Parts of each application.", fr="Parts de chaque application.",
    )  # fmt: skip
    by: Literal["cost", "even"] | None = declare(
        optional(_SPLIT), None, unset="split by weights",
        en="Key of the split: cost, in proportion to what applications pay themselves in the same month and currency; even, the "
        "same for each.",
        fr="Clé de répartition : cost, en proportion de ce que les applications paient elles-mêmes le même mois et dans la même "
        "monnaie ; even, la même part pour chacune.",
    )  # fmt: skip
    among: tuple[str, ...] = declare(
        _APPLICATIONS, (), en="Codes of the applications that share; none: all that pay something themselves in the month.",
        fr="Codes des applications qui partagent ; aucun : toutes celles qui paient elles-mêmes quelque chose dans le mois.",
    )  # fmt: skip


CONDITIONS: Final = tuple(one.name for one in fields(Lines))
"""Keys that say which lines a rule is about."""


def has_condition(rule: Lines) -> bool:
    """Whether a rule is about some lines only."""
    return any(getattr(rule, name) for name in CONDITIONS)


def check_owner(declared: Owner, before: Sequence[Owner], place: str) -> None:
    """A rule says whose its lines are, in one way, and some line can come to it.

    Args:
        declared: the newest rule; before: those above it. place: where it stands.

    Raises:
        ConfigError: it is not so.
    """
    if (declared.application is None) == (declared.application_tag is None):
        has = "both application and application_tag" if declared.application else "no application"
        raise ConfigError(
            f"A [[bills.owner]] has {has} ({place}).", repair="Give one of application, application_tag.", culprit=place
        )
    if declared.values and declared.application_tag is None:
        raise ConfigError(
            f"A [[bills.owner]] has values and no application_tag that could have them ({place}).",
            repair="Give application_tag in place of application, or take values out.", culprit=place,
        )  # fmt: skip
    if any(one.application is not None and not has_condition(one) for one in before):
        raise ConfigError(
            f"A [[bills.owner]] comes after one that takes every line ({place}).",
            repair=f"Move it up, or give the one above a condition: {', '.join(CONDITIONS)}.", culprit=place,
        )  # fmt: skip


def check_shared(declared: Shared, place: str) -> None:
    """What is shared has a key of its split, and is not the whole bill.

    Raises:
        ConfigError: it is not so.
    """
    if (declared.weights is None) == (declared.by is None):
        has = "both weights and by" if declared.by else "neither weights nor by"
        raise ConfigError(
            f"The [[bills.shared]] '{declared.name}' has {has} ({place}).",
            repair="Give one of weights, by.",
            culprit=place,
        )
    if declared.weights is not None and declared.among:
        raise ConfigError(
            f"The [[bills.shared]] '{declared.name}' has weights and among ({place}).",
            repair="Take among out: the weights name the applications.", culprit=place,
        )  # fmt: skip
    if not has_condition(declared):
        raise ConfigError(
            f"The [[bills.shared]] '{declared.name}' does not say what is shared ({place}).",
            repair=f"Give it a condition: {', '.join(CONDITIONS)}.", culprit=place,
        )  # fmt: skip
