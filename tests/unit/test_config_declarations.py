# SPDX-License-Identifier: Apache-2.0
"""``[[part]]`` and ``[[journey]]``, the starter file and the configuration page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lichen.config import KEYS, LIST_KEYS, document, load_settings
from lichen.errors import ConfigError

ROOT = Path(__file__).parents[2]

PORTAL = """
[[part]]
name = "office"
pid = 4711

[[part]]
name = "portal"
command = ["python", "-m", "portal", "--port", "{port}", "--office", "{office.url}"]
cwd = "src"
env = { TOKEN = "hunter2" }
ready = "http://127.0.0.1:{port}/health"
reset = ["python", "reset.py"]
zone = "de"

[[journey]]
name = "apply"
file = "journeys/apply.py"
base_url = "{portal.url}"

[[journey]]
name = "home"
url = "https://example.org"
"""


def load(text: str, folder: Path) -> document.Settings:
    file = folder / "lichen.toml"
    file.write_text(text, encoding="utf-8")
    return load_settings(file)


def test_parts_and_journeys_are_read(tmp_path: Path) -> None:
    settings = load(PORTAL, tmp_path)
    office, portal = settings.parts
    assert (office.pid, office.command, office.port) == (4711, None, None)
    assert portal.command is not None
    assert portal.command[0] == "python"
    assert (portal.cwd, portal.zone, portal.ready_timeout_s) == (tmp_path / "src", "DE", 30.0)
    assert portal.reset == ("python", "reset.py")
    apply, home = settings.journeys
    assert (apply.file, apply.base_url, apply.url) == (tmp_path / "journeys/apply.py", "{portal.url}", None)
    assert (home.url, home.file) == ("https://example.org", None)
    assert settings.origins["part.1.cwd"].where == f"{tmp_path}/lichen.toml:9"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[[part]]\nport = 80\n", r"A \[\[part\]\] has no name \(.*:1\)"),
        ('[[part]]\nname = ""\nport = 80\n', r"part\.name is ''"),
        ('[[part]]\nname = "a/b"\nport = 80\n', r"part\.name is 'a/b'"),
        ('[[journey]]\nname = "a/b"\nurl = "http://x"\n', r"The journey name 'a/b' holds a '/'"),
        ('[[part]]\nname = "browser"\nport = 80\n', r"A part cannot be called 'browser'"),
        (
            '[[part]]\nname = "a"\nport = 80\n[[part]]\nname = "a"\nport = 81\n',
            r"Two \[\[part\]\] are called 'a' \(.*:5\)",
        ),
        (
            '[[journey]]\nname = "a"\nurl = "http://x"\n[[journey]]\nname = "a"\nurl = "http://y"\n',
            r"Two \[\[journey\]\]",
        ),
        ('[[part]]\nname = "a"\n', r"The part 'a' has none of command, port, pid"),
        ('[[part]]\nname = "a"\nport = 80\npid = 7\n', r"The part 'a' has port and pid"),
        ('[[part]]\nname = "a"\ncommand = ["x"]\nport = 80\npid = 7\n', r"The part 'a' has command and port and pid"),
        ('[[part]]\nname = "a"\nport = 80\nready = "udp://x:1"\n', r"part\.ready is 'udp://x:1'"),
        ('[[journey]]\nname = "a"\n', r"The journey 'a' has none of file, url"),
        ('[[journey]]\nname = "a"\nurl = "example.org"\n', r"journey\.url is 'example\.org'"),
        (
            '[[journey]]\nname = "a"\nfile = "a.py"\nbase_url = "{portal.url}"\n',
            r"part 'portal' that is not declared",
        ),
        ('[[part]]\nname = "a"\nport = 70000\n', r"part\.port is 70000"),
        ('[[part]]\nname = "a"\ncommand = []\n', r"part\.command is \[\]"),
        ('[[part]]\nname = "a"\nport = 80\nredy = "tcp"\n', r"There is no key 'part\.redy' \(.*:4\)"),
        ('[[part]]\nname = "a"\nport = 80\nenv = { A = 1 }\n', r"part\.env is a table"),
        ('part = ["a"]\n', r"'part' must be a repeated section"),
    ],
)
def test_a_wrong_declaration_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence) as caught:
        load(text, tmp_path)
    assert caught.value.repair


def test_values_of_a_parts_variables_are_hidden(tmp_path: Path) -> None:
    rows = {key: value for key, value, _ in document.values(load(PORTAL, tmp_path))}
    assert rows["part.portal.env"] == {"TOKEN": "***"}
    assert "hunter2" not in str(rows)
    assert rows["browser.viewport"] == "1366x768"


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_starter_file_holds_every_key_and_loads(tmp_path: Path, lang: str) -> None:
    text = document.starter("shop", lang)
    settings = load(text, tmp_path)
    assert settings.project.name == "shop"
    assert [journey.name for journey in settings.journeys] == ["example"]
    for key in KEYS.values():
        assert key.description(lang) in text
    for keys in LIST_KEYS.values():
        for key in keys.values():
            assert f"# {key.name}: {key.description(lang)}" in text


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_starter_files_commented_values_are_the_defaults(tmp_path: Path, lang: str) -> None:
    text = re.sub(
        r"(?m)^# (\w+ = |\[\[(?:part|meter|traffic|bills|budget|channel|job))", r"\1", document.starter("shop", lang)
    )
    settings, defaults = load(text, tmp_path), load("", tmp_path)
    assert [part.name for part in settings.parts] == ["portal"]
    for key in KEYS.values():
        assert settings.origins[key.dotted].kind == "file"
        if key.default is not None and key.dotted != "project.name":
            assert settings.value(key) == defaults.value(key)


def test_a_text_survives_toml(tmp_path: Path) -> None:
    name = 'quote " backslash \\ tab \t emoji 🌿 é'
    assert load(document.starter(name, "en"), tmp_path).project.name == name


def test_the_configuration_page_is_current() -> None:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert page == document.reference(), "run: python -m lichen.config.document > docs/configuration.md"
    headings = re.findall(r"(?m)^### (.+)$", page)
    assert headings == [*KEYS, *(f"{section}.{name}" for section, keys in LIST_KEYS.items() for name in keys)]


@pytest.mark.parametrize(
    "text",
    [
        'env = ["TOKEN=canary7731"]',
        'env = "canary7731"',
        'command = ["node", "--password", "canary7731", 5]',
        'reset = ["a", "--token=canary7731", 1]',
        'ready = "ftp://me:canary7731@h/?token=canary7731"',
    ],
)
def test_a_wrong_value_is_shown_without_its_secrets(tmp_path: Path, text: str) -> None:
    file = tmp_path / "lichen.toml"
    file.write_text(f'[[part]]\nname = "a"\nport = 80\n{text}\n')
    with pytest.raises(ConfigError) as caught:
        load_settings(file)
    assert "canary7731" not in caught.value.sentence()


def test_the_settings_in_force_are_shown_without_secrets(tmp_path: Path) -> None:
    file = tmp_path / "lichen.toml"
    file.write_text(
        """
[browser]
args = ["--proxy-server=http://me:canary7731@proxy:1"]
[[part]]
name = "a"
command = ["run", "--password", "canary7731", "--token=canary7731", "postgres://me:canary7731@db"]
env = { ANY = "canary7731" }
ready = "http://me:canary7731@127.0.0.1/?key=canary7731"
reset = "http://127.0.0.1/reset?sig=canary7731"
[[journey]]
name = "j"
url = "http://me:canary7731@h/?code=canary7731#access_token=canary7731"
"""
    )
    rows = list(document.values(load_settings(file)))
    assert "canary7731" not in str(rows)
    assert {"part.a.reset", "journey.j.url", "browser.args"} <= {key for key, *_ in rows}
