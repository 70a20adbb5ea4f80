# SPDX-License-Identifier: Apache-2.0
"""What an import keeps beside its rows cannot be written: it is refused before a row is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tests.carbon_support import aws, write_csv
from tests.focus_support import bring, line, project, rows, write

from lichen.cli.app import root as cli
from lichen.errors import ExitCode, StorageError
from lichen.service.bills.carbon import import_carbon
from lichen.service.importing_tables import opened
from lichen.service.workspace import Workspace
from lichen.store.queries import imports


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return project(tmp_path / "project")


def obstacle(workspace: Workspace, name: str) -> Path:
    """A file where a folder of documents belongs: rights do not bind everybody who runs tests, this does."""
    path = workspace.settings.folder / ".lichen" / "ledger" / "documents" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    return path


def state(workspace: Workspace) -> list[tuple[Any, ...]]:
    return rows(workspace, "source", "day", "quantity", "value", "effective_amount")


def applications(workspace: Workspace) -> set[str]:
    with opened(workspace) as store, store.reading() as session:
        return set(imports.application_ids(session))


def test_a_bill_changes_neither_the_ledger_nor_the_store(workspace: Workspace, tmp_path: Path) -> None:
    bring(workspace, write(tmp_path / "good.csv", [line()]))
    before = state(workspace)
    bill = write(tmp_path / "bill.csv", [line(BillingAccountId="other", Tags='{"application":"new"}')])
    path = obstacle(workspace, "bills/bill:aws-other")
    with pytest.raises(StorageError) as error:
        bring(workspace, bill)
    assert error.value.problem == f"{path} cannot be written: Not a directory."
    assert "nothing was imported" in str(error.value.repair)
    assert error.value.exit_code is ExitCode.USAGE
    assert state(workspace) == before
    assert applications(workspace) == {"shop"}
    path.unlink()
    assert bring(workspace, bill).made == ("new",)
    assert {row[0] for row in state(workspace)} == {"bill:aws-other", "bill:aws-payer"}


def test_nothing_is_made_where_an_import_is_refused_later(workspace: Workspace, tmp_path: Path) -> None:
    bring(workspace, write(tmp_path / "good.csv", [line()]))
    bill = write(tmp_path / "bill.csv", [line(BillingAccountId="other", Tags='{"application":"new"}')])
    with pytest.raises(Exception, match="no application 'new'"):
        bring(workspace, bill, create=False)
    folder = workspace.settings.folder / ".lichen" / "ledger" / "documents" / "bills"
    assert [path.name for path in folder.iterdir()] == ["bill:aws-payer"]


def test_what_providers_say_of_their_emissions(workspace: Workspace, tmp_path: Path) -> None:
    good = write_csv(tmp_path / "good.csv", [aws()])
    import_carbon(workspace, [str(good)])
    before = state(workspace)
    assert before
    other = write_csv(tmp_path / "other.csv", [aws(payer_account_id="other")])
    path = obstacle(workspace, "vendor/vendor:aws-other")
    with pytest.raises(StorageError, match=f"{path} cannot be written: Not a directory"):
        import_carbon(workspace, [str(other)])
    assert state(workspace) == before
    path.unlink()
    assert import_carbon(workspace, [str(other)]).rows == len(before)


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_it_is_told_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lang: str) -> None:
    workspace = project(tmp_path)
    bring(workspace, write(tmp_path / "good.csv", [line()]))
    path = obstacle(workspace, "bills/bill:aws-other")
    write(tmp_path / "bill.csv", [line(BillingAccountId="other")])
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli, ["import", "bills", "bill.csv", "--lang", lang])
    assert result.exit_code == 2
    assert f"{path} cannot be written: Not a directory." in result.output
    assert "Traceback" not in result.output
