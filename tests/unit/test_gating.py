# SPDX-License-Identifier: Apache-2.0
"""Budgets held against runs, earlier runs and comparisons: what passes, what fails, what cannot be told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from scipy.stats import t
from tests.fixtures import gating as fixture
from tests.fixtures.gating import held, project, write_run

from lichen.errors import ConfigError, ExitCode, NothingMeasured, StorageError, UsageError
from lichen.ledger.runfile import RunFile
from lichen.service.gating.deciding import Draft, concluded
from lichen.service.gating.gate import Order, check_gate, gate
from lichen.service.gating.outcome import gate_document, read_gate

# The fixture's journey: network 400,000 + 20,000 B in each sample. CPU (0.8 + 0.4) x 5/4 s x noise, + 0.001 s between steps.
# Noise (1, 1.02, 0.97, 1.05, 0.99, 1.01, 1.3): without the smallest and the largest the mean is 1.014, the CPU time 1.522 s.
CPU_S = 1.522


def budget(code: str = "LB001", what: str = "network_bytes", **keys: str) -> str:
    rows = {"code": code, "what": what, **keys}
    return "[[budget]]\n" + "".join(f'{key} = "{value}"\n' for key, value in rows.items())


@pytest.mark.parametrize(
    ("limit", "outcome"),
    [("420 kB", "pass"), ("419999", "fail"), ("0.42 MB", "pass"), ("419.9 kB", "fail"), ("411 KiB", "pass")],
)
def test_bytes_that_never_vary_are_compared_as_they_are(tmp_path: Path, limit: str, outcome: str) -> None:
    # 411 KiB are 420,864 B.
    found = held(tmp_path, budget(max=limit), write_run(tmp_path / "runs"))
    (check,) = found.checks
    assert (check.value, check.exact, check.p) == (420_000.0, True, None)
    assert check.outcome == found.outcome == outcome
    assert found.exit_code == (ExitCode.PASS if outcome == "pass" else ExitCode.BUDGET)


def test_cpu_time_is_held_by_its_bounds(tmp_path: Path) -> None:
    run = write_run(tmp_path / "runs")
    (check,) = held(tmp_path, budget(what="cpu_time", max="1.4 s"), run).checks
    assert check.value == pytest.approx(CPU_S)
    # Kept: 1, 1.02, 1.05, 0.99, 1.01, times 1.5 s; the wider of Yuen's and Student's interval is taken.
    error = (check.high - check.value) / t.ppf(0.995, 4)
    assert check.low == pytest.approx(2 * check.value - check.high)
    assert check.p == pytest.approx(t.sf((check.value - 1.4) / error, 4))
    assert (check.outcome, check.reason) == ("fail", "above")
    # The same figure of three journeys: 3 x 0.00197 is above 0.005, the level that holds for all of them together.
    three = write_run(tmp_path / "runs", "apply", "follow", "sign")
    checks = held(tmp_path, budget(what="cpu_time", max="1.4 s"), three).checks
    assert [(one.outcome, one.reason) for one in checks] == [("inconclusive", "not_sure")] * 3


@pytest.mark.parametrize(("limit", "outcome"), [("1.2 s", "fail"), ("1.5 s", "inconclusive"), ("1.9 s", "pass")])
def test_three_outcomes_of_a_figure_that_varies(tmp_path: Path, limit: str, outcome: str) -> None:
    found = held(tmp_path, budget(what="cpu_time", max=limit), write_run(tmp_path / "runs"))
    assert found.outcome == outcome
    assert found.exit_code == {"fail": ExitCode.BUDGET, "inconclusive": ExitCode.PASS, "pass": ExitCode.PASS}[outcome]


def test_inconclusive_fails_where_it_is_asked_to(tmp_path: Path) -> None:
    run = write_run(tmp_path / "runs")
    text = budget(what="cpu_time", max="1.5 s")
    assert held(tmp_path, text, run, strict=True).exit_code == ExitCode.INCONCLUSIVE
    assert held(tmp_path, f'[gate]\non_inconclusive = "fail"\n{text}', run).exit_code == ExitCode.INCONCLUSIVE
    assert held(tmp_path, f'[gate]\non_inconclusive = "pass"\n{text}', run).quiet


def test_one_sample_decides_nothing(tmp_path: Path) -> None:
    run = write_run(tmp_path / "runs", noise=(1.0,))
    checks = held(tmp_path, budget(max="1 kB") + budget("LB002", "cpu_time", max="1 ms"), run).checks
    assert [(check.outcome, check.reason) for check in checks] == [("inconclusive", "one_sample")] * 2


def test_a_series_that_never_varies_is_exact(tmp_path: Path) -> None:
    run = write_run(tmp_path / "runs", noise=(1.0,) * 7)
    low, high = held(
        tmp_path, budget(what="cpu_time", max="1.49 s") + budget("LB002", "cpu_time", max="1.51 s"), run
    ).checks
    assert (low.outcome, high.outcome, low.exact) == ("fail", "pass", True)


def test_steps_indicators_and_sci(tmp_path: Path) -> None:
    run = write_run(tmp_path / "runs")
    text = (
        budget(journey="apply", step="open", max="400 kB")
        + budget("LB002", "gwp100", max="10 gCO2e")
        + budget("LB003", "sci", journey="apply", max="10 mgCO2e")
        + budget("LB004", "dom_elements", max="119")
        + budget("LB005", "ecoindex", max="100")
    )
    step, climate, sci, elements, ecoindex = held(tmp_path, text, run).checks
    assert (step.value, step.outcome) == (400_000.0, "pass")
    assert climate.outcome == "pass"
    assert (sci.outcome, sci.unit, sci.limit) == ("fail", "gCO2e", 0.01)
    assert sci.value == pytest.approx(climate.value)  # the method's electricity is location-based
    assert (elements.value, elements.outcome) == (120.0, "fail")
    assert (ecoindex.value, ecoindex.outcome, ecoindex.reason) == (None, "inconclusive", "unknown")


def test_a_budget_without_a_journey_holds_for_each(tmp_path: Path) -> None:
    found = held(tmp_path, budget(max="1 MB"), write_run(tmp_path / "runs", "apply", "follow"))
    assert [check.journey for check in found.checks] == ["apply", "follow"]
    assert len({check.fingerprint for check in found.checks}) == 2


def test_a_fingerprint_holds_no_figure(tmp_path: Path) -> None:
    run = write_run(tmp_path / "runs")
    one = held(tmp_path, budget(max="1 MB"), run).checks[0]
    other = held(tmp_path, budget(max="2 kB"), run).checks[0]
    assert one.outcome != other.outcome
    assert one.fingerprint == other.fingerprint


def test_holm_holds_the_level_for_all_checks_together() -> None:
    """p = 0.004 alone fails at 0.005; of two it has to be 0.0025, and the second is looked at only when the first fails."""
    check = fixture.check(outcome="inconclusive", exact=False)
    alone = Draft(check, p=0.004, above=True)
    assert concluded([alone])[0].outcome == "fail"
    both = concluded([alone, Draft(check, p=0.004, above=True)])
    assert [one.outcome for one in both] == ["inconclusive", "inconclusive"]
    assert both[0].p == pytest.approx(0.008)
    steps = concluded([Draft(check, p=0.001, above=True), Draft(check, p=0.004, above=True)])
    assert [one.outcome for one in steps] == ["fail", "fail"]
    beside_exact = concluded([alone, Draft(fixture.check())])
    assert beside_exact[0].outcome == "fail"  # what never varies is no test


# Against earlier runs


def history(folder: Path, count: int, *, factor: float = 1.0, host: dict[str, str] | None = None) -> None:
    """Runs of the first days of March whose level wanders by 1 %."""
    for day in range(1, count + 1):
        level = factor * (1 + 0.01 * (-1) ** day)
        write_run(folder, noise=[level * one for one in (1.0, 1.02, 0.98, 1.01, 0.99, 1.0, 1.01)], day=day, host=host)


def newest(folder: Path, factor: float = 1.0) -> RunFile:
    return write_run(folder, noise=[factor * one for one in (1.0, 1.02, 0.98, 1.01, 0.99, 1.0, 1.01)], day=20)


INCREASE = '[gate]\nbaseline = "old"\n' + budget(what="cpu_time", max_increase="5 %")


@pytest.mark.parametrize(("factor", "outcome"), [(1.0, "pass"), (1.3, "fail"), (0.7, "pass"), (1.03, "inconclusive")])
def test_an_increase_against_six_earlier_runs(tmp_path: Path, factor: float, outcome: str) -> None:
    history(tmp_path / "old", 6)
    found = held(tmp_path, INCREASE, newest(tmp_path / "runs", factor))
    (check,) = found.checks
    assert check.outcome == outcome
    assert check.change == pytest.approx(factor - 1, abs=0.01)
    assert check.low < check.change < check.high
    assert check.counted == 6


def test_no_history_is_said_and_upper_bounds_decide_alone(tmp_path: Path) -> None:
    found = held(tmp_path, INCREASE + budget("LB002", max="1 MB"), newest(tmp_path / "runs"))
    assert [(check.outcome, check.reason) for check in found.checks] == [("skipped", "no_history"), ("pass", "within")]
    assert [note.key for note in found.notes] == ["no_history"]
    assert found.exit_code == ExitCode.PASS


def test_few_earlier_runs_warn_and_never_fail(tmp_path: Path) -> None:
    history(tmp_path / "old", 4)
    found = held(tmp_path, INCREASE, newest(tmp_path / "runs", 1.5), strict=True)
    (check,) = found.checks
    assert (check.outcome, check.reason, check.counted) == ("warn", "few_sessions", 4)
    assert found.exit_code == ExitCode.PASS


def test_runs_of_another_machine_are_no_baseline(tmp_path: Path) -> None:
    history(tmp_path / "old", 6, host={"cpu_model": "Another CPU"})
    (check,) = held(tmp_path, INCREASE, newest(tmp_path / "runs", 2.0)).checks
    assert (check.outcome, check.reason, check.counted) == ("warn", "other_machine", 6)


def test_bytes_are_held_against_the_newest_earlier_run(tmp_path: Path) -> None:
    history(tmp_path / "old", 1)
    text = '[gate]\nbaseline = "old"\n' + budget(max_increase="0 %")
    (check,) = held(tmp_path, text, newest(tmp_path / "runs")).checks
    assert (check.outcome, check.change, check.exact) == ("pass", 0.0, True)


def test_a_run_is_not_its_own_baseline_and_later_ones_are_none(tmp_path: Path) -> None:
    run = write_run(tmp_path / "runs", day=3)
    write_run(tmp_path / "runs", day=9)
    text = f'[output]\nruns = "{tmp_path}/runs"\n' + budget(what="cpu_time", max_increase="5 %")
    (check,) = held(tmp_path, text, run).checks
    assert check.reason == "no_history"


def test_a_damaged_file_of_a_folder_leaves_a_baseline_and_a_single_one_is_refused(tmp_path: Path) -> None:
    history(tmp_path / "old", 6)
    bad = tmp_path / "old" / "2026-03-10-000000000000.run.json.gz"
    bad.write_bytes(b"\x1f\x8b broken")
    run = newest(tmp_path / "runs")
    assert held(tmp_path, INCREASE, run).checks[0].counted == 6
    with pytest.raises(StorageError, match="damaged"):
        held(tmp_path, INCREASE, run, baseline=bad)


# Against a comparison


def test_a_comparison_is_a_check_of_its_own_and_budgets_hold_it_too(tmp_path: Path) -> None:
    text = (
        budget(max_increase="50 %")
        + budget("LB002", "energy", max_increase="6 %")
        + budget("LB003", "cpu_time", max_increase="5 %")
        + budget("LB004", "requests", max_increase="5 %")
        + budget("LB005", "requests", max="60")
    )
    found = held(tmp_path, text, verdict=fixture.verdict(fixture.heavier()))
    # + 312 kB on 420 kB are + 74 %; energy + 8 % (5 to 11); CPU + 0.7 % (-1 to 2).
    assert [(check.code, check.outcome) for check in found.checks] == [
        ("regression", "fail"), ("LB001", "fail"), ("LB002", "fail"), ("LB003", "pass"), ("LB004", "skipped"),
        ("LB005", "skipped"),
    ]  # fmt: skip
    assert found.exit_code == ExitCode.BUDGET


def test_a_journey_that_failed_on_one_side_ends_with_4(tmp_path: Path) -> None:
    failed = fixture.JourneyVerdict(journey="apply", outcome="error", primary=None, reason="It failed.")
    found = held(tmp_path, budget(max_increase="5 %"), verdict=fixture.verdict(failed, outcome="error"))
    assert found.outcome == "error"
    assert found.exit_code == ExitCode.JOURNEY_FAILED


def test_a_journey_that_failed_while_it_was_measured_ends_with_4_unless_a_bound_is_broken(tmp_path: Path) -> None:
    run, failed = write_run(tmp_path / "runs"), {"follow": "It hangs."}
    assert held(tmp_path, budget(max="1 MB"), run, failed=failed).exit_code == ExitCode.JOURNEY_FAILED
    assert held(tmp_path, budget(max="1 kB"), run, failed=failed).exit_code == ExitCode.BUDGET


def test_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NothingMeasured, match="nothing to hold"):
        held(tmp_path, budget(max="1 MB"))


def test_no_budget_passes_and_says_so(tmp_path: Path) -> None:
    found = held(tmp_path, "", write_run(tmp_path / "runs"))
    assert (found.outcome, [note.key for note in found.notes]) == ("pass", ["no_budget"])


def test_one_journey_in_two_runs_is_refused(tmp_path: Path) -> None:
    runs = write_run(tmp_path / "runs", day=1), write_run(tmp_path / "runs", day=2)
    with pytest.raises(UsageError, match=r"journey 'apply' is in .* and in"):
        held(tmp_path, budget(max="1 MB"), *runs)


def test_journeys_that_are_asked_for(tmp_path: Path) -> None:
    run = write_run(tmp_path / "runs", "apply", "follow")
    assert {check.journey for check in held(tmp_path, budget(max="1 MB"), run, journeys=["follow"]).checks} == {
        "follow"
    }
    with pytest.raises(UsageError, match="'folow' is in none") as refusal:
        held(tmp_path, budget(max="1 MB"), run, journeys=["folow"])
    assert refusal.value.repair == "Did you mean 'follow'?"


# Mistakes in budgets


@pytest.mark.parametrize(
    ("text", "sentence", "repair"),
    [
        (
            budget(what="network_byte", max="1 kB"),
            r"limits 'network_byte', which is no",
            "Did you mean 'network_bytes'?",
        ),
        (budget(what="cost", max="1"), r"limits 'cost', which is no", "Known: sci"),
        (budget(max="900 kb"), r"limits network_bytes in 'kb', which is no unit", "Did you mean 'kB'?"),
        (budget(max="3 kWh"), r"limits network_bytes in 'kWh'", "Units of network_bytes: B, kB"),
        (budget(what="gwp100", max="0.2 g"), r"limits gwp100 in 'g'", "Units of gwp100: gCO2e"),
        (budget(journey="aply", max="1 kB"), r"of a journey 'aply' that does not exist", "Did you mean 'apply'?"),
        (
            budget(journey="apply", step="opn", max="1 kB"),
            r"step 'opn' that the journey 'apply' has not",
            "Did you mean 'open'?",
        ),
    ],
)
def test_unknown_names_are_refused_with_the_nearest(tmp_path: Path, text: str, sentence: str, repair: str) -> None:
    run = write_run(tmp_path / "runs")
    with pytest.raises(ConfigError, match=sentence) as refusal:
        held(tmp_path, text, run)
    assert refusal.value.repair.startswith(repair)
    assert refusal.value.exit_code == ExitCode.USAGE
    assert "lichen.toml:" in refusal.value.culprit


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (budget(), r"budget 'LB001' has no bound"),
        (budget(step="open", max="1"), r"names the step 'open' of no journey"),
        (budget(max="1") * 2, r"Two \[\[budget\]\] are called 'LB001'"),
        (budget("L B", max="1"), r"budget\.code is 'L B'"),
        (budget(max="much"), r"budget\.max is 'much'"),
        (budget(max="-3 kB"), r"budget\.max is '-3 kB'"),
        (budget(max="1e999"), r"budget\.max is '1e999'"),
        ('[[budget]]\ncode = "A"\nwhat = "requests"\nmax = nan\n', r"budget\.max is nan"),
        (budget(max_increase="0.05"), r"budget\.max_increase is '0\.05'"),
        ('[[budget]]\nwhat = "requests"\nmax = 1\n', r"has no code"),
        (budget(max="1", limit="2"), r"no key 'budget\.limit'"),
    ],
)
def test_budgets_that_are_wrong_are_refused_when_they_are_read(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence):
        project(tmp_path, text)


def test_mistakes_are_found_before_anything_is_measured(tmp_path: Path) -> None:
    journey = '[[journey]]\nname = "apply"\nurl = "http://127.0.0.1:1/"\n'
    check_gate(project(tmp_path, journey + budget(journey="apply", step="any", max="1 kB")))
    with pytest.raises(ConfigError, match="'aply' that does not exist"):
        check_gate(project(tmp_path, journey + budget(journey="aply", max="1 kB")))


# Accepted breaches

ACCEPT = '[[accept]]\ncode = "LB001"\njourney = "apply"\nreason = "hero picture"\nowner = "Ann"\nuntil = 2026-03-02\n'


def accepted(folder: Path, text: str, budgets: str = budget(max="1 kB")) -> fixture.GateResult:
    (folder / "lichen-accept.toml").write_text(text, encoding="utf-8")
    return held(folder, budgets, write_run(folder / "runs", "apply", "follow"))


def test_an_accepted_breach_is_shown_and_does_not_fail(tmp_path: Path) -> None:
    apply, follow = accepted(tmp_path, ACCEPT).checks
    assert (apply.outcome, apply.breach, apply.accepted.owner) == ("fail", False, "Ann")
    assert follow.breach
    other = ACCEPT.replace('"apply"', '"follow"')
    both = accepted(tmp_path, ACCEPT + other)
    assert (both.outcome, len(both.accepted), both.exit_code) == ("pass", 2, ExitCode.PASS)


def test_an_acceptance_that_is_over_fails_again_and_says_so(tmp_path: Path) -> None:
    apply, _ = accepted(tmp_path, ACCEPT.replace("03-02", "03-01")).checks
    assert (apply.breach, apply.accepted, apply.lapsed.until) == (True, None, "2026-03-01")


def test_an_acceptance_of_a_step_is_of_that_step(tmp_path: Path) -> None:
    budgets = budget(journey="apply", step="open", max="1 kB")
    assert accepted(tmp_path, ACCEPT + 'step = "open"\n', budgets).outcome == "pass"
    assert accepted(tmp_path, ACCEPT + 'step = "pay"\n', budgets).outcome == "fail"
    assert accepted(tmp_path, ACCEPT, budgets).outcome == "pass"


def test_an_acceptance_that_fits_nothing_is_named(tmp_path: Path) -> None:
    found = accepted(tmp_path, ACCEPT, budget(max="1 MB"))
    assert [(note.key, dict(note.values)) for note in found.notes] == [
        ("unused", {"code": "LB001", "journey": "apply"}),
    ]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        *(
            (ACCEPT.replace(f"{key} = ", f"# {key} = "), f"has no {key} ")
            for key in ("code", "journey", "reason", "owner")
        ),
        (ACCEPT.replace("until = ", "# until = "), "has no last day"),
        (ACCEPT.replace("2026-03-02", '"2026-03-02"'), "has no last day"),
        (ACCEPT.replace("2026-03-02", "2026-03-02T00:00:00Z"), "has no last day"),
        (ACCEPT.replace('"Ann"', '" "'), "has no owner"),
        (ACCEPT.replace("LB001", "LB002"), "of a budget 'LB002' that does not exist"),
        (ACCEPT + "forever = true\n", "no key 'forever'"),
        (ACCEPT + "step = 3\n", "step of an accepted breach is no text"),
        ("[accept]\n", "must be a repeated section"),
        ("[[acept]]\n", "unknown section 'acept'"),
        ("[[accept]\n", "is not TOML"),
    ],
)
def test_an_entry_that_is_not_whole_is_refused(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence) as refusal:
        accepted(tmp_path, text)
    assert "lichen-accept.toml" in str(refusal.value.culprit)
    assert refusal.value.repair


# The document


def test_a_gate_survives_json(tmp_path: Path) -> None:
    for found in (
        fixture.mixed_gate(),
        fixture.hostile_gate(),
        held(tmp_path, budget(max_increase="5 %"), verdict=fixture.verdict(fixture.heavier())),
    ):
        text = json.dumps(gate_document(found), allow_nan=False)
        assert read_gate(json.loads(text), source="gate.json") == found


@pytest.mark.parametrize("document", [[], {}, {"schema": "lichen-gate/9"}, {"schema": "lichen-gate/1"}, {"schema": 3}])
def test_what_is_no_gate_is_refused(document: object) -> None:
    with pytest.raises(StorageError, match=r"gate\.json is no"):
        read_gate(document, source="gate.json")


def test_the_place_of_a_budget_is_seen_from_the_root_of_the_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    folder = tmp_path / "shop"
    folder.mkdir()
    (check,) = held(folder, budget(max="1 MB"), write_run(folder / "runs")).checks
    assert (check.file, check.line) == ("shop/lichen.toml", 4)


def test_two_orders_of_the_same_runs_agree(tmp_path: Path) -> None:
    """What is held first changes nothing: the checks are the same in any order of journeys."""
    run = write_run(tmp_path / "runs", "apply", "follow")
    workspace = project(tmp_path, budget(what="cpu_time", max="1.5 s") + budget("LB002", max="1 kB"))
    one = gate(workspace, Order(today=fixture.TODAY, runs=[run.path], journeys=["apply", "follow"]))
    other = gate(workspace, Order(today=fixture.TODAY, runs=[run.path], journeys=["follow", "apply"]))
    assert set(one.checks) == set(other.checks)
