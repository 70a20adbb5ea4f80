# SPDX-License-Identifier: Apache-2.0
"""Words of the results that the command line prints itself, in both languages; figures have theirs in ``lichen.render``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "version": ("version", "version"),
    "title": ("title", "titre"),
    "validity": ("valid for", "validité"),
    "licence": ("licence", "licence"),
    "sources": ("sources", "sources"),
    "known_defects": ("known defect", "défaut connu"),
    "defaults": ("defaults", "valeurs par défaut"),
    "indicators": ("indicators", "indicateurs"),
    "rule": ("rule", "règle"),
    "derived_from_energy": ("derived from energy", "déduit de l'énergie"),
    "not_covered": ("not covered", "non couvert"),
    "use": ("use", "usage"),
    "embodied": ("embodied", "fabrication"),
    "ok": ("ok", "ok"),
    "lacks": ("lacks", "manque"),
    "attention": ("attention", "attention"),
    "repair": ("repair", "remède"),
    "run": ("run", "mesure"),
    "method": ("method", "méthode"),
    "factors": ("factors", "facteurs"),
    "factor": ("factor", "facteur"),
    "source": ("source", "source"),
    "from": ("from", "d'après"),
    "samples": ("samples", "répétitions"),
    "dropped": ("dropped", "écartées"),
    "quality": ("quality", "qualité"),
    "written": ("written", "écrit"),
}
"""English and French."""


class Words:
    """The words of one language."""

    def __init__(self, lang: str) -> None:
        self._column = 1 if lang == "fr" else 0

    def __getitem__(self, key: str) -> str:
        return WORDS[key][self._column]

    @property
    def colon(self) -> str:
        """The colon as the language sets it."""
        return "\u00a0: " if self._column else ": "
