# SPDX-License-Identifier: Apache-2.0
"""lichen.toml, variables and flags become settings; every mistake is one sentence that names culprit and repair."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lichen.config import KEYS, Origin, Viewport, load_settings
from lichen.errors import ConfigError


@pytest.fixture(autouse=True)
def _in_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.chdir(folder)


def written(text: str, name: str = "lichen.toml") -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def refused(text: str) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_settings(written(text))
    return caught.value


def test_without_a_file_every_value_is_the_declared_default() -> None:
    settings = load_settings(None)
    assert settings.project.name == "shop"
    assert settings.context.zone is None
    assert (settings.context.device, settings.context.network, settings.context.functional_unit) == (
        "mix",
        "fixed",
        "visit",
    )
    assert settings.method.use == "lichen-1"
    assert (settings.measure.samples, settings.measure.min_samples, settings.measure.max_samples) == ("auto", 7, 30)
    assert (settings.measure.precision, settings.measure.precision_shared, settings.measure.max_minutes) == (
        0.03,
        0.05,
        5.0,
    )
    assert (settings.measure.rest_s, settings.measure.settle_max_s, settings.measure.discard) == (None, 3.0, 1)
    assert (settings.measure.action_timeout_s, settings.measure.journey_timeout_s) == (10.0, 120.0)
    assert settings.browser.viewport == Viewport(1366, 768)
    assert (settings.browser.locale, settings.browser.time_zone, settings.browser.cache) == ("en-GB", "UTC", "cold")
    assert settings.output.runs == Path.cwd() / "lichen-runs"
    assert settings.output.html is None
    assert settings.file is None
    assert set(settings.origins) == set(KEYS)
    assert set(settings.origins.values()) == {Origin("default")}


def test_flag_goes_before_variable_before_file_before_default() -> None:
    file = written("[measure]\nmin_samples = 3\nmax_samples = 9\ndiscard = 2\n")
    settings = load_settings(
        file,
        overrides={"measure.min_samples": "5", "measure.samples": None},
        env={"LICHEN_MEASURE_MIN_SAMPLES": "4", "LICHEN_MEASURE_MAX_SAMPLES": "8"},
    )
    measure = settings.measure
    assert (measure.min_samples, measure.max_samples, measure.discard, measure.samples) == (5, 8, 2, "auto")
    assert settings.origins["measure.min_samples"] == Origin("flag")
    assert settings.origins["measure.max_samples"] == Origin("env", "LICHEN_MEASURE_MAX_SAMPLES")
    assert settings.origins["measure.discard"] == Origin("file", f"{Path.cwd()}/lichen.toml:4")
    assert settings.origins["measure.samples"] == Origin("default")


def test_the_file_of_the_current_folder_is_read_without_being_named() -> None:
    written('project.name = "till"')
    assert load_settings(None).project.name == "till"


def test_settings_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        load_settings(None).measure.discard = 3  # type: ignore[misc]


def test_paths_of_the_file_start_from_its_folder_and_those_of_flags_from_the_current_one() -> None:
    file = written(
        '[output]\nruns = "runs"\nhtml = "/srv/r.html"\n[extend]\nfactors = ["f.toml"]\n', "conf/lichen.toml"
    )
    settings = load_settings(file)
    assert settings.output.runs == Path.cwd() / "conf" / "runs"
    assert settings.output.html == Path("/srv/r.html")
    assert settings.extend.factors == (Path.cwd() / "conf" / "f.toml",)
    assert load_settings(file, overrides={"output.runs": "here"}).output.runs == Path.cwd() / "here"
    assert load_settings(file, env={"LICHEN_OUTPUT_RUNS": "there"}).output.runs == Path.cwd() / "there"


def test_a_program_is_a_name_on_path_or_a_path() -> None:
    assert load_settings(written('browser.executable = "chromium"')).browser.executable == "chromium"
    assert (
        load_settings(written('browser.executable = "bin/chromium"')).browser.executable == f"{Path.cwd()}/bin/chromium"
    )


def test_variables_are_read_by_the_kind_of_their_key() -> None:
    settings = load_settings(
        None,
        env={
            "LICHEN_MEASURE_SAMPLES": "12",
            "LICHEN_MEASURE_PRECISION": "0.1",
            "LICHEN_BROWSER_BLOCK_THIRD_PARTY": "yes",
            "LICHEN_BROWSER_ARGS": "--lang=fr '--user agent=x'",
            "LICHEN_BROWSER_VIEWPORT": "390x844",
            "LICHEN_CONTEXT_ZONE": "fr",
            "LICHEN_CONTEXT_DEVICE": "",
        },
    )
    assert (settings.measure.samples, settings.measure.precision) == (12, 0.1)
    assert settings.browser.block_third_party is True
    assert settings.browser.args == ("--lang=fr", "--user agent=x")
    assert settings.browser.viewport == (390, 844)
    assert settings.context.zone == "FR"
    assert settings.context.device == "mix"


@pytest.mark.parametrize(
    ("text", "problem", "repair"),
    [
        ("[measure]\nsamples = 0\n", "measure.samples is 0 (", '"auto" or a whole number from 1 to 100'),
        ("[measure]\nsamples = true\n", "measure.samples is true (", "whole number"),
        ('[measure]\nprofile = "fidelty"\n', "measure.profile is 'fidelty' (", "Did you mean 'fidelity'?"),
        ("[measure]\nprecision = 1.5\n", "measure.precision is 1.5 (", "above 0, at most 1"),
        ("[measure]\nprecision = nan\n", "measure.precision is nan (", "a number"),
        ("[measure]\nrest_s = -1\n", "measure.rest_s is -1 (", "seconds of 0 or more"),
        ('[browser]\nviewport = "wide"\n', "browser.viewport is 'wide' (", "1366x768"),
        ("[browser]\ncpu_slowdown = 0.5\n", "browser.cpu_slowdown is 0.5 (", "of 1 or more"),
        ('[context]\nzone = "France"\n', "context.zone is 'France' (", "ISO 3166"),
        ('[browser]\nargs = "--x"\n', "browser.args is '--x' (", "a list of texts"),
        ("[mesure]\nsamples = 3\n", "There is no key 'mesure' (", "Did you mean 'measure'?"),
        ("[measure]\nsample = 3\n", "There is no key 'measure.sample' (", "Did you mean 'samples'?"),
        ('[measure]\nzone = "FR"\n', "There is no key 'measure.zone' (", "Did you mean 'context.zone'?"),
        ('zone = "FR"\n', "There is no key 'zone' (", "Did you mean 'context.zone'?"),
        ("measure = 3\n", "'measure' must be a section (", "[measure]"),
        ("[part]\nport = 3\n", "'part' must be a repeated section (", "[[part]]"),
        (
            "[measure]\nmin_samples = 31\n",
            "measure.min_samples (31) is above measure.max_samples (30) (",
            "Raise the one",
        ),
        ("[measure\n", "is not TOML: ", "Repair"),
        ("[context]\nzone = FR # mine\n", "line 2", 'Write the text in quotes: zone = "…".'),
    ],
)
def test_a_mistake_names_key_value_file_and_repair(text: str, problem: str, repair: str) -> None:
    error = refused(text)
    assert problem in error.problem
    assert repair in error.repair
    assert f"{Path.cwd()}/lichen.toml" in error.culprit or "lichen.toml" in error.problem


def test_a_mistake_names_its_line() -> None:
    assert refused("\n[measure]\n\nsamples = 0\n").culprit == f"{Path.cwd()}/lichen.toml:4"
    assert "line 2" in refused('a = 1\nb = "\n').problem


def test_a_file_that_cannot_be_read_is_one_sentence() -> None:
    with pytest.raises(ConfigError, match=r"There is no configuration file absent\.toml"):
        load_settings(Path("absent.toml"))
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_settings(Path())
    Path("latin.toml").write_bytes(b'project.name = "caf\xe9"')
    with pytest.raises(ConfigError, match=r"is not UTF-8 text \(byte 19\)"):
        load_settings(Path("latin.toml"))


@pytest.mark.parametrize(
    ("name", "value", "problem", "repair"),
    [
        (
            "LICHEN_MEASURE_SAMPLES",
            "many",
            "measure.samples is 'many' (environment variable LICHEN_MEASURE_SAMPLES).",
            "auto",
        ),
        (
            "LICHEN_MEASURE_SAMPLE",
            "3",
            "The environment variable LICHEN_MEASURE_SAMPLE is no setting.",
            "LICHEN_MEASURE_SAMPLES",
        ),
        (
            "LICHEN_MESURE_SAMPLES",
            "3",
            "The environment variable LICHEN_MESURE_SAMPLES is no setting.",
            "LICHEN_MEASURE_SAMPLES",
        ),
        ("LICHEN_BROWSER_ARGS", "'open", "browser.args is ''open' (", "a list of texts"),
    ],
)
def test_a_wrong_variable_is_one_sentence(name: str, value: str, problem: str, repair: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_settings(None, env={name: value})
    assert problem in caught.value.problem
    assert repair in caught.value.repair


def test_other_variables_are_left_alone() -> None:
    env = {"LICHEN_DEBUG": "1", "LICHEN_BROWSER": "/usr/bin/chromium", "LICHEN_CI_JOB": "7", "HOME": "/root"}
    assert load_settings(None, env=env).origins["browser.executable"] == Origin("default")


def test_a_wrong_flag_is_one_sentence() -> None:
    with pytest.raises(ConfigError, match=r"measure\.samples is 'x' \(command line\)"):
        load_settings(None, overrides={"measure.samples": "x"})
    with pytest.raises(ConfigError, match=r"There is no key 'measure\.sample'"):
        load_settings(None, overrides={"measure.sample": 3})


@pytest.mark.parametrize(
    ("env", "lang"),
    [
        ({}, "en"),
        ({"LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "fr_FR.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "de_DE", "LC_MESSAGES": "fr_CA"}, "fr"),
        ({"LANG": "fr_FR", "LICHEN_PROJECT_LANG": "en"}, "en"),
    ],
)
def test_the_language_follows_the_locale_unless_it_is_set(env: dict[str, str], lang: str) -> None:
    assert load_settings(None, env=env).lang == lang


SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.dictionaries(st.text(), st.text())
)


@given(key=st.sampled_from(sorted(KEYS)), value=st.one_of(SCALARS, st.lists(SCALARS, max_size=3)))
def test_any_value_is_a_setting_or_one_sentence(key: str, value: Any) -> None:
    error: ConfigError | None = None
    try:
        settings = load_settings(None, overrides={key: value})
        assert settings.origins[key].kind == ("default" if value is None else "flag")
    except ConfigError as caught:
        error = caught
    assert error is None or (key in error.problem and error.repair)


@pytest.mark.parametrize(
    ("content", "said"),
    [("a = " + "[" * 3000, "nested too deeply"), ("[measure]\nsamples = " + "9" * 5000, "too many digits")],
)
def test_toml_that_no_parser_takes_is_one_sentence(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "lichen.toml").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=said):
        load_settings(tmp_path / "lichen.toml")


def test_a_configuration_file_that_nobody_writes_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ConfigError, match="cannot be read: it is not a regular file"):
        load_settings(tmp_path / "pipe")


def test_a_name_that_no_file_can_have_is_refused() -> None:
    for name in ("x" * 5000, "a\0b"):
        with pytest.raises(ConfigError, match=r"configuration file|none that a file can have"):
            load_settings(Path(name))


@pytest.mark.parametrize(
    "place",
    [
        'kind = "rapl"',
        'kind = "file"\npath = "joules"',
        'kind = "http"\nurl = "http://plug/status"\njson = "total"',
        'kind = "prometheus"\nquery = "energy_total"',
    ],
)
def test_one_number_is_no_two_meters(place: str) -> None:
    error = refused(f'[[meter]]\nname = "a"\n{place}\n[[meter]]\nname = "b"\n{place}\n')
    assert error.problem.startswith("The meters 'a' and 'b' read the same number (")
    assert error.problem.endswith(f"lichen.toml:{5 + place.count(chr(10))}).")


def test_two_numbers_of_one_answer_are_two_meters() -> None:
    text = "".join(
        f'[[meter]]\nname = "{name}"\nkind = "http"\nurl = "http://rack/"\njson = "{name}"\n' for name in ("a", "b")
    )
    assert [meter.name for meter in load_settings(written(text)).meters] == ["a", "b"]
