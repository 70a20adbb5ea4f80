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
    "derived_from_energy": ("derived from energy", "déduit de l’énergie"),
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
    "from": ("from", "d’après"),
    "samples": ("samples", "répétitions"),
    "dropped": ("dropped", "écartées"),
    "quality": ("quality", "qualité"),
    "written": ("written", "écrit"),
    "kept": ("kept", "conservé"),
    "mapped": ("mapped", "repris"),
    "left_out": ("left out", "laissé de côté"),
    "refused": ("refused", "refusé"),
    "nothing_written": (
        "Nothing was written. Correct what is refused, or add --partial.",
        "Rien n’a été écrit. Corrigez ce qui est refusé, ou ajoutez --partial.",
    ),
    "model_range": ("model range", "fourchette du modèle"),
    "share": ("share", "part"),
    "place": ("step, part", "étape, partie"),
    "phase": ("phase", "phase"),
    "smaller_one": (
        "1 smaller row, {share}; --json lists it too",
        "1 ligne plus petite, {share} ; --json la donne aussi",
    ),
    "smaller": (
        "{count} smaller rows, {share} together; --json lists them all",
        "{count} lignes plus petites, {share} ensemble ; --json les donne toutes",
    ),
    "mean_of": (
        "mean of {count} devices by share of visits",
        "moyenne de {count} terminaux selon leur part des visites",
    ),
    "mean_per_hour": (
        "mean of {count} devices by share of visits, per hour of use",
        "moyenne de {count} terminaux selon leur part des visites, par heure d’usage",
    ),
    "shares_from": ("shares from", "parts d’après"),
    "range_from": ("range by", "fourchette selon"),
    "host": ("read on", "lu sur"),
    "repeating": ("repeating moves it by", "refaire la mesure le déplace de"),
    "largest": ("The largest row, opened:", "La plus grande ligne, ouverte :"),
    "open_others": ("Open another row: lichen explain {id}", "Ouvrir une autre ligne : lichen explain {id}"),
    "formula": ("formula", "formule"),
    "formula_source": ("formula from", "formule tirée de"),
    "result_of": ("the result of formula {step}", "le résultat de la formule {step}"),
    "sum_below": ("sum of the rows below", "somme des lignes ci-dessous"),
    "mean_below": ("mean weighted by energy", "moyenne pondérée par l’énergie"),
    "count_below": ("functional units", "unités fonctionnelles"),
    "range_comes": ("this range comes from", "cette fourchette vient de"),
    "attribute": ("attribute", "attribut"),
    "context": ("context", "contexte"),
    "catalogue": ("catalogue", "catalogue"),
    "calendar": ("calendar", "calendrier"),
    "fallback": ("stands in for", "remplace"),
    "as_above": ("the same as above", "la même que ci-dessus"),
    "range_source": ("range from the source", "fourchette de la source"),
    "place_asked": ("place", "lieu"),
    "value": ("value", "valeur"),
    "range": ("range", "fourchette"),
    "unit": ("unit", "unité"),
    "places": ("places", "lieux"),
    "pack": ("pack", "paquet"),
    "own": ("your own", "le vôtre"),
    "own_instead": ("your own, in place of {pack}", "le vôtre, au lieu de {pack}"),
    "valid": ("valid", "valable"),
    "valid_open": ("from {start}", "depuis le {start}"),
    "valid_span": ("{start} to {end}", "du {start} au {end}"),
    "asked": ("asked", "demandé"),
    "no_row": ("{place} (no row)", "{place} (pas de ligne)"),
    "vintages": ("vintages", "millésimes"),
    "comment": ("comment", "commentaire"),
    "rows": ("rows", "lignes"),
    "steps": ("{count} figures", "{count} chiffres"),
    "no_factor_fits": (
        "No factor fits. Fewer words find more: lichen factors grid",
        "Aucun facteur ne convient. Moins de mots en trouvent plus : lichen factors grid",
    ),
    "added": ("added", "ajouté"),
    "removed": ("removed", "retiré"),
    "changed": ("changed", "changé"),
    "fetched": ("{file}: {count} intervals of {zone}", "{file} : {count} intervalles de {zone}"),
    "no_difference": ("No row differs.", "Aucune ligne ne diffère."),
    "same_factors": (
        "The run was evaluated with the factors in force.",
        "La mesure utilisait les facteurs en vigueur.",
    ),
    "other_factors": (
        "The factors have changed since the run: its figures are restated when it is opened.",
        "Les facteurs ont changé depuis la mesure : ses chiffres sont recalculés à l’ouverture.",
    ),
    "unknown_factors": (
        "The run file says nothing of its factors.",
        "Le fichier de mesure ne dit rien de ses facteurs.",
    ),
    "files_done": ("run files: {count} of {of}", "fichiers de mesure : {count} sur {of}"),
    "ledger": ("ledger", "registre"),
    "run_files": ("run files", "fichiers de mesure"),
    "runs_added": ("runs added", "mesures ajoutées"),
    "rows_added": ("rows added", "lignes ajoutées"),
    "already": ("there already", "déjà présentes"),
    "expired": ("from before the days kept", "antérieures aux jours conservés"),
    "files_left_out": ("files left out", "fichiers laissés de côté"),
    "runs": ("runs", "mesures"),
    "rows_of": ("rows of {source}", "lignes de {source}"),
    "applications": ("applications", "applications"),
    "days": ("days", "jours"),
    "days_span": ("{first} to {last}", "du {first} au {last}"),
    "retained_from": ("kept from", "conservé depuis le"),
    "tables": ("tables", "tables"),
    "evidence": ("evidence", "preuves"),
    "files_size": ("{size} (files: {count})", "{size} (fichiers : {count})"),
    "files_before": ("files before", "fichiers avant"),
    "files_after": ("files after", "fichiers après"),
    "files_removed": ("replaced files removed", "fichiers remplacés supprimés"),
    "evidence_removed": ("evidence removed", "preuves supprimées"),
    "runs_removed": ("runs removed", "mesures supprimées"),
    "rows_removed": ("rows removed", "lignes supprimées"),
    "unchanged": ("unchanged", "inchangé"),
    "not_in_the_files": ("not in the files", "absent des fichiers"),
    "dry_run": ("Nothing was written (--dry-run).", "Rien n’a été écrit (--dry-run)."),
    "for_lichen_toml": (
        "The lichen.toml of this application; put its own addresses.",
        "Le lichen.toml de cette application ; mettez ses propres adresses.",
    ),
    "password": ("Password", "Mot de passe"),
    "password_again": ("Once more", "Encore une fois"),
    "shown_once": (
        "This is shown once. Keep it as LICHEN_TOKEN where it is used.",
        "Ceci n’est montré qu’une fois. À garder comme LICHEN_TOKEN là où il sert.",
    ),
    "no_token": ("There is no token.", "Il n’y a aucun jeton."),
    "revoked": ("revoked", "révoqué"),
    "expires": ("expires", "expire le"),
    "never_expires": ("never expires", "n’expire jamais"),
    "last_used": ("last used", "utilisé le"),
    "never_used": ("never used", "jamais utilisé"),
    "range_assumed": ("range assumed", "fourchette supposée"),
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
