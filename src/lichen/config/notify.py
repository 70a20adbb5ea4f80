# SPDX-License-Identifier: Apache-2.0
"""The settings of what is told to people: channels, the weekly digest, quiet hours, the mail server.

Declared as in `lichen.config.settings`. No secret stands in the file: keys that end in ``_env`` name the variable that holds it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from lichen.config.keys import declare, declare_name
from lichen.config.kinds import FLAG, TEXT, TEXTS, Kind, choice, integer, optional
from lichen.config.names import nearest
from lichen.config.traffic import TIME_ZONE, UTC_NAME
from lichen.errors import ConfigError

DAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""As `datetime.date.weekday` counts them."""
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_HOUR_TEXT: Final = re.compile(r"([01]\d|2[0-3]):[0-5]\d")


def _variable(value: object, _folder: Path) -> str:
    if not isinstance(value, str) or _VARIABLE.fullmatch(value) is None:
        raise ValueError
    return value


def _hour(value: object, _folder: Path) -> str:
    if not isinstance(value, str) or _HOUR_TEXT.fullmatch(value) is None:
        raise ValueError
    return value


_NAME_OF_VARIABLE: Final[Kind[str]] = Kind("the name of an environment variable, not its value", _variable)
_HOUR: Final[Kind[str]] = Kind('a time of the day such as "21:30"', _hour)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notify:
    """How messages are delivered."""

    time_zone: str = declare(
        TIME_ZONE, UTC_NAME,
        en="Time zone of the hours below and of the digest's.", fr="Fuseau horaire des heures ci-dessous et de celle du bilan.",
    )  # fmt: skip
    quiet_from: str | None = declare(
        optional(_HOUR), None, unset="alerts are sent at any time",
        en="Time of the day from which alerts wait.", fr="Heure à partir de laquelle les alertes attendent.",
    )  # fmt: skip
    quiet_to: str | None = declare(
        optional(_HOUR), None, unset="alerts are sent at any time",
        en="Time of the day from which alerts are sent again.", fr="Heure à partir de laquelle les alertes repartent.",
    )  # fmt: skip
    attempts: int = declare(
        integer(1, 20), 10,
        en="Attempts at a message before it is given up; ten take 16 hours.",
        fr="Essais d'un message avant de l'abandonner ; dix prennent 16 heures.",
    )  # fmt: skip
    silent_after_days: int = declare(
        integer(1, 90), 8,
        en="Days without a delivered message after which a channel that should have had one counts as silent.",
        fr="Jours sans message remis après lesquels un canal qui aurait dû en avoir compte comme muet.",
    )  # fmt: skip
    allow_private_hosts: tuple[str, ...] = declare(
        TEXTS, (),
        en="Hosts of webhooks that may lie in a private network or speak plain http; any other such address is refused.",
        fr="Hôtes de webhooks qui peuvent être dans un réseau privé ou parler http ; toute autre adresse pareille est refusée.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestSettings:
    """When the weekly digest is sent: about the week that is over."""

    day: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"] = declare(
        choice("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"), "monday",
        en="Day on which the weekly digest is sent.", fr="Jour d'envoi du bilan hebdomadaire.",
    )  # fmt: skip
    at: str = declare(_HOUR, "09:00", en="Time of the day at which it is sent.", fr="Heure d'envoi.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Smtp:
    """The mail server that channels of the kind email use."""

    host: str | None = declare(
        optional(TEXT), None, unset="no mail is sent", en="Host of the mail server.", fr="Hôte du serveur de messagerie.",
    )  # fmt: skip
    port: int = declare(integer(1, 65535), 587, en="Port of the mail server.", fr="Port du serveur de messagerie.")
    security: Literal["starttls", "tls", "none"] = declare(
        choice("starttls", "tls", "none"), "starttls",
        en="How the connection is encrypted; none only within one machine or a trusted network.",
        fr="Chiffrement de la connexion ; none seulement sur une machine ou un réseau de confiance.",
    )  # fmt: skip
    user: str | None = declare(
        optional(TEXT), None, unset="the server asks for none", en="User name on the mail server.",
        fr="Nom d'utilisateur sur le serveur de messagerie.",
    )  # fmt: skip
    password_env: str | None = declare(
        optional(_NAME_OF_VARIABLE), None, unset="the server asks for none",
        en="Environment variable that holds the password.", fr="Variable d'environnement qui contient le mot de passe.",
    )  # fmt: skip
    sender: str = declare(
        TEXT, "lichen@localhost", en="Address that mails come from.", fr="Adresse d'expédition des courriels.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A place where messages go: its kind is the name of a notifier."""

    name: str = declare_name(
        TEXT, en="Name of the channel, unique, without '/'.", fr="Nom du canal, unique, sans « / ».",
    )  # fmt: skip
    kind: str = declare_name(
        TEXT, en="Notifier that serves it: slack, slack-bot, email, webhook, teams, mattermost, or a plug-in.",
        fr="Notifieur qui le sert : slack, slack-bot, email, webhook, teams, mattermost, ou une extension.",
    )  # fmt: skip
    url_env: str | None = declare(
        optional(_NAME_OF_VARIABLE), None, unset="this kind needs none",
        en="Environment variable that holds the webhook's address.",
        fr="Variable d'environnement qui contient l'adresse du webhook.",
    )  # fmt: skip
    token_env: str | None = declare(
        optional(_NAME_OF_VARIABLE), None, unset="this kind needs none",
        en="Environment variable that holds the bot's token, or the secret that a webhook's messages are signed with.",
        fr="Variable d'environnement qui contient le jeton du robot, ou le secret qui signe les messages d'un webhook.",
    )  # fmt: skip
    to: tuple[str, ...] = declare(
        TEXTS, (),
        en="Mail addresses, or the Slack channel a bot writes to.",
        fr="Adresses électroniques, ou le canal Slack où écrit un robot.",
    )  # fmt: skip
    teams: tuple[str, ...] = declare(
        TEXTS, (),
        en="Codes of the teams it tells of; without teams and applications it tells of the whole organisation.",
        fr="Codes des équipes dont il parle ; sans équipes ni applications, il parle de toute l'organisation.",
    )  # fmt: skip
    applications: tuple[str, ...] = declare(
        TEXTS, (), en="Codes of the applications it tells of.", fr="Codes des applications dont il parle.",
    )  # fmt: skip
    digest: bool = declare(FLAG, True, en="Send the weekly digest.", fr="Envoyer le bilan hebdomadaire.")
    alerts: bool = declare(FLAG, True, en="Send alerts.", fr="Envoyer les alertes.")
    lang: Literal["en", "fr", "auto"] = declare(
        choice("en", "fr", "auto"), "auto",
        en="Language of its messages; auto is the organisation's.",
        fr="Langue de ses messages ; auto est celle de l'organisation.",
    )  # fmt: skip

    @property
    def of_everything(self) -> bool:
        """Whether it tells of the whole organisation."""
        return not self.teams and not self.applications


def find_channel(channels: Sequence[Channel], name: str) -> Channel:
    """A channel by its name.

    Raises:
        ConfigError: there is none.
    """
    found = next((one for one in channels if one.name == name), None)
    if found is None:
        names = [one.name for one in channels]
        repair = nearest(name, names, valid_are="Channels") if names else "Declare it as a [[channel]] in lichen.toml."
        raise ConfigError(f"There is no channel '{name}'.", repair=repair, culprit=name)
    return found


def check_quiet(values: Mapping[str, Any], place: str) -> None:
    """Quiet hours have a beginning and an end.

    Args:
        values: of all keys, by dotted name.

    Raises:
        ConfigError: one of them lacks, or they are the same.
    """
    start, end = values["notify.quiet_from"], values["notify.quiet_to"]
    if (start is None) != (end is None) or (start is not None and start == end):
        raise ConfigError(
            f"notify.quiet_from and notify.quiet_to say no span ({place}).",
            repair="Give both, and different times.", culprit=place,
        )  # fmt: skip
