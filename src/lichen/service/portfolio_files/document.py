# SPDX-License-Identifier: Apache-2.0
"""``docs/portfolio.md``: the keys of the files, made from their declarations."""

from __future__ import annotations

from typing import Final

from lichen.service.portfolio_files.tables import TABLES, Field, Table

_INTRO: Final = """\
# The portfolio as a file

<!-- Made from the declarations in src/lichen/service/portfolio_files/tables.py:
`python -m lichen.service.portfolio_files.document > docs/portfolio.md`. -->

Teams, applications, their parts, journeys and deployments, weights, sources of tiers, budgets of production, targets and
actions live in the store, where the pages show and change them. They can also be kept in a file, so that a team reviews
changes as it reviews code:

```sh
lichen portfolio export portfolio.toml
lichen portfolio import portfolio.toml --dry-run
lichen portfolio import portfolio.toml
```

A first team needs no file: `lichen team add payments` makes one with an example application, three journeys and a target.

- **All or nothing.** A mistake is told with its file, its line and its repair, and nothing is written.
- **Nothing is removed.** Rows that no file names stay, and are counted as *not in the files*. A key that is left out stays
  as it is; an empty text (`""`, an empty cell) empties it.
- **The same again changes nothing**, and what is exported and imported elsewhere is the same there.
- **Every change is in the audit log**, with the name of whoever typed the command.
- Traffic, cost and value come from other sources and are imported by `lichen import`; accounts by `lichen user add`.
  Neither is in these files.

## Two shapes

One TOML file holds all tables: `[organisation]`, which is one, and `[[team]]`, `[[application]]`... for each row. Rows name
each other by their code. An export explains every key in comments, so that exporting an empty store gives a file to start
from.

```toml
[[team]]
code = "payments"
name = "Payments and billing"

[[application]]
code = "portal"
team = "payments"
name = "Loan portal"
criticality = 3
tags = ["loans", "web"]

[[target]]
scope = "organisation"
indicator = "gwp100"
base_year = 2025
horizon_year = 2030
reduction = 0.3
valid_from = 2026-01-01
```

A folder holds one CSV file a table: `team.csv`, `application.csv`... UTF-8, with a first line that names the keys (RFC
4180). Columns may be left out and may stand in any order. Several texts of one cell (`tags`) are parted by `;`, and a `;`
within one is written `\\;`. A path is written `linear`, or `2027=0.12; 2028=0.2`. Files of a French spreadsheet, with `;`
between cells and decimal commas, are read too.

A spreadsheet takes a cell that starts with `=`, `+`, `-` or `@` for a formula. Exports put a `'` before such texts, and
imports take it away: what comes from a stranger's file name or page title does nothing when a colleague opens the export.

A pipeline can tell each deployment so, in one line of a `deployment.csv`: `application,at,version`.

## Which row is meant

Each table has keys that say which row it is; they are marked *key* below. Two weights, budgets, targets or actions that
are called the same are told apart by their `id`, which an export writes only then.

"""

_OUTRO: Final = """\
## What weights, sources, budgets and targets do

Weights order rankings and never enter a total; the unweighted figure always stands beside the weighted rank. The organisation's
target comes first, and its split to applications adds up to it; targets of teams and applications are theirs to set beside it.

For each tier of an application one source counts, so that nothing is counted twice: the one that a `[[tier_source]]` declares,
even in a month in which it says nothing; else the meter, else the bill, else journeys times traffic, whichever is known.

A `[[budget]]` of this file is a limit of production: [an alert](alerts.md) tells when visits that were measured, or the
newest full month, break it. Two that hold on the same day both count; to replace one, give it a `valid_to`, as
`PUT /api/v1/budgets` does by itself. The [`[[budget]]` of lichen.toml](configuration.md#budget) is another thing with the same
name: what `lichen gate` holds the journeys of a pipeline to. It stands in the repository of what it limits and is no part of
a portfolio; neither file takes the other's.
"""


def page() -> str:
    """The whole page."""
    return _INTRO + "\n".join(_section(table) for table in TABLES.values()) + "\n" + _OUTRO


def _section(table: Table) -> str:
    heading = f"## [{table.name}]" if table.is_one else f"## [[{table.name}]]"
    lines = [heading, "", table.en, "", "| key | holds | meaning |", "| --- | --- | --- |"]
    return "\n".join([*lines, *(_line(table, field) for field in table.fields.values()), ""])


def _line(table: Table, field: Field) -> str:
    marks = [word for word, names in (("key", table.key), ("required", table.required)) if field.name in names]
    marked = f" *{', '.join(marks)}*" if marks else ""
    return f"| `{field.name}`{marked} | {field.kind.wanted} | {field.en} |"


if __name__ == "__main__":
    print(page(), end="")  # noqa: T201 - this is what it is for
