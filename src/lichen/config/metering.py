# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF009 - the calls in class bodies return dataclasses.field()
"""The settings of what others count: Prometheus, Kubernetes, meters of energy. Declared as in `lichen.config.settings`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from lichen.config.keys import declare, declare_name
from lichen.config.kinds import ADDRESS, NAME, PATH, TEXT, TEXTS, choice, number, optional

MeterKind = Literal["rapl", "nvml", "file", "http", "prometheus"]
METER_PLACES: Final = {"file": "path", "http": "url", "prometheus": "query"}
"""Key that says where a meter of each kind is; the others need none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrometheusServer:
    """The Prometheus that knows pods, answers the queries of parts and shows meters."""

    url: str | None = declare(
        optional(ADDRESS), None, unset="parts and meters name their own",
        en="Address of Prometheus, or of what speaks like it, with its path.",
        fr="Adresse de Prometheus, ou de ce qui parle comme lui, avec son chemin.",
    )  # fmt: skip
    token_env: str | None = declare(
        optional(TEXT), None, unset="no token is sent",
        en="Environment variable that holds the token sent to it.",
        fr="Variable d'environnement qui contient le jeton à lui envoyer.",
    )  # fmt: skip
    ca: Path | None = declare(
        optional(PATH), None, unset="the system's authorities",
        en="Certificates (PEM) that vouch for it.", fr="Certificats (PEM) qui garantissent son identité.",
    )  # fmt: skip
    timeout_s: float = declare(
        number(0, above=True, unit="seconds"), 10.0,
        en="Longest wait for one answer, in seconds.", fr="Attente maximale d'une réponse, en secondes.",
    )  # fmt: skip
    wait_s: float = declare(
        number(0, unit="seconds"), 180.0,
        en="Longest wait after the window for a sample later than its end, in seconds; never more than three scrapes.",
        fr="Attente maximale, après la fenêtre, d'un relevé postérieur à sa fin, en secondes ; jamais plus de trois relevés.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubernetes:
    """How pods are found and read."""

    kubeconfig: Path | None = declare(
        optional(PATH), None, unset="pods are found in Prometheus",
        en="kubeconfig file of the cluster whose API lists the pods.",
        fr="Fichier kubeconfig de la grappe dont l'API énumère les pods.",
    )  # fmt: skip
    context: str | None = declare(
        optional(TEXT), None, unset="the file's current context",
        en="Context of the kubeconfig.", fr="Contexte du kubeconfig.",
    )  # fmt: skip
    kubelets: tuple[str, ...] = declare(
        TEXTS, (),
        en="Addresses of kubelets whose container metrics are read directly, instead of Prometheus.",
        fr="Adresses de kubelets dont les mesures de conteneurs sont lues directement, sans passer par Prometheus.",
    )  # fmt: skip
    token_env: str | None = declare(
        optional(TEXT), None, unset="that of the kubeconfig, if there is one",
        en="Environment variable that holds the token sent to the kubelets.",
        fr="Variable d'environnement qui contient le jeton à envoyer aux kubelets.",
    )  # fmt: skip
    ca: Path | None = declare(
        optional(PATH), None, unset="the system's authorities",
        en="Certificates (PEM) that vouch for the kubelets.", fr="Certificats (PEM) qui garantissent l'identité des kubelets.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Meter:
    """A meter of electrical energy."""

    name: str = declare_name(
        NAME, en="Name of the meter, unique.", fr="Nom du compteur, unique.",
    )  # fmt: skip
    kind: MeterKind = declare_name(
        choice("rapl", "nvml", "file", "http", "prometheus"),
        en="rapl: the processor's own; nvml: NVIDIA cards; file, http, prometheus: a growing number of energy.",
        fr="rapl : celui du processeur ; nvml : cartes NVIDIA ; file, http, prometheus : un nombre croissant d'énergie.",
    )  # fmt: skip
    covers: tuple[str, ...] = declare(
        TEXTS, (), unset="this whole machine",
        en="Parts that have to themselves what the meter counts.",
        fr="Parties auxquelles appartient tout ce que compte le compteur.",
    )  # fmt: skip
    boundary: Literal["it", "facility", "device"] = declare(
        choice("it", "facility", "device"), "it",
        en="it: IT equipment, PUE comes on top; facility: PUE is inside; device: the visitor's own.",
        fr="it : équipement informatique, le PUE s'y ajoute ; facility : PUE compris ; device : le terminal du visiteur.",
    )  # fmt: skip
    idle: Literal["apart", "by share"] = declare(
        choice("apart", "by share"), "apart",
        en="Idle energy of a whole machine: nobody's, or shared out by CPU time as the rest is.",
        fr="Énergie d'inactivité d'une machine entière : à personne, ou répartie selon le temps processeur comme le reste.",
    )  # fmt: skip
    path: Path | None = declare(
        optional(PATH), None, unset="not a file", en="File that shows the number.", fr="Fichier qui montre le nombre.",
    )  # fmt: skip
    url: str | None = declare(
        optional(ADDRESS), None, unset="not at an address",
        en="Address that answers with the number.", fr="Adresse qui répond avec le nombre.",
    )  # fmt: skip
    json: str | None = declare(
        optional(TEXT), None, unset="the answer is the number",
        en="Where the number is in a JSON answer: keys and positions joined by dots.",
        fr="Où est le nombre dans une réponse JSON : clés et positions jointes par des points.",
    )  # fmt: skip
    query: str | None = declare(
        optional(TEXT), None, unset="not in Prometheus",
        en="Query (PromQL) of the cumulative number.", fr="Requête (PromQL) du nombre cumulatif.",
    )  # fmt: skip
    unit: Literal["J", "Wh", "kWh"] = declare(
        choice("J", "Wh", "kWh"), "kWh",
        en="Unit of the number.", fr="Unité du nombre.",
    )  # fmt: skip
    token_env: str | None = declare(
        optional(TEXT), None, unset="no token is sent",
        en="Environment variable that holds the token sent to the address.",
        fr="Variable d'environnement qui contient le jeton à envoyer à l'adresse.",
    )  # fmt: skip


def twin(meter: Meter, others: Iterable[Meter]) -> Meter | None:
    """Another meter that reads the same number; None when there is none."""
    keys = ("kind", "json", *METER_PLACES.values())
    return next((other for other in others if all(getattr(other, key) == getattr(meter, key) for key in keys)), None)
