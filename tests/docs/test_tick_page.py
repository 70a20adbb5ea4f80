# SPDX-License-Identifier: Apache-2.0
"""The page of scheduled work: its recipes are what their readers take, and its tables name what there is."""

from __future__ import annotations

import configparser
import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest
import yaml

from lichen.config import BUILT_IN, load_settings
from lichen.service.alerts.rules import RULES

DOCS: Final = Path(__file__).resolve().parents[2] / "docs"
PAGE: Final = (DOCS / "tick.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def names(page: str) -> set[str]:
    return set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))


def test_every_job_and_every_rule_has_a_row() -> None:
    assert names(PAGE) == set(BUILT_IN)
    assert names((DOCS / "alerts.md").read_text(encoding="utf-8")) == set(RULES)


def test_the_settings_are_read(tmp_path: Path) -> None:
    (example,) = blocks("toml")
    (tmp_path / "lichen.toml").write_text(example)
    settings = load_settings(tmp_path / "lichen.toml", env={})
    assert str(settings.tick.measure) == "sunday 03:00"
    assert [job.name for job in settings.jobs] == ["traffic"]


def test_the_crontab_is_a_line_of_five_fields_and_a_command() -> None:
    (line,) = blocks("crontab")
    fields = line.split(maxsplit=5)
    assert all(re.fullmatch(r"[\d*/,-]+", field) for field in fields[:5])
    assert fields[5].strip().endswith("lichen tick --quiet")


def test_the_units_are_those_that_systemd_takes(tmp_path: Path) -> None:
    units = {}
    for text in blocks("ini"):
        found = re.match(r"# /etc/systemd/system/(\S+)\n", text)
        assert found is not None
        units[found[1]] = text
    for name, text in units.items():
        parser = configparser.ConfigParser(interpolation=None, delimiters=("=",))
        parser.optionxform = str  # type: ignore[method-assign,assignment]  # systemd tells cases apart
        parser.read_string(text)
        assert "Unit" in parser, name
        (tmp_path / name).write_text(text.replace("/srv/lichen", str(tmp_path)))
    assert set(units) == {"lichen-tick.service", "lichen-tick.timer"}
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is not installed here")
    done = subprocess.run(
        [program, "verify", "--man=no", *(str(tmp_path / name) for name in units)], capture_output=True, text=True, check=False
    )  # fmt: skip
    told = [line for line in done.stderr.splitlines() if "lichen-tick" in line]
    assert told == []


def test_the_cron_job_is_one() -> None:
    (text,) = blocks("yaml")
    job = yaml.safe_load(text)
    assert (job["apiVersion"], job["kind"]) == ("batch/v1", "CronJob")
    assert len(job["spec"]["schedule"].split()) == 5
    pod = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["restartPolicy"] in ("Never", "OnFailure")
    (container,) = pod["containers"]
    assert container["command"] == ["lichen", "tick", "--quiet"]
    assert container["env"][0]["name"] == "LICHEN_SERVER_STORE"
