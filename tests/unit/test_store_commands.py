# SPDX-License-Identifier: Apache-2.0
"""``lichen portfolio``, ``team``, ``user`` and ``token``, as they are typed."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from lichen.cli.app import root
from lichen.service import accounts
from lichen.store import models as m
from lichen.store import open_store

Lichen = Callable[..., Result]
PASSWORD = "a long enough pass-phrase 7"


@pytest.fixture
def lichen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lichen:
    monkeypatch.chdir(tmp_path)
    for name in ("LANG", "LC_ALL", "LC_MESSAGES", "LICHEN_SERVER_STORE"):
        monkeypatch.delenv(name, raising=False)

    def call(*args: str, stdin: str | None = None) -> Result:
        return CliRunner().invoke(root, args, input=stdin, prog_name="lichen")

    return call


def told(answer: Result) -> Any:
    assert answer.exit_code == 0, answer.stderr
    return json.loads(answer.stdout)


def problem(answer: Result) -> str:
    assert answer.exit_code == 2
    content = json.loads(answer.stderr)["error"]
    return f"{content['problem']} {content['repair']}".strip()


# --- team and portfolio


def test_a_team_is_added_in_one_command(lichen: Lichen) -> None:
    answer = lichen("team", "add", "payments", "--name", "Payments and billing")
    assert answer.exit_code == 0
    added, _, settings = answer.stdout.partition("\n# ")
    assert [line for line in added.splitlines() if line.startswith("added: ")] == [
        "added: team payments", "added: application payments-app", "added: part payments-app browser",
        "added: part payments-app network", "added: part payments-app server", "added: environment payments-app production",
        "added: journey payments-app home", "added: journey payments-app search", "added: journey payments-app order",
        f"added: target team payments gwp100 {datetime.now(UTC).date()}",
    ]  # fmt: skip
    hint = tomllib.loads(settings.partition("\n")[2])
    assert hint["project"] == {"name": "payments-app"}
    assert [journey["name"] for journey in hint["journey"]] == ["home", "search", "order"]


def test_the_settings_it_prints_are_settings(lichen: Lichen) -> None:
    settings = told(lichen("--json", "team", "add", "équipe 1"))["settings"]
    Path("lichen.toml").write_text(settings, encoding="utf-8")
    shown = {row["key"]: row["value"] for row in told(lichen("--json", "config", "show"))["settings"]}
    assert shown["project.name"] == "équipe 1-app"
    assert shown["journey.order.url"] == "https://example.org/order"


def test_its_target_is_the_organisations_where_there_is_one(lichen: Lichen) -> None:
    Path("p.toml").write_text(
        '[[target]]\nscope = "organisation"\nindicator = "gwp100"\nbase_year = 2023\nhorizon_year = 2032\nreduction = 0.42\n'
        'path = { "2027" = 0.1 }\nvalid_from = 2026-01-01\n'
    )
    assert lichen("portfolio", "import", "p.toml").exit_code == 0
    assert lichen("team", "add", "pay", "--template", "batch").exit_code == 0
    assert lichen("portfolio", "export", "out.toml").exit_code == 0
    targets = tomllib.loads(Path("out.toml").read_text(encoding="utf-8"))["target"]
    assert {key: targets[1][key] for key in ("scope", "of", "base_year", "horizon_year", "reduction", "path")} == {
        "scope": "team", "of": "pay", "base_year": 2023, "horizon_year": 2032, "reduction": 0.42, "path": {"2027": 0.1},
    }  # fmt: skip


@pytest.mark.parametrize("template", ["web", "batch"])
@pytest.mark.parametrize("lang", ["en", "fr"])
def test_each_template_is_whole_in_both_languages(lichen: Lichen, template: str, lang: str) -> None:
    made = told(lichen("--json", "--lang", lang, "team", "add", "pay", "--template", template))
    count = {
        table: sum(row["table"] == table for row in made["added"])
        for table in ("team", "application", "journey", "target")
    }
    assert count == {"team": 1, "application": 1, "journey": 3, "target": 1}


def test_a_team_that_cannot_be(lichen: Lichen) -> None:
    assert lichen("team", "add", "pay").exit_code == 0
    assert problem(lichen("--json", "team", "add", "pay")) == "There is a team 'pay' already. Choose another code."
    assert problem(lichen("--json", "team", "add", "x", "--template", "bacth")) == (
        "There is no template 'bacth'. Did you mean 'batch'?"
    )
    assert problem(lichen("--json", "team", "add", "a/b")).startswith("code is 'a/b' (template web).")
    assert problem(lichen("--json", "team", "add", "{team}x" * 50)).startswith("code is '{team}x{team}x")
    assert [row["row"] for row in told(lichen("--json", "team", "add", "{name}"))["added"]][:2] == [
        "team {name}", "application {name}-app",
    ]  # fmt: skip


def test_an_import_is_told_in_both_languages(lichen: Lichen) -> None:
    assert lichen("team", "add", "pay").exit_code == 0
    Path("team.csv").write_text("code,name\npay,Payments\nloans,Loans\n")
    answer = lichen("portfolio", "import", "team.csv", "--dry-run", "--lang", "fr")
    assert answer.stdout.splitlines() == [
        "changé\u00a0: team pay\u00a0: name pay → Payments", "ajouté\u00a0: team loans", "team\u00a0: ajouté 1 · changé 1",
        "application\u00a0: absent des fichiers 1",
        "part\u00a0: absent des fichiers 3", "environment\u00a0: absent des fichiers 1",
        "journey\u00a0: absent des fichiers 3", "target\u00a0: absent des fichiers 1", "Rien n’a été écrit (--dry-run).",
    ]  # fmt: skip
    made = told(lichen("--json", "portfolio", "import", "team.csv"))
    assert made["changed"] == [
        {"table": "team", "row": "team pay", "keys": {"name": {"before": "pay", "after": "Payments"}}}
    ]
    again = told(lichen("--json", "portfolio", "import", "team.csv"))
    assert (again["added"], again["changed"], again["unchanged"]) == ([], [], {"team": 2})


def test_an_empty_stores_export_explains_every_key(lichen: Lichen) -> None:
    assert told(lichen("--json", "portfolio", "export", "p.toml")) == {"written": ["p.toml"]}
    text = Path("p.toml").read_text(encoding="utf-8")
    assert tomllib.loads(text) == {}
    assert "# [[application]] An application." in text
    assert "# criticality: 1 a comfort, 4 vital." in text
    assert problem(lichen("--json", "portfolio", "export", "p.toml")).startswith("p.toml exists already.")
    assert lichen("--lang", "fr", "portfolio", "export", "p.toml", "--force").exit_code == 0
    assert "# criticality: 1 confort, 4 vitale." in Path("p.toml").read_text(encoding="utf-8")


def test_the_store_is_that_of_the_settings(lichen: Lichen) -> None:
    Path("lichen.toml").write_text('[server]\nstore = "sqlite:///kept/own.db"\n')
    assert lichen("team", "add", "pay").exit_code == 0
    assert Path("kept/own.db").is_file()
    assert not Path(".lichen").exists()
    Path("lichen.toml").write_text('[server]\nstore = "mongodb://x"\n')
    assert problem(lichen("--json", "token", "list")) == (
        "'mongodb://x' is no address of a store. Write sqlite:///FILE or postgresql://HOST/DATABASE."
    )


# --- accounts


def test_a_user_is_added_with_roles_and_can_sign_in(lichen: Lichen, tmp_path: Path) -> None:
    assert lichen("team", "add", "pay").exit_code == 0
    answer = lichen(
        "user",
        "add",
        "Ada@Example.org",
        "--name",
        "Ada",
        "--team",
        "pay:editor",
        "--password-stdin",
        stdin=f"{PASSWORD}\n",
    )
    assert (answer.exit_code, answer.stdout) == (0, "added: Ada@Example.org\n")
    assert PASSWORD not in answer.output
    with open_store(folder=tmp_path) as store:
        person = accounts.check_password(store, "ada@example.org", PASSWORD)
        assert person is not None
        assert list(person.roles.values()) == ["editor"]
        assert not person.is_admin
        with store.reading() as session:
            events = session.execute(select(m.AuditEvent.actor, m.AuditEvent.action)).all()
            assert PASSWORD not in str(session.execute(select(m.AuditEvent.detail)).all())
    assert events[-1].action.startswith("membership") or "role" in events[-1].action
    assert events[-1].actor.startswith("command:user add (")


def test_a_user_who_cannot_be_leaves_nothing_behind(lichen: Lichen, tmp_path: Path) -> None:
    add = ("--json", "user", "add", "ada@example.org")
    assert (
        problem(lichen(*add, "--no-password", "--team", "none:viewer"))
        == "There is no team 'none'. Import a portfolio first."
    )
    assert lichen("team", "add", "pay").exit_code == 0
    assert (
        problem(lichen(*add, "--no-password", "--team", "pya:viewer")) == "There is no team 'pya'. Did you mean 'pay'?"
    )
    assert (
        problem(lichen(*add, "--no-password", "--team", "pay:edit"))
        == "There is no role 'edit'. Did you mean 'editor'?"
    )
    assert problem(lichen(*add, "--no-password", "--team", "pay")).startswith(
        "'pay' is no role in a team. Write CODE:ROLE"
    )
    assert problem(lichen(*add)).startswith("There is no terminal to ask for the password at.")
    assert "password" in problem(lichen(*add, "--password-stdin", stdin="short\n")).lower()
    with open_store(folder=tmp_path) as store, store.reading() as session:
        assert session.scalars(select(m.User)).all() == []
    assert told(lichen(*add, "--no-password", "--admin"))["email"] == "ada@example.org"
    assert "has an account already" in problem(lichen(*add, "--no-password"))


def test_a_password_is_asked_for_twice_and_not_shown(lichen: Lichen, tmp_path: Path) -> None:
    """On a real terminal, which would show what is typed."""
    terminal, end = pty.openpty()
    command = [sys.executable, "-m", "lichen", "user", "add", "ada@example.org", "--admin"]
    started = subprocess.Popen(command, stdin=end, stdout=end, stderr=end, close_fds=True)
    os.close(end)
    seen = b""
    for wanted in (b"Password:", b"Once more:"):
        while wanted not in seen:
            seen += os.read(terminal, 1000)
        os.write(terminal, f"{PASSWORD}\n".encode())
    while b"added" not in seen:
        seen += os.read(terminal, 1000)
    assert started.wait(30) == 0
    os.close(terminal)
    assert PASSWORD.encode() not in seen
    with open_store(folder=tmp_path) as store:
        person = accounts.check_password(store, "ada@example.org", PASSWORD)
    assert person is not None
    assert person.is_admin


# --- tokens


def test_a_token_is_made_listed_and_revoked(lichen: Lichen, tmp_path: Path) -> None:
    assert lichen("team", "add", "pay").exit_code == 0
    made = lichen("token", "create", "ci", "--scope", "ingest", "--application", "pay-app", "--days", "30")
    assert made.exit_code == 0
    text = made.stdout.removesuffix("\n")  # alone on stdout, so that a script can take it
    assert accounts.is_wellformed(text)
    assert "once" in made.stderr
    [line] = told(lichen("--json", "token", "list"))["tokens"]
    assert (line["name"], line["scopes"], line["application"], line["team"]) == ("ci", ["ingest"], "pay-app", None)
    assert text.startswith(line["prefix"])
    assert text not in json.dumps(line)
    lasts = datetime.fromisoformat(line["expires_at"]) - datetime.fromisoformat(line["created_at"])
    assert lasts == timedelta(days=30)
    with open_store(folder=tmp_path) as store, store.reading() as session:
        assert accounts.verify_token(session, text, now=datetime.now(UTC)) is not None
        raw = (tmp_path / ".lichen" / "lichen.db").read_bytes() + (tmp_path / ".lichen" / "lichen.db-wal").read_bytes()
    assert text.encode() not in raw
    assert lichen("token", "revoke", line["prefix"]).stdout == f"revoked: {line['prefix']}…\n"
    with open_store(folder=tmp_path) as store, store.reading() as session:
        assert accounts.verify_token(session, text, now=datetime.now(UTC)) is None
    assert lichen("token", "list").stdout == "There is no token.\n"


def test_the_list_reads_in_both_languages(lichen: Lichen) -> None:
    assert lichen("token", "create", "board", "--scope", "read", "--days", "never").exit_code == 0
    assert lichen("token", "list").stdout.endswith("…  board  read  never expires  never used\n")
    assert lichen("--lang", "fr", "token", "list").stdout.endswith("…  board  read  n’expire jamais  jamais utilisé\n")


def test_tokens_that_cannot_be(lichen: Lichen) -> None:
    create = ("--json", "token", "create", "ci", "--scope", "ingest")
    assert problem(lichen(*create, "--days", "soon")) == "'soon' is no number of days. Write 90, or never."
    assert problem(lichen(*create, "--days", "0")).startswith("A token lasts 1 to")
    assert problem(lichen(*create, "--team", "none")).startswith("There is no team 'none'.")
    assert problem(lichen("--json", "token", "create", "ci")).startswith("Missing option '--scope'")
    assert problem(lichen("--json", "token", "revoke", "lichen_nothing")).startswith(
        "There is no token 'lichen_nothing'."
    )
