# SPDX-License-Identifier: Apache-2.0
"""The portfolio as text: one TOML file, or one CSV file a table."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from lichen.service.portfolio_files.reading import GUARD, GUARDED
from lichen.service.portfolio_files.tables import TABLES, Row, Table
from lichen.store.queries.portfolio import Stored

_HEAD: Final[Mapping[str, str]] = {
    "en": "# The portfolio of Lichen. Edit it, then: lichen portfolio import FILE\n"
    "# Rows and keys that are left out stay as they are; an empty text empties a key. docs/portfolio.md explains each key.\n",
    "fr": "# Le portefeuille de Lichen. À modifier, puis : lichen portfolio import FICHIER\n"
    "# Lignes et clés omises restent inchangées ; un texte vide vide une clé. docs/portfolio.md explique chaque clé.\n",
}


def rows_of(stored: Mapping[str, Sequence[Stored]]) -> dict[str, list[Row]]:
    """Rows by table, each with the keys that say something; an id only where two rows are called the same."""
    found: dict[str, list[Row]] = {}
    for name, table in TABLES.items():
        there = stored.get(name, ())
        same = Counter(_key(table, row) for row in there)
        found[name] = []
        for row in there:
            values = {"id": row.row_id} if "id" in table.fields and same[_key(table, row)] > 1 else {}
            values |= {
                key: row.values[key]
                for key, field in table.fields.items()
                if key != "id" and not field.is_unset(row.values[key])
            }
            found[name].append(values)
    return found


def to_toml(rows: Mapping[str, Sequence[Row]], lang: str) -> str:
    """One file, which explains its keys; comments in ``lang``."""
    lines = [_HEAD[lang]]
    for name, table in TABLES.items():
        header = f"[{name}]" if table.is_one else f"[[{name}]]"
        lines += [
            f"# {header} {table.said(lang)}",
            *(f"# {field.name}: {field.said(lang)}" for field in table.fields.values()),
            "",
        ]
        for row in rows.get(name, ()):
            lines.append(header)
            lines += [f"{key} = {_toml(value)}" for key, value in row.items()]
            lines.append("")
    return "\n".join(lines)


def to_csv(rows: Mapping[str, Sequence[Row]]) -> dict[str, str]:
    """One file a table that has rows, by its name: a header, then a line a row; the columns of all rows."""
    found = {}
    for name, table in TABLES.items():
        there = rows.get(name, ())
        if not there:
            continue
        columns = [key for key in table.fields if key != "id" or any("id" in row for row in there)]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")  # RFC 4180
        writer.writerow(columns)
        writer.writerows([_cell(row.get(key)) for key in columns] for row in there)
        found[f"{name}.csv"] = text.getvalue()
    return found


def _key(table: Table, row: Stored) -> tuple[Any, ...]:
    return tuple(row.values[name] for name in table.key)


def _toml(value: Any) -> str:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        plain = _plain(value)
        return plain if Decimal(repr(float(value))) == value else json.dumps(plain)
    if isinstance(value, list):
        return f"[{', '.join(_toml(item) for item in value)}]"
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{json.dumps(key)} = {_toml(item)}' for key, item in value.items())} }}"
    if isinstance(value, str):
        # TOML wants DEL escaped, which JSON leaves as it is.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return json.dumps(value)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return _plain(value)
    if isinstance(value, Mapping):
        return "; ".join(f"{key}={item!r}" for key, item in value.items())
    if isinstance(value, list):
        value = "; ".join(item.replace("\\", "\\\\").replace(";", "\\;") for item in value)
    if not isinstance(value, str):
        return value.isoformat() if isinstance(value, date) else str(value)
    return f"{GUARD}{value}" if value.startswith((*GUARDED, GUARD)) else value


def _plain(amount: Decimal) -> str:
    """Without an exponent and without trailing zeros."""
    text = f"{amount:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
