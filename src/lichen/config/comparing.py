# SPDX-License-Identifier: Apache-2.0
"""The settings of `lichen compare`. Declared as in `lichen.config.settings`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lichen.config.keys import declare
from lichen.config.kinds import COMMAND, TEXTS, Kind, integer, number, optional

_PERCENT: Final = 100.0
_LARGEST_SHARE: Final = 10.0


def _share(value: object, _folder: Path) -> float:
    if isinstance(value, str):
        text = value.strip()
        value = float(text.removesuffix("%").replace(",", ".")) / (_PERCENT if text.endswith("%") else 1.0)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= _LARGEST_SHARE:
        raise ValueError
    return float(value)


SHARE: Final[Kind[float]] = Kind('a share above 0 such as "5 %" or 0.05', _share)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """How `lichen compare` starts the two sides, and what it calls a regression."""

    delta: float = declare(
        SHARE, 0.05,
        en="Smallest relative increase that fails.", fr="Plus petite hausse relative qui fait échouer.",
    )  # fmt: skip
    gate: tuple[str, ...] = declare(
        TEXTS, ("energy", "cpu_time", "network_bytes", "requests"),
        en="Quantities and indicators that decide; the others are shown.",
        fr="Quantités et indicateurs qui décident ; les autres sont montrés.",
    )  # fmt: skip
    max_pairs: int = declare(
        integer(6, 25), 25,
        en="Most pairs of runs of one journey; it is looked at after 6, 9, 13, 18 and 25.",
        fr="Nombre maximal de paires par parcours ; on regarde après 6, 9, 13, 18 et 25.",
    )  # fmt: skip
    max_minutes: float = declare(
        number(0, above=True, unit="minutes"), 8.0,
        en="Longest time for one journey on both sides, in minutes.",
        fr="Durée maximale pour un parcours des deux côtés, en minutes.",
    )  # fmt: skip
    build: tuple[str, ...] | None = declare(
        optional(COMMAND), None, unset="nothing is built",
        en="Command that builds a Git reference in its own folder, before it is served; {python} is the interpreter of Lichen.",
        fr="Commande qui construit une référence Git dans son dossier avant de la servir ; {python} : l'interpréteur de Lichen.",
    )  # fmt: skip
    build_minutes: float = declare(
        number(0, above=True, unit="minutes"), 15.0,
        en="Longest time for a build, in minutes.", fr="Durée maximale d'une construction, en minutes.",
    )  # fmt: skip
    serve: tuple[str, ...] | None = declare(
        optional(COMMAND), None, unset="the parts of its lichen.toml are started",
        en="Command that serves a Git reference in its own folder; {port} becomes a free port, also given as PORT.",
        fr="Commande qui sert une référence Git dans son dossier ; {port} devient un port libre, donné aussi par PORT.",
    )  # fmt: skip
