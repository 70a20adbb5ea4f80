# SPDX-License-Identifier: Apache-2.0
"""What a notifier is: it takes a message to one kind of channel, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from lichen.config import Channel, Smtp
from lichen.errors import ConfigError
from lichen.service.messages import Message
from lichen.service.outbound import Outbound

GROUP: Final = "lichen.notifiers"


@dataclass(frozen=True, slots=True)
class Sent:
    """The channel has taken a message. detail: what it said, such as ``200``."""

    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The channel has not taken a message.

    Attributes:
        reason: one sentence; no secret of an address in it.
        dead: trying again is of no use before somebody repairs something.
        retry_after_s: seconds that the other side asks to wait.
    """

    reason: str
    dead: bool = False
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a channel takes at most of one message: characters of the whole payload, and blocks; None where it has none."""

    characters: int
    blocks: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A message on its way.

    Attributes:
        delivery_id: the same at every attempt.
        lang: of the channel.
        base_url: address of the dashboard, without a slash at its end; empty when people cannot reach it.
    """

    delivery_id: str
    message: Message
    lang: str
    base_url: str = ""

    @property
    def link(self) -> str:
        """Address of the message's page; empty when people cannot reach it."""
        return f"{self.base_url}{self.message.path}" if self.base_url else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What notifiers send with: variables of the environment, the guarded way out, the mail server."""

    env: Mapping[str, str]
    outbound: Outbound
    smtp: Smtp

    def secret(self, channel: Channel, variable: str | None, what: str) -> str:
        """The value of a variable that a channel names.

        Args:
            what: the channel's key, as in ``url_env``.

        Raises:
            ConfigError: the channel names none, or it is not set.
        """
        if variable is None:
            raise ConfigError(
                f"The channel '{channel.name}' has no {what}.",
                repair=f'Add {what} = "NAME_OF_A_VARIABLE" to it.', culprit=channel.name,
            )  # fmt: skip
        value = self.env.get(variable, "").strip()
        if not value:
            raise ConfigError(
                f"The variable {variable} of the channel '{channel.name}' is not set.",
                repair="Set it where Lichen runs.", culprit=variable,
            )  # fmt: skip
        return value


class Notifier(Protocol):
    """Serves channels of one kind. A class without arguments, registered under `GROUP`."""

    name: str
    limits: Limits

    def payload(self, outgoing: Outgoing, channel: Channel) -> str:
        """What is sent, as text, within the limits; needs no secret."""

    def send(self, outgoing: Outgoing, channel: Channel, means: Means) -> Sent | Refused:
        """One attempt.

        Raises:
            ConfigError: the channel lacks something.
        """
