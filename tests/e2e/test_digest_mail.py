# SPDX-License-Identifier: Apache-2.0
"""Mail through a real SMTP server: what arrives, encryption, sign-in, refusals, servers that stall."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests import notify_support

from lichen.config import Channel, Smtp
from lichen.errors import ConfigError
from lichen.outputs.notify import EmailNotifier, mail
from lichen.service.notifying import Means, Refused, Sent
from lichen.service.outbound import Outbound

CHANNEL = Channel(name="board", kind="email", to=("board@example.org", "cio@example.org"))
MESSAGES = notify_support.messages()


@dataclass
class Mailbox:
    """What the server took. refuse: what it answers to a recipient, or to the message."""

    mails: list[Envelope] = field(default_factory=list)
    to_recipient: dict[str, str] = field(default_factory=dict)
    to_data: str = "250 taken"

    async def handle_RCPT(  # noqa: N802 - the server looks for this name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.to_recipient:
            return self.to_recipient[address]
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        if self.to_data.startswith("250"):
            self.mails.append(envelope)
        return self.to_data

    def message(self) -> EmailMessage:
        """The one mail that came."""
        (envelope,) = self.mails
        content = envelope.content
        assert isinstance(content, bytes)
        found = message_from_bytes(content, policy=policy.default)
        assert isinstance(found, EmailMessage)
        return found


@contextmanager
def server(mailbox: Mailbox, **options: Any) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, **options)
    controller.start()
    try:
        yield port
    finally:
        controller.stop()


def means(port: int, env: dict[str, str] | None = None, **settings: Any) -> Means:
    smtp = Smtp(**({"host": "127.0.0.1", "port": port, "security": "none", "sender": "lichen@example.org"} | settings))
    return Means(env=env or {}, outbound=Outbound(), smtp=smtp)


def send(ways: Means, kind: str = "digest 80", channel: Channel = CHANNEL, lang: str = "en") -> Sent | Refused:
    return EmailNotifier().send(notify_support.outgoing(MESSAGES[kind], lang), channel, ways)


def test_a_digest_arrives_as_text_and_as_html() -> None:
    mailbox = Mailbox()
    with server(mailbox) as port:
        assert send(means(port), lang="fr") == Sent("250")
    found = mailbox.message()
    assert mailbox.mails[0].rcpt_tos == ["board@example.org", "cio@example.org"]
    assert found["Subject"] == "Loans, semaine 46\u00a0: ▲\u00a0+8\u202f% par rapport à l’habitude"
    assert found["From"] == "Lichen <lichen@example.org>"
    assert found["Message-ID"] == "<0123456789abcdef0123456789abcdef@example.org>"
    assert found["List-Unsubscribe"] == "<mailto:lichen@example.org?subject=unsubscribe>"
    assert found["Auto-Submitted"] == "auto-generated"
    assert found.get_content_type() == "multipart/alternative"
    text, html = (part for part in found.iter_parts())
    assert [text.get_content_type(), html.get_content_type()] == ["text/plain", "text/html"]
    assert "Ce qui a bougé" in text.get_content()  # type: ignore[attr-defined]
    assert '<html lang="fr">' in html.get_content()  # type: ignore[attr-defined]
    content = mailbox.mails[0].content
    assert content is not None
    assert len(content) < 60_000


@pytest.mark.parametrize("kind", MESSAGES)
def test_every_message_arrives_whole(kind: str) -> None:
    mailbox = Mailbox()
    with server(mailbox) as port:
        assert isinstance(send(means(port), kind), Sent)
    found = mailbox.message()
    assert set(found.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "List-Unsubscribe", "MIME-Version", "Content-Type"
    }  # fmt: skip
    content = mailbox.mails[0].content
    assert isinstance(content, bytes)
    assert len(content) < 100_000
    assert max(len(line) for line in content.splitlines()) <= 998


@pytest.mark.parametrize(
    ("refusals", "answer"),
    [
        ({"board@example.org": "550 no such user", "cio@example.org": "550 no such user"}, "dead"),
        ({"board@example.org": "451 later", "cio@example.org": "550 no such user"}, "later"),
        ({"board@example.org": "550 no such user"}, "sent"),
    ],
)
def test_recipients_that_are_refused(refusals: dict[str, str], answer: str) -> None:
    mailbox = Mailbox(to_recipient=refusals)
    with server(mailbox) as port:
        found = send(means(port))
    if answer == "sent":
        assert found == Sent("250, 1 of 2 addresses refused")
    else:
        assert isinstance(found, Refused)
        assert found.dead is (answer == "dead")
        assert "127.0.0.1 refuses every address" in found.reason


@pytest.mark.parametrize(("said", "dead"), [("554 spam", True), ("452 no room", False)])
def test_a_message_that_is_refused(said: str, dead: bool) -> None:
    with server(Mailbox(to_data=said)) as port:
        found = send(means(port))
    assert found == Refused(reason=f"127.0.0.1 answers {said.replace(' ', ': ', 1)}.", dead=dead)


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A certificate of this machine, and the file that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1)).not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    certificate_file, key_file = folder / "cert.pem", folder / "key.pem"
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate_file, key_file)
    return context, certificate_file


def authenticator(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
    assert isinstance(data, LoginPassword)
    return AuthResult(success=(data.login, data.password) == (b"lichen", b"right"), handled=False)


def test_starttls_and_a_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, trusted = certificate(tmp_path)
    mailbox = Mailbox()
    options = {"tls_context": context, "require_starttls": True, "authenticator": authenticator, "auth_required": True}
    settings = {"security": "starttls", "user": "lichen", "password_env": "MAIL"}
    with server(mailbox, **options) as port:
        unknown = send(means(port, {"MAIL": "right"}, **settings))
        assert isinstance(unknown, Refused)
        assert unknown.dead
        assert "is not trusted" in unknown.reason
        monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
        wrong = send(means(port, {"MAIL": "wrong"}, **settings))
        assert isinstance(wrong, Refused)
        assert wrong.dead
        assert "535" in wrong.reason
        assert "wrong" not in wrong.reason
        assert send(means(port, {"MAIL": "right"}, **settings)) == Sent("250")
        with pytest.raises(ConfigError, match="The variable MAIL of the channel 'board' is not set"):
            send(means(port, **settings))
    assert len(mailbox.mails) == 1


def test_a_server_that_does_not_encrypt_gets_no_mail() -> None:
    mailbox = Mailbox()
    with server(mailbox) as port:
        found = send(means(port, security="starttls"))
    assert isinstance(found, Refused)
    assert found.dead
    assert mailbox.mails == []


@pytest.mark.parametrize("how", ["silent", "trickle", "hang up"])
def test_a_server_that_stalls_is_left(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "TIMEOUT_S", 1.0)
    monkeypatch.setattr(mail, "DEADLINE_S", 1.5)
    stop = threading.Event()

    def serve(listening: socket.socket) -> None:
        found, _ = listening.accept()
        with found:
            while how != "hang up" and not stop.wait(0.1):
                if how == "trickle":
                    try:
                        found.sendall(b"2")
                    except OSError:
                        return

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,), daemon=True)
        thread.start()
        answer = send(means(listening.getsockname()[1]))
        stop.set()
        thread.join(5)
    assert isinstance(answer, Refused)
    assert not answer.dead
    assert "127.0.0.1 cannot be reached" in answer.reason or "127.0.0.1 answers" in answer.reason


@pytest.mark.parametrize(
    ("changes", "settings", "told"),
    [
        ({"to": ()}, {}, "has no address"), ({"to": ("board",)}, {}, "'board' is no mail address"),
        ({"to": ("a@example.org\nBcc: b@example.org",)}, {}, "is no mail address"),
        ({"to": ("Ada <a@example.org>",)}, {}, "is no mail address"), ({}, {"host": None}, "no mail server is named"),
        ({}, {"sender": "nobody"}, "'nobody' is no mail address"),
    ],
)  # fmt: skip
def test_what_somebody_has_to_repair(changes: dict[str, Any], settings: dict[str, Any], told: str) -> None:
    channel = Channel(**({"name": "board", "kind": "email", "to": ("board@example.org",)} | changes))
    with pytest.raises(ConfigError, match=told):
        send(means(9, **settings), channel=channel)
