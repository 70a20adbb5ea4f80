# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF009 - the calls in class bodies return dataclasses.field()
"""The settings. Each field is the one declaration of its key: type, default, choices and description are read from here
by the loader, ``lichen init``, ``lichen config show``, ``docs/configuration.md`` and the error messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from lichen.config.bills import Bills, Owner, Shared
from lichen.config.budgets import Budget, Gate
from lichen.config.comparing import Compare
from lichen.config.keys import Key, declare, declare_name, declared_keys  # fmt: skip
from lichen.config.kinds import (
    ADDRESS,
    FLAG,
    PATH,
    PATHS,
    PROGRAM,
    SAMPLES,
    TEXT,
    TEXTS,
    VIEWPORT,
    ZONE,
    Samples,
    Viewport,
    choice,
    integer,
    number,
    optional,
)
from lichen.config.metering import Kubernetes, Meter, PrometheusServer
from lichen.config.notify import Channel, DigestSettings, Notify, Smtp
from lichen.config.part import Part
from lichen.config.serving import Oidc, Server
from lichen.config.traffic import TrafficJourney, TrafficSettings
from lichen.config.watching import Alerts, Job, Tick

Lang = Literal["en", "fr"]
OriginKind = Literal["default", "file", "env", "flag"]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value comes from: ``where`` is a file with its line, a variable, or empty."""

    kind: OriginKind
    where: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.where}".strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What is measured, and the language of the results."""

    name: str = declare(
        TEXT, "", unset="the folder's name",
        en="Name of the application; first word of every entity.", fr="Nom de l'application ; premier mot de chaque entité.",
    )  # fmt: skip
    lang: Literal["en", "fr", "auto"] = declare(
        choice("en", "fr", "auto"), "auto",
        en="Language of the results; auto reads LANG.", fr="Langue des résultats ; auto lit LANG.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Where and with what people use the application."""

    zone: str | None = declare(
        optional(ZONE), None, unset="unknown: world values, and the result says so",
        en="Country or grid zone of the visitors.", fr="Pays ou zone électrique des visiteurs.",
    )  # fmt: skip
    device: Literal["laptop", "desktop", "smartphone", "tablet", "mix"] = declare(
        choice("laptop", "desktop", "smartphone", "tablet", "mix"), "mix",
        en="Device of the visitors.", fr="Terminal des visiteurs.",
    )  # fmt: skip
    network: Literal["fixed", "mobile"] = declare(
        choice("fixed", "mobile"), "fixed",
        en="Network of the visitors.", fr="Réseau des visiteurs.",
    )  # fmt: skip
    functional_unit: str = declare(
        TEXT, "visit",
        en="What one run of a journey stands for (ISO 14044).", fr="Ce que représente un passage du parcours (ISO 14044).",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """How quantities become impacts."""

    use: str = declare(
        TEXT, "lichen-1",
        en="Method applied; `lichen methods` lists them.", fr="Méthode appliquée ; `lichen methods` les énumère.",
    )  # fmt: skip
    compare: tuple[str, ...] | None = declare(
        optional(TEXTS), None, unset="every other method that reads network bytes and has a climate figure",
        en="Methods that the result is set beside, to show what they say and why they differ; [] for none.",
        fr="Méthodes auxquelles le résultat est comparé, pour montrer ce qu'elles disent et pourquoi ; [] pour aucune.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """How often a journey is run, and when to stop."""

    samples: Samples = declare(
        SAMPLES, "auto",
        en="Repetitions of a journey; auto stops when the precision is reached.",
        fr="Répétitions d'un parcours ; auto s'arrête quand la précision est atteinte.",
    )  # fmt: skip
    min_samples: int = declare(
        integer(1, 100), 7, en="Fewest repetitions in auto.", fr="Nombre minimal de répétitions en auto.",
    )  # fmt: skip
    max_samples: int = declare(
        integer(1, 100), 30, en="Most repetitions in auto.", fr="Nombre maximal de répétitions en auto.",
    )  # fmt: skip
    precision: float = declare(
        number(0, 1, above=True), 0.03,
        en="Relative half-width of the 95 % interval aimed at, on a machine of its own.",
        fr="Demi-largeur relative visée de l'intervalle à 95 %, sur une machine dédiée.",
    )  # fmt: skip
    precision_shared: float = declare(
        number(0, 1, above=True), 0.05,
        en="The same on a shared or virtual machine.", fr="La même sur une machine partagée ou virtuelle.",
    )  # fmt: skip
    max_minutes: float = declare(
        number(0, above=True, unit="minutes"), 5.0,
        en="Longest time for one journey, in minutes.", fr="Durée maximale pour un parcours, en minutes.",
    )  # fmt: skip
    profile: Literal["fidelity", "fast"] = declare(
        choice("fidelity", "fast"), "fidelity",
        en="fidelity drives the full browser, fast its headless shell; the two are not compared.",
        fr="fidelity pilote le navigateur complet, fast sa version sans interface ; les deux ne se comparent pas.",
    )  # fmt: skip
    rest_s: float | None = declare(
        optional(number(0, unit="seconds")), None, unset="0.5 with the profile fidelity, 0.3 with fast",
        en="Rest at the end of each step, in seconds, so that timers and polling show.",
        fr="Repos à la fin de chaque étape, en secondes, pour voir minuteries et interrogations répétées.",
    )  # fmt: skip
    settle_max_s: float = declare(
        number(0, unit="seconds"), 3.0,
        en="Longest wait for the browser to come to rest before measuring, in seconds.",
        fr="Attente maximale du repos du navigateur avant la mesure, en secondes.",
    )  # fmt: skip
    action_timeout_s: float = declare(
        number(0, above=True, unit="seconds"), 10.0,
        en="Longest time for one click, wait or page load, in seconds.",
        fr="Durée maximale d'un clic, d'une attente ou d'un chargement, en secondes.",
    )  # fmt: skip
    journey_timeout_s: float = declare(
        number(0, above=True, unit="seconds"), 120.0,
        en="Longest time for one repetition of a journey, in seconds.",
        fr="Durée maximale d'une répétition d'un parcours, en secondes.",
    )  # fmt: skip
    page_dwell_s: float = declare(
        number(0, unit="seconds"), 20.0,
        en="Seconds a person spends on a page that is measured by its address; half before scrolling, half while scrolling; "
        "assumed.",
        fr="Secondes qu'une personne passe sur une page mesurée par son adresse ; moitié avant de défiler, moitié en défilant ; "
        "supposées.",
    )  # fmt: skip
    discard: int = declare(
        integer(0, 10), 1,
        en="First repetitions that warm up the machine and are not counted.",
        fr="Premières répétitions, qui échauffent la machine et ne comptent pas.",
    )  # fmt: skip
    survey: bool = declare(
        FLAG, True,
        en="Look into the pages in the first warm-up, for `lichen advise`; what is measured is not touched.",
        fr="Examiner les pages à la première répétition d'échauffement, pour `lichen advise` ; la mesure n'est pas touchée.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """How a command is measured by `lichen run`."""

    samples: Samples = declare(
        SAMPLES, 1,
        en="Repetitions of a command; auto stops when the precision is reached.",
        fr="Répétitions d'une commande ; auto s'arrête quand la précision est atteinte.",
    )  # fmt: skip
    tier: Literal["auto", "server", "device"] = declare(
        choice("auto", "server", "device"), "auto",
        en="What the command runs on: server or device; auto takes a machine with a battery for a device.",
        fr="Ce qui exécute la commande : server (serveur) ou device (terminal) ; auto tient une machine à batterie pour un "
        "terminal.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """How the browser is set up; two series compare only when all of this is equal."""

    executable: str | None = declare(
        optional(PROGRAM), None, unset="the Chromium found on PATH",
        en="Browser to drive.", fr="Navigateur à piloter.",
    )  # fmt: skip
    viewport: Viewport = declare(
        VIEWPORT, Viewport(1366, 768), en="Size of the page in CSS pixels.", fr="Taille de la page en pixels CSS.",
    )  # fmt: skip
    device_scale_factor: float = declare(
        number(0, 10, above=True), 1.0, en="Screen pixels per CSS pixel.", fr="Pixels d'écran par pixel CSS.",
    )  # fmt: skip
    locale: str = declare(TEXT, "en-GB", en="Language that the page sees.", fr="Langue que voit la page.")
    time_zone: str = declare(
        TEXT, "UTC", en="Time zone that the page sees.", fr="Fuseau horaire que voit la page.",
    )  # fmt: skip
    color_scheme: Literal["light", "dark", "no-preference"] = declare(
        choice("light", "dark", "no-preference"), "light",
        en="Theme that the page is asked for.", fr="Thème demandé à la page.",
    )  # fmt: skip
    reduced_motion: Literal["reduce", "no-preference"] = declare(
        choice("reduce", "no-preference"), "no-preference",
        en="Whether the page is asked for less motion.", fr="Si la page doit limiter ses animations.",
    )  # fmt: skip
    cache: Literal["cold", "warm"] = declare(
        choice("cold", "warm"), "cold",
        en="cold is a first visit, warm a returning one.", fr="cold : première visite ; warm : visite suivante.",
    )  # fmt: skip
    download_kbps: float | None = declare(
        optional(number(0, above=True, unit="kbit/s")), None, unset="not limited",
        en="Download rate in kbit/s.", fr="Débit descendant en kbit/s.",
    )  # fmt: skip
    upload_kbps: float | None = declare(
        optional(number(0, above=True, unit="kbit/s")), None, unset="not limited",
        en="Upload rate in kbit/s.", fr="Débit montant en kbit/s.",
    )  # fmt: skip
    latency_ms: float | None = declare(
        optional(number(0, unit="milliseconds")), None, unset="none added",
        en="Delay added to each request, in milliseconds.", fr="Délai ajouté à chaque requête, en millisecondes.",
    )  # fmt: skip
    cpu_slowdown: float | None = declare(
        optional(number(1, 100)), None, unset="not slowed down",
        en="How many times slower the page's processor is; CPU time is then no longer the page's own.",
        fr="Ralentissement du processeur de la page ; le temps CPU n'est alors plus le sien.",
    )  # fmt: skip
    ignore_https_errors: bool = declare(
        FLAG, False, en="Accept certificates that are not valid.", fr="Accepter les certificats non valides.",
    )  # fmt: skip
    block_third_party: bool = declare(
        FLAG, False, en="Reach only the hosts of the journey's own site.", fr="Ne joindre que les hôtes du site du parcours.",
    )  # fmt: skip
    third_parties: Path | None = declare(
        optional(PATH), None, unset="they are reached as they are",
        en="Recording that all hosts outside the journey's own site answer from; `lichen measure --record` makes it.",
        fr="Enregistrement d'où répondent tous les hôtes hors du site du parcours ; `lichen measure --record` le crée.",
    )  # fmt: skip
    args: tuple[str, ...] = declare(
        TEXTS, (), en="Further switches given to the browser.", fr="Autres options données au navigateur.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where results are written."""

    runs: Path = declare(PATH, Path("lichen-runs"), en="Folder of the run files.", fr="Dossier des fichiers de mesure.")
    html: Path | None = declare(
        optional(PATH), None, unset="no report",
        en="HTML report written by each measurement.", fr="Rapport HTML écrit par chaque mesure.",
    )  # fmt: skip
    server: str | None = declare(
        optional(ADDRESS), None, unset="runs stay in their folder",
        en="Server that runs are pushed to, with the token of LICHEN_TOKEN.",
        fr="Serveur auquel les mesures sont envoyées, avec le jeton de LICHEN_TOKEN.",
    )  # fmt: skip
    keep_screenshots: bool = declare(
        FLAG, True, en="Keep a picture of the page when a journey fails.",
        fr="Garder une image de la page quand un parcours échoue.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Extend:
    """Local files that add to what is installed."""

    factors: tuple[Path, ...] = declare(PATHS, (), en="Factor packs (toml).", fr="Paquets de facteurs (toml).")
    grids: tuple[Path, ...] = declare(
        PATHS, (), en="Electricity by the hour, one file a zone (csv).", fr="Électricité par heure, un fichier par zone (csv).",
    )  # fmt: skip
    methods: tuple[Path, ...] = declare(PATHS, (), en="Method files (toml).", fr="Fichiers de méthode (toml).")
    nomenclature: tuple[Path, ...] = declare(
        PATHS, (), en="Nomenclature rows (csv).", fr="Lignes de nomenclature (csv)."
    )
    modules: tuple[Path, ...] = declare(
        PATHS, (), en="Python files with a PLUGINS table.", fr="Fichiers Python avec une table PLUGINS.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """A journey: exactly one of file and url."""

    name: str = declare_name(
        TEXT, en="Name of the journey, unique, without '/'.", fr="Nom du parcours, unique, sans « / ».",
    )  # fmt: skip
    file: Path | None = declare(
        optional(PATH), None, unset="given by url",
        en="Python file with journey(page, step).", fr="Fichier Python avec journey(page, step).",
    )  # fmt: skip
    url: str | None = declare(
        optional(ADDRESS), None, unset="given by file",
        en="Address that is opened and scrolled.", fr="Adresse ouverte puis défilée.",
    )  # fmt: skip
    base_url: str | None = declare(
        optional(ADDRESS), None, unset="the journey gives whole addresses",
        en="Start of relative addresses; may be a part's, as in {portal.url}.",
        fr="Début des adresses relatives ; peut être celle d'une partie, comme {portal.url}.",
    )  # fmt: skip
    paths: tuple[str, ...] = declare(
        TEXTS, (),
        en="Files that change it, for `lichen gate --changed-paths`; * is anything but a slash, ** anything.",
        fr="Fichiers dont il dépend, pour `lichen gate --changed-paths` ; * est tout sauf une barre oblique, ** n'importe quoi.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings of a run, with the origin of each.

    Attributes:
        folder: folder that relative paths start from; file: lichen.toml, None when there is none.
        lang: language of the results, after ``auto`` was resolved.
        origins: where each value comes from, by dotted name (``part.0.command`` for the first part).
    """

    project: Project = field(default_factory=Project)
    context: Context = field(default_factory=Context)
    method: Method = field(default_factory=Method)
    measure: Measure = field(default_factory=Measure)
    run: Run = field(default_factory=Run)
    browser: Browser = field(default_factory=Browser)
    output: Output = field(default_factory=Output)
    extend: Extend = field(default_factory=Extend)
    prometheus: PrometheusServer = field(default_factory=PrometheusServer)
    kubernetes: Kubernetes = field(default_factory=Kubernetes)
    server: Server = field(default_factory=Server)
    oidc: Oidc = field(default_factory=Oidc)
    traffic: TrafficSettings = field(default_factory=TrafficSettings)
    bills: Bills = field(default_factory=Bills)
    compare: Compare = field(default_factory=Compare)
    gate: Gate = field(default_factory=Gate)
    notify: Notify = field(default_factory=Notify)
    digest: DigestSettings = field(default_factory=DigestSettings)
    smtp: Smtp = field(default_factory=Smtp)
    alerts: Alerts = field(default_factory=Alerts)
    tick: Tick = field(default_factory=Tick)
    parts: tuple[Part, ...] = ()
    journeys: tuple[Journey, ...] = ()
    meters: tuple[Meter, ...] = ()
    traffic_journeys: tuple[TrafficJourney, ...] = ()
    bill_owners: tuple[Owner, ...] = ()
    bill_shared: tuple[Shared, ...] = ()
    budgets: tuple[Budget, ...] = ()
    channels: tuple[Channel, ...] = ()
    jobs: tuple[Job, ...] = ()
    folder: Path = Path()
    file: Path | None = None
    lang: Lang = "en"
    origins: Mapping[str, Origin] = field(default_factory=dict)

    def value(self, key: Key) -> Any:
        """The value of a key of a section."""
        return getattr(getattr(self, key.section), key.name)


SECTIONS: Final[Mapping[str, type[Any]]] = {
    "project": Project, "context": Context, "method": Method, "measure": Measure, "run": Run, "browser": Browser,
    "output": Output, "extend": Extend, "prometheus": PrometheusServer, "kubernetes": Kubernetes,
    "server": Server, "oidc": Oidc, "traffic": TrafficSettings, "bills": Bills,
    "compare": Compare, "gate": Gate, "notify": Notify, "digest": DigestSettings, "smtp": Smtp,
    "alerts": Alerts, "tick": Tick,
}  # fmt: skip
"""Sections of lichen.toml, ``[name]``."""

LISTS: Final[Mapping[str, type[Any]]] = {
    "part": Part, "journey": Journey, "meter": Meter, "traffic.journey": TrafficJourney,
    "bills.owner": Owner, "bills.shared": Shared, "budget": Budget, "channel": Channel, "job": Job,
}  # fmt: skip
"""Repeated sections, ``[[name]]``; those with a dot lie in a section."""


KEYS: Final[Mapping[str, Key]] = {
    key.dotted: key for name, declaration in SECTIONS.items() for key in declared_keys(name, declaration)
}
"""Every key of a section, by dotted name."""

LIST_KEYS: Final[Mapping[str, Mapping[str, Key]]] = {
    name: {key.name: key for key in declared_keys(name, declaration)} for name, declaration in LISTS.items()
}
"""The keys of each repeated section, by name."""
