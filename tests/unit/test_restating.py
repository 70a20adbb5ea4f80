# SPDX-License-Identifier: Apache-2.0
"""History restated: old figures kept, new ones beside them, effects that sum, and each way in which it can go wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.fixtures import run as fixture
from tests.fixtures.mutations import mutated

from lichen import nomenclature
from lichen.cli.app import root
from lichen.config import load_settings
from lichen.errors import FactorError, MethodError, StorageError, UsageError
from lichen.ledger import restatement, runfile
from lichen.ledger.runfile import RunFile
from lichen.service.explain import explain
from lichen.service.record import run_content
from lichen.service.restating import Order, restate
from lichen.service.statement import with_figures
from lichen.service.summary import summarise
from lichen.service.workspace import Workspace

FRANCE_G_PER_KWH = 100.0
PACK = f"""
[pack]
id = "house"
version = "1"
description = "The house's own figure for French electricity"

[[factor]]
id = "grid.gwp100"
value = {FRANCE_G_PER_KWH}
low = 90.0
high = 110.0
unit = "gCO2e/kWh"
boundary = "none"
geography = "FR"
valid_from = 2020-01-01
source = "house"
range_basis = "source"

[source.house]
title = "House"
publisher = "House"
year = 2026
url = "https://house.example/"
licence = "CC0-1.0"
retrieved_at = 2026-01-01
"""


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(load_settings(None, overrides={"output.runs": str(tmp_path / "runs")}, env={}))


@pytest.fixture
def pack(tmp_path: Path) -> str:
    (tmp_path / "house.toml").write_text(PACK, encoding="utf-8")
    return str(tmp_path / "house.toml")


def stored(
    workspace: Workspace, day: str = "2026-03-01", *, heavier: float = 1.0, units: float = 1.0, figures: bool = True
) -> RunFile:
    """A run of one journey that was measured under the factors in force."""
    noise = tuple(one * heavier for one in fixture.NOISE)
    content = run_content(
        fixture.FACTS, f"{day}T10:00:00.000Z", f"{day}T10:02:00.000Z", [fixture.measured("apply", noise)],
        nomenclature.load(),
    )  # fmt: skip
    content["method"] |= {"factors_hash": workspace.factors.hash(), "version": workspace.method("lichen-1").version}
    if units != 1.0:
        content["journeys"][0]["units"] = units
    folder = Path(workspace.settings.output.runs)
    return runfile.write(folder, with_figures(workspace, content) if figures else content)


def first(record: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = record["runs"][0]["journeys"][0]
    return found


def kept(workspace: Workspace) -> list[Path]:
    return sorted((Path(workspace.settings.output.runs) / restatement.FOLDER).glob("*"))


class TestRecord:
    def test_a_run_keeps_the_figures_that_it_was_published_with(self, workspace: Workspace) -> None:
        run = runfile.read(stored(workspace).path)
        shown = summarise(workspace, run).journeys[0].figures.indicators
        assert run.content["figures"]["apply"].keys() == shown.keys()
        for name, figure in run.content["figures"]["apply"].items():
            assert figure["value"] == pytest.approx(shown[name].value, rel=1e-12)
            assert figure["use"] + figure["embodied"] == pytest.approx(figure["value"], rel=1e-12)
            assert figure["low"] <= figure["value"] <= figure["high"]

    def test_restating_keeps_both_figures_and_touches_no_run(self, workspace: Workspace, pack: str) -> None:
        run = stored(workspace)
        before = run.path.read_bytes()
        outcome = restate(workspace, Order(factors=(pack,), because="the grid changed"))
        assert run.path.read_bytes() == before
        assert outcome.path is not None
        assert kept(workspace) == [outcome.path]
        record = restatement.read(outcome.path).content
        assert record["because"] == "the grid changed"
        assert record["factors"] == [pack]
        said = first(record)
        assert said["before"] == run.content["figures"]["apply"]
        assert record["runs"][0]["method_before"]["factors_hash"] == workspace.factors.hash()
        assert record["runs"][0]["method_after"]["factors_hash"] != workspace.factors.hash()
        assert said["after"]["energy"]["value"] == pytest.approx(said["before"]["energy"]["value"], rel=1e-12)
        assert said["after"]["gwp100"]["value"] > said["before"]["gwp100"]["value"]
        # Where the last factor was France's, the figure follows the factor; the rest stays.
        french = workspace.lookup("grid.gwp100", "FR", on=date(2026, 3, 1)).value
        terms = explain(workspace, "apply", run.path, "lichen-1")["figure"]["terms"]
        follows = [row["value"] for row in terms if _grid(row) == pack_row()]
        assert 0 < len(follows) < len(terms)
        now = said["after"]["gwp100"]["value"]
        assert now - said["before"]["gwp100"]["value"] == pytest.approx(
            sum(follows) * (1 - french / FRANCE_G_PER_KWH), rel=1e-9
        )

    def test_twice_without_a_change_says_nothing_new(self, workspace: Workspace, pack: str) -> None:
        stored(workspace)
        assert restate(workspace, Order()).path is None
        assert restate(workspace, Order(factors=(pack,))).path is not None
        again = restate(workspace, Order(factors=(pack,)))
        assert (again.path, again.unchanged, again.record["runs"]) == (None, 1, [])
        assert len(kept(workspace)) == 1
        back = restate(workspace, Order())
        assert back.path is not None, "today's factors are another statement than the newest one"
        assert first(back.record)["before"] == first(back.record)["after"]

    def test_a_dry_run_writes_nothing(self, workspace: Workspace, pack: str) -> None:
        stored(workspace)
        outcome = restate(workspace, Order(factors=(pack,), dry_run=True))
        assert (outcome.path, len(outcome.record["runs"]), kept(workspace)) == (None, 1, [])

    def test_another_vintage(self, workspace: Workspace) -> None:
        stored(workspace)
        outcome = restate(workspace, Order(as_of=date(2019, 6, 1)))
        old, new = (workspace.lookup("grid.gwp100", "FR", on=day).value for day in (date(2026, 3, 1), date(2019, 6, 1)))
        assert old != new
        assert outcome.record["as_of"] == "2019-06-01"
        assert first(outcome.record)["before"] != first(outcome.record)["after"]

    def test_the_first_figures_of_an_old_run_come_from_its_oldest_restatement(
        self, workspace: Workspace, pack: str
    ) -> None:
        run = stored(workspace, figures=False)
        one = restate(workspace, Order(factors=(pack,)))
        assert "figures" not in run.content
        assert first(one.record)["before"] is not None, "the factors are those of the measurement: nothing was lost"
        other = restate(workspace, Order(method_id="greenframe-2"))
        assert first(other.record)["before"] == first(one.record)["before"]

    def test_what_nobody_kept_is_unknown_and_not_invented(self, workspace: Workspace) -> None:
        content = dict(stored(workspace, figures=False).content)
        stored(workspace, figures=False).path.unlink()
        runfile.write(
            Path(workspace.settings.output.runs),
            content | {"method": {"id": "lichen-1", "version": "0.9.0", "factors_hash": "f" * 64}},
        )
        outcome = restate(workspace, Order())
        assert first(outcome.record)["before"] is None
        assert outcome.record["effects"]["journeys"][0]["indicators"] == {}
        assert restate(workspace, Order()).path is None, "and the second time nothing changed"


def pack_row() -> tuple[str, str, float]:
    return ("grid.gwp100", "FR", FRANCE_G_PER_KWH)


def _grid(row: Mapping[str, Any]) -> tuple[str, str, float] | None:
    """Factor, place and value of the last factor of an impact; None where it is no factor of electricity."""
    factor = next((arg["factor"] for arg in row["steps"][-1]["arguments"] if "factor" in arg), None)
    return None if factor is None else (factor["id"], factor["geography"], factor["value"])


class TestEffects:
    def test_a_restated_run_alone_has_a_factor_effect_alone(self, workspace: Workspace, pack: str) -> None:
        stored(workspace)
        record = restate(workspace, Order(factors=(pack,))).record
        found = record["effects"]["total"]["gwp100"]
        said = first(record)
        assert (found["volume"], found["intensity"], found["method"]) == (0, 0, 0)
        assert found["factors"] == pytest.approx(said["after"]["gwp100"]["value"] - said["before"]["gwp100"]["value"])

    def test_two_runs_under_one_model_have_an_intensity_effect_alone(self, workspace: Workspace) -> None:
        stored(workspace), stored(workspace, "2026-03-08", heavier=1.5)
        found = restate(workspace, Order()).record["effects"]["total"]["energy"]
        assert found["intensity"] == pytest.approx(found["after"] - found["before"])
        assert found["intensity"] > 0
        assert (found["volume"], found["factors"], found["method"]) == (0, 0, 0)

    def test_everything_at_once_sums_to_the_change(self, workspace: Workspace, pack: str) -> None:
        old = stored(workspace, units=100.0)
        stored(workspace, "2026-03-08", heavier=0.8, units=150.0)
        record = restate(workspace, Order(method_id="greenframe-2", factors=(pack,))).record
        for found in (record["effects"]["total"], record["effects"]["journeys"][0]["indicators"]):
            for row in found.values():
                parts = row["volume"] + row["intensity"] + row["factors"] + row["method"]
                assert parts == pytest.approx(row["after"] - row["before"], rel=1e-9)
        row = record["effects"]["total"]["gwp100"]
        assert row["before"] == pytest.approx(100 * old.content["figures"]["apply"]["gwp100"]["value"])
        assert row["volume"] > 0
        assert row["intensity"] < 0
        assert row["method"] != 0

    def test_factors_that_the_runs_own_method_does_not_know_are_not_told_from_the_method(
        self, workspace: Workspace
    ) -> None:
        stored(workspace)
        row = restate(workspace, Order(method_id="greenframe-2", factors=("greenframe",))).record["effects"]["total"][
            "gwp100"
        ]
        assert (row["factors"], row["method"]) == (None, None)
        assert row["model"] == pytest.approx(row["after"] - row["before"])


class TestMistakes:
    def test_no_run(self, workspace: Workspace) -> None:
        with pytest.raises(StorageError, match="There is no run in"):
            restate(workspace, Order())

    def test_a_damaged_run_is_named_and_the_others_go_on(self, workspace: Workspace, pack: str) -> None:
        stored(workspace)
        bad = Path(workspace.settings.output.runs) / f"2026-01-01-000000000000{runfile.SUFFIX}"
        bad.write_bytes(b"\x1f\x8bbroken")
        outcome = restate(workspace, Order(factors=(pack,)))
        assert len(outcome.record["runs"]) == 1
        assert [str(bad) in error.problem for error in outcome.left_out] == [True]

    def test_only_damaged_runs(self, tmp_path: Path, workspace: Workspace) -> None:
        (tmp_path / "x.json").write_text("{", encoding="utf-8")
        with pytest.raises(StorageError, match=r"x\.json is not JSON"):
            restate(workspace, Order(paths=(tmp_path / "x.json",)))

    def test_an_unknown_method_and_an_unknown_pack(self, workspace: Workspace) -> None:
        stored(workspace)
        with pytest.raises(MethodError, match="no method 'lichen-7'"):
            restate(workspace, Order(method_id="lichen-7"))
        with pytest.raises(FactorError, match="no factor pack 'nope'"):
            restate(workspace, Order(factors=("nope",)))

    def test_a_method_whose_factors_lack_says_which_quantity_and_factor(self, workspace: Workspace) -> None:
        stored(workspace)
        with pytest.raises(UsageError, match=r"gives no figure .*cpu_time_share \(the factor '.+' has no value for"):
            restate(workspace, Order(method_id="greenframe-2", factors=("electricity",)))
        assert kept(workspace) == []

    def test_a_changed_restatement_is_refused(self, workspace: Workspace, pack: str) -> None:
        run = stored(workspace)
        path = restate(workspace, Order(factors=(pack,), because="a")).path
        assert path is not None
        path.write_text(path.read_text(encoding="utf-8").replace('"because": "a"', '"because": "b"'), encoding="utf-8")
        with pytest.raises(StorageError, match="no longer has the hash in its name"):
            summarise(workspace, run)

    @pytest.mark.parametrize(
        ("place", "value"),
        [
            (("as_of",), "soon"),
            (("runs",), {}),
            (("runs", 0, "journeys", 0, "before", "gwp100", "value"), "much"),
            (("runs", 0, "journeys", 0, "after"), []),
            (("runs", 0, "method_after", "id"), None),
        ],
    )
    def test_a_restatement_of_another_shape_is_refused_even_when_its_name_fits(
        self, workspace: Workspace, pack: str, place: tuple[Any, ...], value: Any
    ) -> None:
        run = stored(workspace)
        path = restate(workspace, Order(factors=(pack,))).path
        assert path is not None
        good = restatement.read(path).content
        path.unlink()
        restatement.write(Path(workspace.settings.output.runs), mutated(dict(good), place, value))
        with pytest.raises(StorageError, match="is not a whole restatement"):
            summarise(workspace, run)

    @pytest.mark.parametrize("value", ["x", {"apply": 1}, {"apply": {"gwp100": {"value": "x"}}}, None])
    def test_a_run_whose_figures_are_damaged_is_refused(self, workspace: Workspace, value: Any) -> None:
        content = dict(stored(workspace).content) | {"figures": value}
        path = runfile.write(Path(workspace.settings.output.runs) / "bad", content).path
        with pytest.raises(StorageError, match=r"not a whole run file: figures"):
            runfile.read(path)

    def test_a_method_without_data_says_what_it_reads(self, workspace: Workspace) -> None:
        content = json.loads(json.dumps(stored(workspace).content))
        content["activities"] = [row for row in content["activities"] if row["quantity"] == "cpu_time"]
        runfile.write(Path(workspace.settings.output.runs) / "cpu", content)
        with pytest.raises(UsageError, match=r"ecoindex gives no figure of any of these runs: .*dom_elements"):
            restate(workspace, Order(method_id="ecoindex", paths=(Path(workspace.settings.output.runs) / "cpu",)))

    def test_strange_files_beside_the_restatements_are_not_read(self, workspace: Workspace) -> None:
        run = stored(workspace)
        folder = Path(workspace.settings.output.runs) / restatement.FOLDER
        folder.mkdir()
        (folder / "notes.json").write_text("{", encoding="utf-8")
        assert summarise(workspace, run).restatement is None


class TestShown:
    def test_explain_and_the_result_show_the_newest_restatement_and_that_it_is_one(
        self, workspace: Workspace, pack: str
    ) -> None:
        run = stored(workspace)
        restate(workspace, Order(method_id="greenframe-2", because="first"))
        record = restate(workspace, Order(factors=(pack,), because="second")).record
        said, after = summarise(workspace, run), first(record)["after"]
        assert said.journeys[0].figures.indicators["gwp100"].value == pytest.approx(after["gwp100"]["value"], rel=1e-12)
        assert said.fallbacks[0] == f"restated on {record['made_at'][:10]}: second"
        assert said.restatement is not None
        assert said.restatement["before"]["apply"] == run.content["figures"]["apply"]
        tree = explain(workspace, "apply")
        assert tree["figure"]["value"] == pytest.approx(after["gwp100"]["value"], rel=1e-12)
        assert tree["notes"] == [said.fallbacks[0]]
        other = summarise(workspace, run, "greenframe-2")
        assert other.restatement is None, "another method was asked for"

    def test_a_pack_that_is_gone_is_told(self, workspace: Workspace, pack: str) -> None:
        run = stored(workspace)
        restate(workspace, Order(factors=(pack,)))
        Path(pack).unlink()
        assert "restated: factors or method changed since the measurement" in summarise(workspace, run).fallbacks


class TestCommand:
    def lichen(self, workspace: Workspace, *args: str, command: str = "restate") -> Result:
        runs = str(workspace.settings.output.runs)
        return CliRunner().invoke(
            root, [command, *args], prog_name="lichen", env={"COLUMNS": "200", "LANG": "C", "LICHEN_OUTPUT_RUNS": runs}
        )

    def test_both_figures_the_effects_and_the_file_are_printed(self, workspace: Workspace, pack: str) -> None:
        stored(workspace), stored(workspace, "2026-03-08", heavier=2.0)
        answer = self.lichen(workspace, "--factors", pack, "--because", "audit")
        assert answer.exit_code == 0
        assert "2 runs say something else now." in answer.stdout
        for word in ("First", "Now", "Volume", "Intensity", "Factors", "Method", f"Written: {kept(workspace)[0]}"):
            assert word in answer.stdout
        assert answer.stderr == "Restating 2 runs ...\n"
        again = self.lichen(workspace, "--factors", pack)
        assert again.stdout.startswith("Nothing changed: 2 runs say what they said.")

    def test_it_speaks_french(self, workspace: Workspace, pack: str) -> None:
        stored(workspace)
        shown = self.lichen(workspace, "--factors", pack, "--lang", "fr", "--dry-run").stdout
        assert "1 mesure dit autre chose désormais." in shown
        assert "Intensité" in shown
        assert "Rien n’a été écrit" in shown

    def test_json_holds_what_is_written(self, workspace: Workspace, pack: str) -> None:
        stored(workspace)
        printed = json.loads(self.lichen(workspace, "--factors", pack, "--json").stdout)
        written = restatement.read(Path(printed["path"])).content
        assert {key: printed[key] for key in written} == written
        assert (printed["unchanged"], printed["left_out"]) == (0, [])

    def test_a_damaged_run_beside_good_ones_is_told_at_the_end(self, workspace: Workspace, pack: str) -> None:
        stored(workspace)
        bad = Path(workspace.settings.output.runs) / f"2026-01-01-000000000000{runfile.SUFFIX}"
        bad.write_bytes(b"")
        answer = self.lichen(workspace, "--factors", pack)
        assert answer.exit_code == 2
        assert "1 run says something else now." in answer.stdout
        assert f"{bad} is empty." in answer.stderr

    def test_explain_says_that_it_shows_a_restatement_and_why(self, workspace: Workspace, pack: str) -> None:
        stored(workspace)
        self.lichen(workspace, "--factors", pack, "--because", "audit")
        day = kept(workspace)[0].name[:8]
        shown = self.lichen(workspace, "apply", "--lang", "fr", command="explain").stdout
        assert f"recalculé le {day[:4]}-{day[4:6]}-{day[6:]}\u00a0: audit" in shown

    def test_the_report_says_what_was_said_first(self, workspace: Workspace, pack: str) -> None:
        from lichen.outputs.report import HtmlReport

        run = stored(workspace)
        self.lichen(workspace, "--factors", pack, "--because", "<audit>")
        page = HtmlReport().render(summarise(workspace, run), lang="en").decode()
        assert "&lt;audit&gt;" in page
        assert "said 0.14\u00a0gCO₂e (0.06 to 0.28) when it was measured" in page
