# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: RUF009 - the calls in class bodies return dataclasses.field()
"""The settings of what is watched over and done on time. Declared as in `lichen.config.settings`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from lichen.config.keys import declare, declare_name
from lichen.config.kinds import COMMAND, TEXT, TEXTS, Kind, integer, number, optional
from lichen.config.notify import DAYS

_EVERY: Final = re.compile(r"(\d{1,4}) minutes?")
_AT: Final = re.compile(rf"(daily|{'|'.join(DAYS)}) ([01]\d|2[0-3]):([0-5]\d)")
_LONGEST_MIN: Final = 1440


class Schedule(NamedTuple):
    """When something is due.

    Attributes:
        every_min: minutes from one time to the next, counted from midnight UTC of 1 January 1970; None for a time of the day.
        weekday: 0 is Monday; None: every day. hour, minute: by the wall clock of `notify.time_zone`.
    """

    every_min: int | None = None
    weekday: int | None = None
    hour: int = 0
    minute: int = 0

    def __str__(self) -> str:
        if self.every_min is not None:
            return f"{self.every_min} minutes"
        return f"{'daily' if self.weekday is None else DAYS[self.weekday]} {self.hour:02}:{self.minute:02}"


def read_schedule(value: object, _folder: Path = Path()) -> Schedule:
    """A schedule from its text.

    >>> read_schedule("15 minutes").every_min, str(read_schedule("monday 09:00"))
    (15, 'monday 09:00')

    Raises:
        ValueError: it is none.
    """
    if isinstance(value, Schedule):
        return value
    if not isinstance(value, str):
        raise ValueError  # noqa: TRY004 - read() promises ValueError, whatever is wrong with the value
    if (found := _EVERY.fullmatch(value)) is not None and 1 <= int(found[1]) <= _LONGEST_MIN:
        return Schedule(every_min=int(found[1]))
    if (found := _AT.fullmatch(value)) is None:
        raise ValueError
    weekday = None if found[1] == "daily" else DAYS.index(found[1])
    return Schedule(weekday=weekday, hour=int(found[2]), minute=int(found[3]))


SCHEDULE: Final[Kind[Schedule]] = Kind('a time such as "15 minutes", "daily 05:00" or "monday 03:00"', read_schedule)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerts:
    """What people are alerted of."""

    watch: tuple[str, ...] = declare(
        TEXTS, ("gwp100", "network_bytes", "requests"),
        en="Indicators and quantities of a visit whose history is watched.",
        fr="Indicateurs et quantités d'une visite dont l'historique est surveillé.",
    )  # fmt: skip
    remind_days: int = declare(
        integer(1, 90), 7,
        en="Days after which an alert that is still open is told again.",
        fr="Jours après lesquels une alerte encore ouverte est rappelée.",
    )  # fmt: skip
    change_days: int = declare(
        integer(1, 365), 28,
        en="Days after which a change of a history counts as the new normal, and its alert is over.",
        fr="Jours après lesquels un changement d'historique devient la nouvelle normale, et son alerte se termine.",
    )  # fmt: skip
    target_over: float = declare(
        number(0, 10), 0.05,
        en="Share above the path of a target from which it is off its path; 0.05 is 5 %.",
        fr="Part au-dessus de la trajectoire d'un objectif à partir de laquelle il en est sorti ; 0.05 vaut 5 %.",
    )  # fmt: skip
    data_days: int | None = declare(
        optional(integer(1, 365)), None, unset="three times the usual pause between two days of measurement",
        en="Days without a run after which the data of an application have stopped.",
        fr="Jours sans mesure après lesquels les données d'une application se sont arrêtées.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """When `lichen tick`, and the server by itself, do what is due; the weekly digest has its own section."""

    deliveries: Schedule = declare(
        SCHEDULE, Schedule(every_min=5), en="Send messages that wait.", fr="Envoyer les messages en attente.",
    )  # fmt: skip
    watch: Schedule = declare(
        SCHEDULE, Schedule(hour=5), en="Look for changes in histories.", fr="Chercher des changements dans les historiques.",
    )  # fmt: skip
    alerts: Schedule = declare(
        SCHEDULE, Schedule(every_min=60), en="Look whether somebody has to be alerted.", fr="Voir s'il faut alerter quelqu'un.",
    )  # fmt: skip
    compact: Schedule = declare(
        SCHEDULE, Schedule(weekday=6, hour=2),
        en="Merge the small files of the ledger, and drop what is kept no longer.",
        fr="Fusionner les petits fichiers du registre, et supprimer ce qui n'est plus gardé.",
    )  # fmt: skip
    keep_months: int | None = declare(
        optional(integer(1, 1200)), None, unset="facts are kept for ever",
        en="Months that facts stay in the ledger.", fr="Mois pendant lesquels les faits restent dans le registre.",
    )  # fmt: skip
    measure: Schedule | None = declare(
        optional(SCHEDULE), None, unset="nothing is measured by itself",
        en="Measure journeys and push them; `lichen tick` alone does it, the server never.",
        fr="Mesurer des parcours et les envoyer ; `lichen tick` seul le fait, jamais le serveur.",
    )  # fmt: skip
    journeys: tuple[str, ...] = declare(
        TEXTS, (), en="Journeys that are measured so; none: all of them.", fr="Parcours mesurés ainsi ; aucun : tous.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A command that `lichen tick` runs on time, such as an import; the server never runs one."""

    name: str = declare_name(
        TEXT, en="Name of the job, unique, without '/'.", fr="Nom de la tâche, unique, sans « / »."
    )
    at: Schedule = declare_name(SCHEDULE, en="When it is due.", fr="Quand elle est due.")
    command: tuple[str, ...] = declare_name(
        COMMAND, en="Command, run in the folder of lichen.toml.", fr="Commande, lancée dans le dossier de lichen.toml."
    )
    timeout_minutes: int = declare(
        integer(1, 1440), 60, en="Minutes after which it is ended.", fr="Minutes après lesquelles elle est arrêtée.",
    )  # fmt: skip


BUILT_IN: Final = ("deliveries", "digest", "watch", "alerts", "compact", "measure")
"""Names of Lichen's own jobs."""
