# SPDX-License-Identifier: Apache-2.0
"""An import that writes nothing leaves nothing: no store, no ledger, no folder for them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner, Result
from tests.carbon_support import aws, write_csv
from tests.focus_support import line, write

from lichen.cli.app import root as cli
from lichen.store import open_store
from lichen.store.models import Application

ORDERS: Final = (
    ("import", "bills", "bill.csv", "--create"),
    ("import", "carbon", "carbon.csv"),
    ("import", "cost", "cost.csv", "--create"),
    ("import", "value", "value.csv", "--create"),
    ("import", "inventory", "machines.csv", "--create"),
    ("import", "traffic", "days.csv", "--application", "shop", "--create"),
    ("portfolio", "import", "portfolio.toml"),
)
ELSEWHERE: Final = '[server]\nstore = "sqlite:///own/decisions.db"\nledger = "facts"\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write(tmp_path / "bill.csv", [line()])
    write_csv(tmp_path / "carbon.csv", [aws()])
    for name, text in {
        "cost.csv": "application,period,amount,currency,kind\nshop,2026-10,5,EUR,cloud\n",
        "value.csv": "application,period,amount,currency,kind\nshop,2026-10,5,EUR,sales\n",
        "machines.csv": "application,model,count\nshop,R640,2\n",
        "days.csv": "day,visits,page_views\n2026-10-05,3,9\n",
        "portfolio.toml": '[[application]]\ncode = "shop"\nname = "Shop"\n',
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def dry(*words: str) -> Result:
    return CliRunner().invoke(cli, [*words, "--dry-run"])


def there(folder: Path) -> Iterator[tuple[str, bytes | None]]:
    for path in sorted(folder.rglob("*")):
        yield str(path.relative_to(folder)), path.read_bytes() if path.is_file() else None


@pytest.mark.parametrize("settings", ["", ELSEWHERE], ids=["default places", "named places"])
@pytest.mark.parametrize("words", ORDERS, ids=lambda words: " ".join(words[:2]))
def test_nothing_is_left_of_it(folder: Path, words: tuple[str, ...], settings: str) -> None:
    (folder / "lichen.toml").write_text(settings, encoding="utf-8")
    before = list(there(folder))
    result = dry(*words)
    assert result.exit_code == 0, result.output
    assert list(there(folder)) == before


def test_a_refusal_leaves_nothing_either(folder: Path) -> None:
    (folder / "lichen.toml").write_text('[[bills.owner]]\napplication_tag = "application"\n', encoding="utf-8")
    before = list(there(folder))
    result = dry("import", "bills", "bill.csv")
    assert result.exit_code == 2
    assert "There is no application 'shop'" in result.output
    assert list(there(folder)) == before


def test_a_store_that_is_there_is_asked(folder: Path) -> None:
    with open_store(folder=folder) as store, store.session() as session:
        session.add(Application(code="shop", name="Shop"))
    before = list(there(folder))
    assert dry("import", "cost", "cost.csv").exit_code == 0
    assert list(there(folder)) == before


def test_an_empty_file_where_the_store_belongs_stays_empty(folder: Path) -> None:
    (folder / ".lichen").mkdir()
    (folder / ".lichen" / "lichen.db").touch()
    assert dry("import", "cost", "cost.csv", "--create").exit_code == 0
    assert (folder / ".lichen" / "lichen.db").stat().st_size == 0
    assert [path.name for path in (folder / ".lichen").iterdir()] == ["lichen.db"]


def test_another_thing_where_the_store_belongs_is_still_refused(folder: Path) -> None:
    (folder / ".lichen").mkdir()
    (folder / ".lichen" / "lichen.db").write_text("no database, but something else", encoding="utf-8")
    result = dry("import", "cost", "cost.csv", "--create")
    assert result.exit_code == 2
    assert "is no database" in result.output
