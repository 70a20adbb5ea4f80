# SPDX-License-Identifier: Apache-2.0
"""How a dataclass field declares a key of lichen.toml, and how the declaration is read back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, TypeVar

from lichen.config.kinds import Kind

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Key:
    """One key of lichen.toml, as declared by a field of the settings.

    Attributes:
        default: its value when nothing sets it; required: it has none.
        unset: what a default of None or "" means, in words; empty when there is nothing to say.
    """

    section: str
    name: str
    kind: Kind[Any]
    default: Any
    required: bool
    unset: str
    en: str
    fr: str

    @property
    def dotted(self) -> str:
        """``section.name``."""
        return f"{self.section}.{self.name}"

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"LICHEN_{self.section}_{self.name}".upper()

    def description(self, lang: str) -> str:
        """What it is for, in ``en`` or ``fr``."""
        return self.fr if lang == "fr" else self.en


def declare(kind: Kind[T], default: T, *, en: str, fr: str, unset: str = "") -> T:
    """Declares a key; ``unset`` says in words what a default of None or "" means."""
    declared: T = field(default=default, metadata={"kind": kind, "en": en, "fr": fr, "unset": unset})
    return declared


def declare_name(kind: Kind[T], *, en: str, fr: str) -> T:
    """Declares a key that must be given."""
    declared: T = field(metadata={"kind": kind, "en": en, "fr": fr, "unset": ""})
    return declared


def declare_table(kind: Kind[dict[str, str]], *, en: str, fr: str) -> dict[str, str]:
    """Declares a key that holds a table, empty by default."""
    declared: dict[str, str] = field(default_factory=dict, metadata={"kind": kind, "en": en, "fr": fr, "unset": ""})
    return declared


def declared_keys(section: str, declaration: type[Any]) -> Iterator[Key]:
    """The keys that the fields of a dataclass declare, in their order."""
    for item in fields(declaration):
        default = item.default if item.default_factory is MISSING else item.default_factory()
        yield Key(
            section=section,
            name=item.name,
            kind=item.metadata["kind"],
            default=None if default is MISSING else default,
            required=default is MISSING,
            unset=item.metadata["unset"],
            en=item.metadata["en"],
            fr=item.metadata["fr"],
        )
