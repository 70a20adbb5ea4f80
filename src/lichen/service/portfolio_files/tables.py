# SPDX-License-Identifier: Apache-2.0
"""The tables of a portfolio file. Each key is declared here once: for readers, writers and ``docs/portfolio.md``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lichen.service.portfolio_files.kinds import (
    CODE,
    CURRENCY,
    DAY,
    INDICATOR,
    LINE,
    LINEAR,
    MOMENT,
    MONEY,
    PATH,
    PROSE,
    SHARE,
    TAGS,
    YEAR,
    Kind,
    choice,
    number,
    whole,
)

Row = dict[str, Any]
"""Values by key, as a file names them."""


@dataclass(frozen=True, slots=True)
class Field:
    """A key: what it may hold, what it means in English and in French, and what it holds when it is emptied."""

    name: str
    kind: Kind
    en: str
    fr: str
    empty: Any = None

    def is_unset(self, value: Any) -> bool:
        """Whether a value says nothing."""
        return value is None or value in ("", [])

    def said(self, lang: str) -> str:
        """What it means, in ``en`` or ``fr``."""
        return self.fr if lang == "fr" else self.en


@dataclass(frozen=True, slots=True)
class Table:
    """A section of the file, ``[[name]]`` or ``name.csv``.

    Attributes:
        key: keys that say which row it is; none for the organisation, which is one.
        required: keys that a new row needs.
        refers: keys that hold the code of another table's row, and that table.
    """

    name: str
    en: str
    fr: str
    fields: Mapping[str, Field]
    key: tuple[str, ...]
    required: tuple[str, ...]
    refers: Mapping[str, str]

    def said(self, lang: str) -> str:
        """What a row is, in ``en`` or ``fr``."""
        return self.fr if lang == "fr" else self.en

    @property
    def is_one(self) -> bool:
        """Whether it has one row, ``[name]``."""
        return not self.key


def _table(
    name: str, words: tuple[str, str], fields: tuple[Field, ...], *, key: tuple[str, ...] = (),
    required: tuple[str, ...] = (), refers: Mapping[str, str] | None = None,
) -> Table:  # fmt: skip
    en, fr = words
    return Table(name, en, fr, {field.name: field for field in fields}, key, required, refers or {})


def _id(en: str, fr: str) -> Field:
    return Field("id", LINE, f"Tells {en} apart that are otherwise called the same; leave it out.",
                 f"Distingue {fr} de même nom ; à omettre.")  # fmt: skip


_APPLICATION: Final = Field("application", CODE, "Code of its application.", "Code de son application.")
_OF_ONE: Final = ("application", "code")
_TO_APPLICATION: Final = {"application": "application"}

TABLES: Final[Mapping[str, Table]] = {
    table.name: table
    for table in (
        _table("organisation", ("The organisation.", "L'organisation."), (
            Field("name", LINE, "Its name.", "Son nom.", ""),
            Field("currency", CURRENCY, "Currency that amounts are shown in.", "Monnaie d'affichage des montants.", "EUR"),
            Field("lang", choice("en", "fr"), "Language of its pages.", "Langue de ses pages.", "en"),
            Field("internal_carbon_price", MONEY, "Internal price of carbon, in the currency per tonne of CO2 equivalent.",
                  "Prix interne du carbone, dans la monnaie par tonne d'équivalent CO2."),
            Field("base_year", YEAR, "Year that reductions are counted from.", "Année de référence des réductions."),
        )),
        _table("team", ("A team.", "Une équipe."), (
            Field("code", CODE, "Short name, unique.", "Nom court, unique."),
            Field("name", LINE, "Name as shown.", "Nom affiché."),
            Field("cost_centre", LINE, "Cost centre that it is billed to.", "Centre de coûts."),
            Field("slack_channel", LINE, "Slack channel of its digest.", "Canal Slack de son bilan."),
            Field("contact", LINE, "Who answers for it.", "Qui en répond."),
        ), key=("code",), required=("name",)),
        _table("application", ("An application.", "Une application."), (
            Field("code", CODE, "First word of the entities that its runs measure (`project.name`), unique.",
                  "Premier mot des entités mesurées (`project.name`), unique."),
            Field("team", CODE, "Code of its team; without one it is shown as unallocated.",
                  "Code de son équipe ; sans elle, affichée comme non attribuée."),
            Field("name", LINE, "Name as shown.", "Nom affiché."),
            Field("domain", LINE, "Business domain.", "Domaine métier."),
            Field("kind", LINE, "What it is: web, mobile, batch...", "Ce qu'elle est : web, mobile, batch..."),
            Field("lifecycle", LINE, "Stage of its life: project, live, retiring...",
                  "Étape de sa vie : projet, en service, en retrait..."),
            Field("business_owner", LINE, "Who decides about it.", "Qui en décide."),
            Field("technical_owner", LINE, "Who builds it.", "Qui la réalise."),
            Field("criticality", whole(1, 4), "1 a comfort, 4 vital.", "1 confort, 4 vitale."),
            Field("complexity", whole(1, 5), "1 simple, 5 very complex.", "1 simple, 5 très complexe."),
            Field("maturity", LINE, "How mature it is, in your words.", "Sa maturité, avec vos mots."),
            Field("users", whole(0, 10**10), "How many people use it.", "Nombre de personnes qui l'utilisent."),
            Field("person_days_per_year", number(0, unit="person-days"), "Work put into it each year, in person-days.",
                  "Travail annuel, en jours-personne."),
            Field("tags", TAGS, "Words to find it by.", "Mots pour la retrouver.", []),
            Field("repository", LINE, "Address of its code.", "Adresse de son code."),
            Field("description", PROSE, "What it is for.", "À quoi elle sert."),
        ), key=("code",), required=("name",), refers={"team": "team"}),
        _table("part", ("A part of an application.", "Une partie d'une application."), (
            _APPLICATION,
            Field("code", CODE, "Second word of its entities.", "Deuxième mot de ses entités."),
            Field("name", LINE, "Name as shown.", "Nom affiché."),
            Field("tier", choice("device", "network", "server"), "Where it runs.", "Où elle s'exécute."),
        ), key=_OF_ONE, required=("name",), refers=_TO_APPLICATION),
        _table("environment", ("A place where an application runs.", "Un lieu d'exécution d'une application."), (
            _APPLICATION,
            Field("code", CODE, "Short name, unique in the application.", "Nom court, unique dans l'application."),
            Field("kind", LINE, "Production, test...", "Production, test..."),
            Field("region", LINE, "Region of the provider, or place.", "Région du fournisseur, ou lieu."),
            Field("hosting", LINE, "Owned, IaaS, PaaS, serverless...", "En propre, IaaS, PaaS, sans serveur..."),
        ), key=_OF_ONE, refers=_TO_APPLICATION),
        _table("journey", ("A journey of an application's users.", "Un parcours des utilisateurs."), (
            _APPLICATION,
            Field("code", CODE, "Name of the `[[journey]]` that is measured.", "Nom du `[[journey]]` mesuré."),
            Field("name", LINE, "Name as shown.", "Nom affiché."),
            Field("expected_saving", SHARE, "Share of its footprint that could be saved, 0 to 1.",
                  "Part de son empreinte qui pourrait être évitée, de 0 à 1."),
        ), key=_OF_ONE, required=("name",), refers=_TO_APPLICATION),
        _table("deployment", ("A version that went live; histories are marked with it.",
                              "Une version mise en service ; elle marque les historiques."), (
            _id("deployments", "les mises en service"),
            _APPLICATION,
            Field("at", MOMENT, "When.", "Quand."),
            Field("environment", LINE, "Code of the environment.", "Code de l'environnement."),
            Field("version", LINE, "Its version.", "Sa version."),
            Field("commit", LINE, "Its commit.", "Son commit."),
            Field("author", LINE, "Who deployed it.", "Qui l'a déployée."),
            Field("link", LINE, "Address of its release notes or its pipeline.",
                  "Adresse de ses notes de version ou de sa chaîne."),
        ), key=("application", "at"), refers=_TO_APPLICATION),
        _table("weight", ("How much an application counts in rankings; totals never see it.",
                          "Le poids d'une application dans les classements ; les totaux l'ignorent."), (
            _id("weights", "les poids"),
            _APPLICATION,
            Field("weight", number(0), "1 is neutral.", "1 est neutre."),
            Field("reason", PROSE, "Why.", "Pourquoi.", ""),
            Field("valid_from", DAY, "First day that it holds.", "Premier jour de validité."),
        ), key=("application", "valid_from"), required=("weight",), refers=_TO_APPLICATION),
        _table("tier_source", ("The one source that counts for a tier of an application; the others are set beside it.",
                               "La seule source qui compte pour un étage d'une application ; les autres sont placées à côté."), (
            _APPLICATION,
            Field("tier", choice("device", "network", "server"), "Which tier.", "Quel étage."),
            Field("source", choice("meter", "bill", "journeys"), "What counts: a meter, a bill, or journeys times traffic.",
                  "Ce qui compte : un compteur, une facture, ou les parcours multipliés par le trafic."),
            Field("reason", PROSE, "Why.", "Pourquoi.", ""),
            Field("valid_from", DAY, "First day that it holds.", "Premier jour de validité."),
        ), key=("application", "tier", "valid_from"), required=("source",), refers=_TO_APPLICATION),
        _table("budget", ("The most that a visit or a month of an application may take in production. `lichen gate` has others.",
                          "Le maximum d'une visite ou d'un mois d'une application en production. `lichen gate` en a d'autres."), (
            _id("budgets", "les budgets"),
            _APPLICATION,
            Field("journey", CODE, "Code of its journey; none: each of them for a visit, all of them for a month.",
                  "Code de son parcours ; aucun : chacun pour une visite, tous pour un mois."),
            Field("what", LINE, "Indicator of the nomenclature, such as gwp100; for a visit also a quantity, as network_bytes.",
                  "Indicateur de la nomenclature, comme gwp100 ; une visite a aussi des quantités, comme network_bytes."),
            Field("per", choice("visit", "month"), "Of what it is the limit.", "De quoi c'est la limite."),
            Field("limit", number(0), "The most it may take, in `unit`.", "Le maximum, dans `unit`."),
            Field("unit", LINE, "Canonical unit of `what`, such as gCO2e or B.", "Unité canonique de `what`, comme gCO2e ou B."),
            Field("reason", PROSE, "Why.", "Pourquoi.", ""),
            Field("valid_from", DAY, "First day that it holds.", "Premier jour de validité."),
            Field("valid_to", DAY, "Last day that it holds; none: without an end.",
                  "Dernier jour de validité ; aucun : sans fin."),
        ), key=("application", "journey", "what", "per", "valid_from"), required=("limit", "unit"), refers=_TO_APPLICATION),
        _table("target", ("A reduction aimed at.", "Une réduction visée."), (
            _id("targets", "les objectifs"),
            Field("scope", choice("organisation", "team", "application"), "Whose target.", "De qui."),
            Field("of", CODE, "Code of the team or application; none for the organisation.",
                  "Code de l'équipe ou de l'application ; aucun pour l'organisation."),
            Field("indicator", INDICATOR, "Indicator of the nomenclature, such as gwp100.",
                  "Indicateur de la nomenclature, comme gwp100."),
            Field("base_year", YEAR, "Year compared with.", "Année de comparaison."),
            Field("base_value", number(0), "Value of that year, in the indicator's unit; computed when left out.",
                  "Valeur de cette année, dans l'unité de l'indicateur ; calculée si absente."),
            Field("horizon_year", YEAR, "Year to reach it.", "Année d'échéance."),
            Field("reduction", SHARE, "Share saved by then: 0.3 is -30 %.", "Part évitée alors : 0.3 est -30 %."),
            Field("path", PATH, "Way there: linear, or the share saved by each year.",
                  "Chemin : linear, ou la part évitée chaque année.", LINEAR),
            Field("valid_from", DAY, "First day that it holds.", "Premier jour de validité."),
        ), key=("scope", "of", "indicator", "valid_from"), required=("base_year", "horizon_year", "reduction")),
        _table("action", ("Something done about a footprint.", "Une action sur une empreinte."), (
            _id("actions", "les actions"),
            _APPLICATION,
            Field("title", LINE, "What is done, in a few words.", "Ce qui est fait, en quelques mots."),
            Field("description", PROSE, "What, in full.", "Le détail."),
            Field("owner", LINE, "Who does it.", "Qui la mène."),
            Field("status", choice("planned", "doing", "done", "dropped"), "How far it is.", "Son avancement.",
                  "planned"),
            Field("started_on", DAY, "First day.", "Premier jour."),
            Field("done_on", DAY, "Last day.", "Dernier jour."),
            Field("indicator", INDICATOR, "Indicator of the two values.", "Indicateur des deux valeurs."),
            Field("before_value", number(0), "Value before, in the indicator's unit.",
                  "Valeur avant, dans l'unité de l'indicateur."),
            Field("after_value", number(0), "Value after, in the indicator's unit.",
                  "Valeur après, dans l'unité de l'indicateur."),
            Field("expected_saving", SHARE, "Share hoped to be saved, 0 to 1.", "Part espérée, de 0 à 1."),
            Field("tags", TAGS, "Words to find it by.", "Mots pour la retrouver.", []),
        ), key=("application", "title"), refers=_TO_APPLICATION),
    )
}  # fmt: skip
"""In the order in which rows refer to each other."""
