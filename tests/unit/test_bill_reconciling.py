# SPDX-License-Identifier: Apache-2.0
"""Carbon exports in the ledger, and bills held against them: ratios and reasons, by hand."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.carbon_support import AZURE, NO_SCOPES, aws, write_csv, write_json
from tests.focus_support import STORAGE, bring, ledger_of, line, of_month, on, project, rows, write

from lichen.cli.app import root as cli
from lichen.errors import StorageError, UsageError
from lichen.ledger import Selection
from lichen.render.carbon import carbon_lines, reconciliation_lines
from lichen.service.bills.carbon import import_carbon
from lichen.service.bills.differing import Reason
from lichen.service.bills.reconciling import Row, reconcile
from lichen.service.board.gathering import read_totals
from lichen.service.context import open_context
from lichen.service.evaluation import evaluate_activities, parse_document
from lichen.service.workspace import Workspace

METHOD = "lichen-1"
EC2 = "Amazon Elastic Compute Cloud"
S3 = "Amazon Simple Storage Service"


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return project(tmp_path / "project")


def held(workspace: Workspace, **asked: Any) -> dict[str, Row]:
    """Rows by service; of one month."""
    context = open_context(workspace)
    with context.store:
        return {row.place.service: row for row in reconcile(context, METHOD, **asked).rows}


def ours(workspace: Workspace, hours: float) -> tuple[float, float]:
    """Use and making of an m5.xlarge in Paris [gCO2e]."""
    documents = [
        {
            "entity": "machine", "quantity": name, "value": hours * 3600 * count, "tier": "server",
            "platform": "aws:m5.xlarge", "region": "aws:eu-west-3", "basis": "total",
        }
        for name, count in (("instance_time", 1), ("vcpu_time", 4))
    ]  # fmt: skip
    activities, context = parse_document(workspace, {"activities": documents})
    found = evaluate_activities(workspace, workspace.method(METHOD), activities, context, on=date(2026, 10, 1))
    sums = dict.fromkeys(("use", "embodied"), 0.0)
    for total in found.totals():
        if total.indicator == "gwp100" and total.accounting == "location":
            sums[total.phase] += total.value
    return sums["use"], sums["embodied"]


def test_figures_are_kept_as_rows_that_nothing_counts(workspace: Workspace, tmp_path: Path) -> None:
    bring(workspace, write(tmp_path / "bill.csv", [line()]))
    context = open_context(workspace)
    with context.store:
        before = read_totals(context, None)
        found = import_carbon(workspace, [str(write_csv(tmp_path / "aws.csv", [aws(**NO_SCOPES)]))])
        assert read_totals(context, None) == before
    assert found.rows == 2
    kept = list(ledger_of(workspace).rows("activities", Selection(sources=["vendor:aws-payer"])))
    assert {(row["quantity"], row["value"], row["unit"], row["application"], row["month"]) for row in kept} == {
        ("reported_emissions", 190.0, "gCO2e", "", "2026-10"), ("reported_emissions", 100.0, "gCO2e", "", "2026-10"),
    }  # fmt: skip
    assert {(row["service"], row["account"], row["region"]) for row in kept} == {("AmazonEC2", "123", "aws:eu-west-3")}
    assert len({row["activity_id"] for row in kept}) == 2
    assert "reported_emissions" not in workspace.method(METHOD).quantities


def test_the_same_again_writes_nothing_and_another_takes_its_place(workspace: Workspace, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "aws.csv", [aws(**NO_SCOPES)])
    assert import_carbon(workspace, [str(path)], dry_run=True).rows == 0
    assert not (workspace.settings.folder / ".lichen" / "ledger").exists()
    import_carbon(workspace, [str(path)])
    version = ledger_of(workspace).sources()
    assert import_carbon(workspace, [str(path)]).unchanged
    assert ledger_of(workspace).sources() == version
    write_csv(path, [aws(**NO_SCOPES, total_lbm_emissions_value="0.001")])
    assert not import_carbon(workspace, [str(path)]).unchanged
    values = [value for (value,) in rows(workspace, "value", quantity="reported_emissions")]
    assert sorted(values) == [100.0, 1000.0]


def test_scopes_of_azure_stand_side_by_side(workspace: Workspace, tmp_path: Path) -> None:
    for number in "23":
        content = {**AZURE, "carbonScopeList": [f"Scope{number}"]}
        import_carbon(workspace, [str(write_json(tmp_path / f"{number}.json", content))])
    assert ledger_of(workspace).sources() == {"vendor:azure-scope-2", "vendor:azure-scope-3"}


def test_two_files_that_tell_the_same_are_refused(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name in "ab":
        write_csv(tmp_path / "in" / f"{name}.csv", [aws()])
    with pytest.raises(StorageError, match=r"both tell of 2026-10 of 123"):
        import_carbon(workspace, [str(tmp_path / "in")])


def test_like_is_held_against_like(workspace: Workspace, tmp_path: Path) -> None:
    bring(workspace, write(tmp_path / "bill.csv", [line(), on(6)]))
    import_carbon(workspace, [str(write_csv(tmp_path / "aws.csv", [aws()]))])
    (row,) = held(workspace).values()
    use, making = ours(workspace, 48)
    assert (row.use, row.embodied) == (pytest.approx(use), pytest.approx(making))
    assert row.use_low is not None
    assert row.use_high is not None
    assert row.use_low < use < row.use_high
    assert (row.operational, row.making, row.total) == (90.0, 100.0, None), "scopes 1 and 2 by location; scope 3"
    assert (row.ratio_use, row.ratio_making) == (pytest.approx(use / 90), pytest.approx(making / 100))
    assert row.ratio_total == pytest.approx((use + making) / 190)
    assert row.coverage == 1
    assert tuple(row.why) == (Reason.IDLE_OVERHEAD, Reason.BOUNDARY)


def test_a_total_is_held_against_both_phases(workspace: Workspace, tmp_path: Path) -> None:
    bring(workspace, write(tmp_path / "bill.csv", [line()]))
    use, making = ours(workspace, 24)
    alike = f"{(use + making) / 1e6:.12f}"
    import_carbon(workspace, [str(write_csv(tmp_path / "a.csv", [aws(**NO_SCOPES, total_lbm_emissions_value=alike)]))])
    (row,) = held(workspace).values()
    assert row.ratio_total == pytest.approx(1, rel=1e-5)
    assert (row.ratio_use, row.ratio_making, row.why) == (None, None, ())


def told_apart(second_g: float) -> dict[str, str]:
    """Scope 2 by location in MTCO2e, nothing of scope 1."""
    return aws(total_scope_1_emissions_value="0", total_scope_2_lbm_emissions_value=f"{second_g / 1e6:.12f}")


@pytest.mark.parametrize(("method", "expected"), [("lichen-1", True), ("boavizta-2.5", True), ("ccf-2024", False)])
def test_electricity_of_the_whole_life_cycle_is_said_where_ours_is_higher(
    workspace: Workspace, tmp_path: Path, method: str, expected: bool
) -> None:
    """Half of our use in scope 2: the reason is there for methods that count fuels and power plants as well."""
    bring(workspace, write(tmp_path / "bill.csv", [line()]))
    context = open_context(workspace)
    with context.store:
        (alone,) = reconcile(context, method).rows
    assert alone.use is not None
    import_carbon(workspace, [str(write_csv(tmp_path / "a.csv", [told_apart(alone.use / 2)]))])
    context = open_context(workspace)
    with context.store:
        (row,) = reconcile(context, method).rows
    assert row.ratio_use == pytest.approx(2, rel=1e-5)
    assert (Reason.LIFE_CYCLE in row.why) == expected
    assert Reason.OTHER_LOAD in row.why


def test_by_market_alone_nothing_is_compared(workspace: Workspace, tmp_path: Path) -> None:
    bring(workspace, write(tmp_path / "bill.csv", [line()]))
    market = aws(**NO_SCOPES, total_lbm_emissions_value="")
    import_carbon(workspace, [str(write_csv(tmp_path / "a.csv", [market]))])
    (row,) = held(workspace).values()
    assert (row.operational, row.total, row.ratio_use, row.ratio_total) == (None, None, None, None)
    assert row.use is not None
    assert tuple(row.why) == (Reason.MARKET_ONLY,)


def test_what_one_side_lacks_stays(workspace: Workspace, tmp_path: Path) -> None:
    unknown = {
        "ServiceName": "Something New",
        "SkuMeter": "x",
        "ChargeDescription": "x",
        "SkuPriceDetails": "",
        "ConsumedUnit": "x",
    }
    bring(workspace, write(tmp_path / "bill.csv", [line(), on(6, **STORAGE), on(6, PricingUnit="x", **unknown)]))
    reported = [aws(), aws(product_code="AmazonS3", **zeros()), aws(product_code="AmazonQuantum")]
    import_carbon(workspace, [str(write_csv(tmp_path / "a.csv", reported))])
    found = held(workspace)
    assert set(found) == {EC2, S3, "Something New", "AmazonQuantum"}
    assert Reason.ROUNDED in found[S3].why
    assert tuple(found["Something New"].why) == (Reason.ONLY_OURS, Reason.SERVICE_NAMES, Reason.NOT_ESTIMATED)
    assert (found["Something New"].use, found["Something New"].coverage) == (None, 0.0)
    assert tuple(found["AmazonQuantum"].why) == (Reason.ONLY_THEIRS, Reason.SERVICE_NAMES)


def test_months_that_are_not_published_and_providers_that_were_not_imported(
    workspace: Workspace, tmp_path: Path
) -> None:
    bring(workspace, write(tmp_path / "bill.csv", [of_month("2026-10"), of_month("2026-11")]))
    (before,) = held(workspace, month="2026-11").values()
    assert tuple(before.why) == (Reason.NO_EXPORT,)
    import_carbon(workspace, [str(write_csv(tmp_path / "a.csv", [aws()]))])
    (after,) = held(workspace, month="2026-11").values()
    assert tuple(after.why) == (Reason.NOT_PUBLISHED,)


def test_what_a_provider_adds_up_is_added_up_on_our_side(workspace: Workspace, tmp_path: Path) -> None:
    bring(workspace, write(tmp_path / "bill.csv", [line(), on(6, **STORAGE), on(6, SubAccountId="456")]))
    whole = aws(product_code="", region_code="", usage_account_id="")
    import_carbon(workspace, [str(write_csv(tmp_path / "a.csv", [whole]))])
    (row,) = held(workspace).values()
    use, _ = ours(workspace, 48)
    assert row.place.service == ""
    assert row.use is not None
    assert row.use > use


def test_two_imports_of_the_same_count_once(workspace: Workspace, tmp_path: Path) -> None:
    bring(workspace, write(tmp_path / "bill.csv", [line()]))
    path = str(write_csv(tmp_path / "a.csv", [aws()]))
    import_carbon(workspace, [path], source="one")
    import_carbon(workspace, [path], source="two")
    (row,) = held(workspace).values()
    assert row.operational == 90.0
    assert Reason.TWO_SOURCES in row.why


def test_a_bill_or_a_month_that_is_not_there_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no bill in the ledger"):
        held(workspace)
    bring(workspace, write(tmp_path / "bill.csv", [line()]))
    with pytest.raises(UsageError, match="There is no bill 'gcp'"):
        held(workspace, source="gcp")
    with pytest.raises(UsageError, match="'9999-12' is no month"):
        held(workspace, month="9999-12")
    with pytest.raises(UsageError, match="'October' is no month"):
        held(workspace, month="October")


def test_what_is_said_of_it_in_both_languages(workspace: Workspace, tmp_path: Path) -> None:
    bring(workspace, write(tmp_path / "bill.csv", [line()]))
    path = str(write_csv(tmp_path / "aws.csv", [aws(), aws(product_code="AmazonS3", region_code="mars-1", **zeros())]))
    imported = import_carbon(workspace, [path]).to_json()
    again = import_carbon(workspace, [path]).to_json()
    context = open_context(workspace)
    with context.store:
        found = reconcile(context, METHOD).to_json()
    english = "\n".join(carbon_lines(imported, "en"))
    assert "vendor:aws-payer: 2026-10" in english
    assert "scope 2, by location: 80 gCO₂e" in english.replace("\u00a0", " ")
    assert "unknown region mars-1 (AWS)" in english
    assert "selon le lieu" in "\n".join(carbon_lines(imported, "fr"))
    assert list(carbon_lines(again, "en")) == ["Nothing was written: these figures are in the ledger already."]
    told = list(reconciliation_lines(found, "en"))
    place = told.index(f"2026-10  aws  123  {EC2}  aws:eu-west-3")
    assert "provider, scopes 1 and 2: 90 gCO₂e; ratio 0." in told[place + 1].replace("\u00a0", " ")
    assert "the provider spreads idle capacity and shared services over its customers" in told[place + 5]
    assert len(list(reconciliation_lines(found, "fr"))) == len(told)


def test_months_come_first_and_then_the_largest_places(workspace: Workspace, tmp_path: Path) -> None:
    """Twelve accounts with 1 to 12 machines; the provider tells 190 g of each of the first eleven."""
    machines = [(str(account), f"{account}-{one}") for account in range(1, 13) for one in range(account)]
    bring(
        workspace,
        write(tmp_path / "bill.csv", [line(SubAccountId=account, ResourceId=name) for account, name in machines]),
    )
    said = [aws(usage_account_id=str(account)) for account in range(1, 12)]
    import_carbon(workspace, [str(write_csv(tmp_path / "a.csv", said))])
    context = open_context(workspace)
    with context.store:
        found = reconcile(context, METHOD).to_json()
    use, making = ours(workspace, 24)
    (month,) = found["months"]
    assert (month["provider"], month["month"], month["places"], month["compared"]) == ("aws", "2026-10", 12, 11)
    assert (month["ours"], month["theirs"]) == (pytest.approx(66 * (use + making)), 11 * 190.0), (
        "1 + 2 + … + 11 machines"
    )
    assert month["ratio"] == pytest.approx(66 * (use + making) / (11 * 190))
    assert len(found["rows"]) == 12, "JSON has all places"
    told = [text.replace("\u00a0", " ") for text in reconciliation_lines(found, "en")]
    assert told[1].startswith("2026-10  AWS: ")
    assert "; provider: 2.1 kgCO₂e; ratio " in told[1]
    assert told[2:4] == ["  100% of the cost of usage is estimated", "  compared: 11 of 12 places"]
    accounts = [text.split("  ")[2] for text in told if text.startswith("2026-10  aws  ")]
    assert accounts[:2] == ["12", "11"]
    assert len(accounts) == 10
    assert told[-1] == "2 places more with --all."
    call = ["bills", "reconcile", "--all", "--lang", "fr", "--config", str(workspace.settings.folder / "lichen.toml")]
    whole = CliRunner().invoke(cli, call)
    assert whole.exit_code == 0, whole.output
    assert len([text for text in whole.output.splitlines() if text.startswith("2026-10  aws  ")]) == 12
    assert "--all" not in whole.output


def test_a_month_without_either_side_says_so(workspace: Workspace, tmp_path: Path) -> None:
    bring(workspace, write(tmp_path / "bill.csv", [line()]))
    context = open_context(workspace)
    with context.store:
        before = reconcile(context, METHOD, month="2026-09").to_json()
        alone = reconcile(context, METHOD, month="2026-10").to_json()
    assert list(reconciliation_lines(before, "en"))[1:] == ["Neither a bill nor a provider tells anything of it."]
    told = list(reconciliation_lines(alone, "en"))
    assert told[1] == "2026-10  AWS: nothing to compare"
    assert told[4] == "  nothing of this provider was imported: lichen import carbon"


def zeros() -> dict[str, str]:
    """Figures of a service that are rounded away."""
    return {name: "0" for name in aws() if name.endswith("_value") and "_3_mbm_" not in name}
