# SPDX-License-Identifier: Apache-2.0
"""E-mail: text and HTML in one message, without anything that is fetched when it is read."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from functools import cache
from pathlib import Path
from typing import ClassVar, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from lichen.config import Channel, Smtp
from lichen.errors import ConfigError
from lichen.outputs.notify.limits import EMAIL, fitting
from lichen.render.notices import Notice, worded
from lichen.service.context import now
from lichen.service.notifying import Limits, Means, Outgoing, Refused, Sent

TIMEOUT_S: Final = 20.0
"""Seconds for one word of the server."""
DEADLINE_S: Final = 60.0
"""Seconds for the whole exchange."""
_SUBJECT_MAX: Final = 120


@cache
def _template() -> Template:
    loader = FileSystemLoader(Path(__file__).parent)
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined).get_template("mail.html.j2")


def page(notice: Notice) -> str:
    """A message as HTML."""
    return _template().render(notice=notice)


class EmailNotifier:
    """Mail to the addresses of ``to`` through the server of ``[smtp]``."""

    name: ClassVar[str] = "email"
    limits: ClassVar[Limits] = EMAIL

    def payload(self, outgoing: Outgoing, channel: Channel) -> str:  # noqa: ARG002 - what is sent to all of them
        """The HTML."""
        return fitting(worded(outgoing), self.limits, page)

    def send(self, outgoing: Outgoing, channel: Channel, means: Means) -> Sent | Refused:
        """Hands the mail over to the server."""
        smtp = means.smtp
        if smtp.host is None:
            raise ConfigError(
                f"The channel '{channel.name}' sends mail, and no mail server is named.",
                repair="Set smtp.host in lichen.toml.", culprit="smtp.host",
            )  # fmt: skip
        password = means.secret(channel, smtp.password_env, "password_env") if smtp.user else ""
        mail = composed(outgoing, channel, smtp, self.payload(outgoing, channel))
        try:
            with _connected(smtp, smtp.host) as server:
                if smtp.user:
                    server.login(smtp.user, password)
                refused = server.send_message(mail)
        except (smtplib.SMTPException, OSError) as error:
            return _refused(error, smtp.host)
        return Sent(f"250, {len(refused)} of {len(channel.to)} addresses refused" if refused else "250")


def composed(outgoing: Outgoing, channel: Channel, smtp: Smtp, html: str) -> EmailMessage:
    """A mail of two parts that say the same.

    Raises:
        ConfigError: an address is none.
    """
    notice = worded(outgoing)
    sender = _address(smtp.sender, "smtp.sender")
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(display_name="Lichen", addr_spec=sender)
    mail["To"] = [Address(addr_spec=_address(one, channel.name)) for one in channel.to]
    if not channel.to:
        raise ConfigError(
            f"The channel '{channel.name}' has no address.",
            repair='Give it to = ["team@example.org"].',
            culprit=channel.name,
        )
    mail["Subject"] = notice.subject[:_SUBJECT_MAX]
    mail["Date"] = format_datetime(now())
    mail["Message-ID"] = f"<{outgoing.delivery_id}@{sender.rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["List-Unsubscribe"] = f"<mailto:{sender}?subject=unsubscribe>"
    mail.set_content(notice.plain(), cte="quoted-printable")
    mail.add_alternative(html, subtype="html", cte="quoted-printable")
    return mail


def _address(text: str, culprit: str) -> str:
    _, spec = parseaddr(text)
    if spec != text or "@" not in spec[1:-1] or any(letter.isspace() or not letter.isprintable() for letter in spec):
        raise ConfigError(
            f"'{text}' is no mail address.",
            repair="Write one such as team@example.org, without a name.",
            culprit=culprit,
        )
    return spec


@contextmanager
def _connected(smtp: Smtp, host: str) -> Iterator[smtplib.SMTP]:
    """A connection to the server, encrypted as asked; cut when it takes too long."""
    trusted = ssl.create_default_context()
    server = (
        smtplib.SMTP_SSL(timeout=TIMEOUT_S, context=trusted)
        if smtp.security == "tls"
        else smtplib.SMTP(timeout=TIMEOUT_S)
    )

    def cut() -> None:
        if server.sock is not None:
            with suppress(OSError):
                server.sock.shutdown(socket.SHUT_RDWR)

    watch = threading.Timer(DEADLINE_S, cut)
    watch.daemon = True
    watch.start()
    try:
        # smtplib names the server in its checks of certificates only when it was told before it connects.
        server._host = host  # type: ignore[attr-defined]  # noqa: SLF001
        server.connect(host, smtp.port)
        if smtp.security == "starttls":
            server.starttls(context=trusted)
        yield server
        with suppress(smtplib.SMTPException, OSError):  # the mail is handed over
            server.quit()
    finally:
        watch.cancel()
        server.close()


def _refused(error: Exception, host: str) -> Refused:
    """Why a mail was not taken; what the server says is wrong for good is not tried again."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        codes = [code for code, _ in error.recipients.values()]
        reason = f"{host} refuses every address: {', '.join(sorted({str(code) for code in codes}))}."
        return Refused(reason=reason, dead=all(code >= 500 for code in codes))
    if isinstance(error, smtplib.SMTPResponseException):
        said = (
            error.smtp_error.decode(errors="replace") if isinstance(error.smtp_error, bytes) else str(error.smtp_error)
        )
        reason = f"{host} answers {error.smtp_code}: {' '.join(said.split())[:200]}."
        return Refused(reason=reason, dead=error.smtp_code >= 500)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Refused(reason=f"{host} does not offer what smtp.security or smtp.user asks for.", dead=True)
    if isinstance(error, ssl.SSLCertVerificationError):
        return Refused(reason=f"The certificate of {host} is not trusted: {error.verify_message}.", dead=True)
    return Refused(reason=f"{host} cannot be reached: {type(error).__name__}.")
