# SPDX-License-Identifier: Apache-2.0
"""``lichen digest`` as it is typed, with a channel that listens."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests import board_support, notify_support

from lichen.cli.app import root

Lichen = Callable[..., Result]
TOML = """
[server]
url = "https://lichen.example.org"
[notify]
allow_private_hosts = ["127.0.0.1"]
[[channel]]
name = "loans"
kind = "slack"
url_env = "HOOK"
teams = ["sample-loans"]
lang = "fr"
[[channel]]
name = "cio"
kind = "webhook"
url_env = "HOOK"
token_env = "KEY"
"""


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    with board_support.sample_board(folder):
        pass
    return folder


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lichen:
    """In an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("LANG", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "lichen.toml").write_text(TOML, encoding="utf-8")

    def run(*words: str) -> Result:
        return CliRunner().invoke(root, list(words), prog_name="lichen")

    return run


@pytest.fixture
def lichen(bare: Lichen, tmp_path: Path, sample: Path) -> Lichen:
    """With the sample portfolio."""
    shutil.copytree(sample / ".lichen", tmp_path / ".lichen")
    return bare


WEEK = ("--week", "2026-W45")
"""A week of the sample, whatever the day of the test."""


def test_a_week_is_told_once_and_its_delivery_shown(lichen: Lichen, monkeypatch: pytest.MonkeyPatch) -> None:
    with notify_support.endpoint() as endpoint:
        monkeypatch.setenv("HOOK", endpoint.url)
        monkeypatch.setenv("KEY", "key")
        first = lichen("digest", *WEEK)
        assert first.exit_code == 0, first.output
        assert [line.split()[3] for line in first.stdout.splitlines()] == ["loans", "cio"]
        assert first.stdout.count("sent") == 2
        again = lichen("digest", *WEEK)
        assert "told of this week before" in again.stdout
        assert len(endpoint.bodies) == 2
        assert endpoint.documents[0]["text"].startswith("Loans, semaine 45")
        assert endpoint.documents[1]["facts"]["scope"] == "organisation"
        log = json.loads(lichen("digest", "log", "--json").stdout)
        assert [row["status"] for row in log["deliveries"]] == ["sent", "sent"]
        assert log["silent"] == []
        assert "secret-path" not in str(log)


def test_a_channel_that_refuses_is_an_error_with_its_repair(lichen: Lichen, monkeypatch: pytest.MonkeyPatch) -> None:
    with notify_support.endpoint([(404, {}, "no_service")]) as endpoint:
        monkeypatch.setenv("HOOK", endpoint.url)
        told = lichen("digest", *WEEK, "--team", "sample-loans")
        assert told.exit_code == 2
        assert "The channel 'loans' refused its message: The channel answers 404: no_service." in told.stderr
        command = told.stderr.split("lichen digest retry ")[1][:8]
        assert "refuses its messages since" in lichen("digest", "log").stdout
        assert lichen("digest", "retry", "ffff").exit_code == 2
        retried = lichen("digest", "retry", command)
        assert retried.exit_code == 0, retried.output
        assert "sent" in retried.stdout
        assert lichen("digest", "retry", command).exit_code == 2


def test_a_channel_that_is_away_is_no_error_of_the_command(lichen: Lichen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOOK", "http://127.0.0.1:9/x")
    told = lichen("digest", *WEEK, "--team", "sample-loans")
    assert told.exit_code == 0, told.output
    assert "failed, tried again" in told.stdout


def test_a_trial(lichen: Lichen, monkeypatch: pytest.MonkeyPatch) -> None:
    with notify_support.endpoint([200, 500]) as endpoint:
        monkeypatch.setenv("HOOK", endpoint.url)
        assert "loans took the trial: 200" in lichen("digest", "test", "loans").stdout
        assert "Lichen joint ce canal" in endpoint.documents[0]["text"]
        refused = lichen("digest", "test", "loans", "--json")
        assert refused.exit_code == 2
        assert json.loads(refused.stdout)["status"] == "failed"
        assert "did not take the trial" in refused.stderr
    unset = lichen("digest", "test", "cio")
    assert unset.exit_code == 2
    assert "The variable KEY of the channel 'cio' is not set." in unset.stderr or "cannot be reached" in unset.stderr


@pytest.mark.parametrize(
    ("form", "begins"),
    [
        ("text", "Loans, semaine 45"),
        ("slack", '{"text":"Loans, semaine 45'),
        ("html", "<!doctype html>"),
        ("json", "{"),
    ],
)
def test_a_dry_run_prints_what_would_be_sent(lichen: Lichen, form: str, begins: str) -> None:
    told = lichen("digest", "--dry-run", "--team", "sample-loans", "--format", form, *WEEK)
    assert told.exit_code == 0, told.output
    assert told.stdout.startswith(begins)
    if form != "json":
        assert "https://lichen.example.org/teams/sample-loans" in told.stdout
    assert "No message was written down." in lichen("digest", "log").stdout


def test_without_a_channel_the_digest_is_printed(lichen: Lichen, tmp_path: Path) -> None:
    (tmp_path / "lichen.toml").write_text("", encoding="utf-8")
    told = lichen("digest", "--app", "sample-repayments", *WEEK)
    assert told.exit_code == 0
    assert told.stdout.startswith("Repayments, week 45")
    assert "No [[channel]] is declared" in told.stderr
    assert lichen("digest", "--quiet", *WEEK).stderr == ""


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--team", "a", "--app", "b"), "exclude each other"), (("--week", "last"), "'last' is no week"),
        (("--week", "2999-W01"), "is not over"), (("--team", "sample-risk"), "No channel hears of the team 'sample-risk'"),
        (("--dry-run", "--team", "nope"), "There is no team 'nope'"), (("test", "lones"), "Did you mean 'loans'?"),
    ],
)  # fmt: skip
def test_mistakes_are_one_sentence(lichen: Lichen, words: tuple[str, ...], told: str) -> None:
    found = lichen("digest", *words)
    assert found.exit_code == 2
    assert told in found.stderr
    assert "Traceback" not in found.output


@pytest.mark.parametrize(
    ("toml", "told"),
    [
        ('[[channel]]\nkind = "slack"\n', "has no name"), ('[[channel]]\nname = "a"\n', "has no kind"),
        ('[[channel]]\nname = "a/b"\nkind = "slack"\n', "holds a '/'"),
        ('[[channel]]\nname = "a"\nkind = "slack"\nurl_env = "https://hooks.slack.com/x"\n', "not its value"),
        ('[[channel]]\nname = "a"\nkind = "slack"\nurl = "https://hooks.slack.com/x"\n', "no key 'channel.url'"),
        ('[[channel]]\nname = "a"\nkind = "slack"\n[[channel]]\nname = "a"\nkind = "slack"\n', "Two [[channel]]"),
        ('[notify]\nquiet_from = "08:00"\n', "say no span"), ('[notify]\nquiet_from = "25:00"\n', "a time of the day"),
        ('[notify]\ntime_zone = "Mars/Base"\n', "a time zone"), ('[digest]\nday = "munday"\n', "digest.day is 'munday'"),
    ],
)  # fmt: skip
def test_settings_that_are_wrong(bare: Lichen, tmp_path: Path, toml: str, told: str) -> None:
    (tmp_path / "lichen.toml").write_text(toml, encoding="utf-8")
    found = bare("digest", "log")
    assert found.exit_code == 2
    assert told in found.stderr
