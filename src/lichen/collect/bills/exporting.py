# SPDX-License-Identifier: Apache-2.0
"""The lines of a bill as they came, with figures beside them, as Ibis expressions and in constant memory.

A figure is linear in the billed quantity. So it is computed once for one billed unit of each distinct meter, region, month and
load, joined back to the lines, and multiplied there.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import ibis

from lichen.collect.bills.line import METER, ROW
from lichen.collect.bills.lines import UNREADABLE, summed_lines
from lichen.collect.bills.meter import ESTIMATED, Meter, Reason
from lichen.collect.bills.reading import Reader, as_day, cleaned
from lichen.collect.bills.rows import in_period
from lichen.errors import StorageError

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

    from lichen.collect.bills.engine import Engine
    from lichen.collect.bills.pipeline import BillFile
    from lichen.collect.bills.utilisation import Load

Form = Literal["csv", "parquet"]
PREFIX: Final = "x_lichen_"
"""What the columns begin with that are ours, as FOCUS asks of columns that it does not define."""
FIGURES: Final = (
    "energy_kwh", "gwp_use_kgco2e", "gwp_embodied_kgco2e", "gwp_low_kgco2e", "gwp_high_kgco2e", "water_l", "adpe_kgsbe", "pe_mj",
)  # fmt: skip
"""Columns of figures, without `PREFIX`."""
WORDS: Final = ("platform", "family", "coverage", "method", "factors_hash")
"""Columns of texts, without `PREFIX`."""
_OWN: Final = "lichen_"
"""What columns begin with that go again."""
_KEYS: Final = (*METER, "region", "month", "load")


@dataclass(frozen=True, slots=True)
class Asked:
    """One billed unit of what a figure is asked for.

    Attributes:
        region: as the provider writes it.
        month: its first day.
        load: measured share of the capacity in use, as a JSON number; empty where none was measured.
    """

    meter: Meter
    region: str
    month: date
    load: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PerUnit:
    """Figures of one billed unit.

    Attributes:
        words: by `WORDS`, less ``coverage``.
        reason: why there are no figures; empty where there are.
        figures: by `FIGURES`; None where a method has none.
    """

    words: Mapping[str, str]
    reason: str
    figures: Mapping[str, float | None]


def asked_of(engine: Engine, file: BillFile, loads: Sequence[Load], spool: Path) -> list[Asked]:
    """What the lines of a file ask figures for, in one order.

    Raises:
        StorageError: it cannot be read, or an amount or a day in it is none.
    """
    charges = _timed(summed_lines(engine.read(file.opened), file.format), _loads(engine, loads))
    found = charges.group_by(list(_KEYS)).aggregate(unreadable=charges[UNREADABLE].max())
    folder = spool / "asked"
    engine.write(found, folder, about=[file.path])
    rows = [row for batch in engine.arrow(engine.spooled([folder], "lichen_sums")) for row in batch.to_pylist()]
    if any(row["unreadable"] for row in rows):
        raise StorageError(
            f"{file.name} has amounts or days that cannot be read.",
            repair=f"lichen import bills {file.name} --dry-run names the first of them.",
            culprit=file.name,
        )
    asked = [
        Asked(Meter(**{name: row[name] for name in METER}), row["region"], row["month"], row["load"]) for row in rows
    ]
    return sorted(asked, key=lambda one: repr((one.meter, one.region, one.month, one.load)))


def with_figures(
    engine: Engine, file: BillFile, told: Sequence[tuple[Asked, PerUnit]], loads: Sequence[Load]
) -> ir.Table:
    """All lines of a file with the columns that are ours behind theirs; their order may be another one."""
    raw = engine.read(file.opened)
    kept = [name for name in raw.columns if name != ROW and not name.casefold().startswith(PREFIX)]
    reader = Reader(raw, file.format)
    cells = {name: reader.cell(name, "text") for name in (*METER, "region", "resource")}
    day = reader.cell("day", "day")
    cells |= {"day": day, "period": ibis.coalesce(reader.cell("period", "day"), as_day(day.truncate("M")))}
    cells["quantity"] = reader.cell("quantity", "amount").cast("float64")
    lines = raw.select(*kept, **{f"{_OWN}{name}": value for name, value in cells.items()})
    lines = _timed(lines, _loads(engine, loads), _OWN)
    found = engine.table("lichen_figures", _figures(told))
    rows = lines.left_join(found, [lines[f"{_OWN}{name}"] == found[f"{_OWN}of_{name}"] for name in _KEYS])
    billed = rows[f"{_OWN}quantity"]
    reason = rows[f"{PREFIX}coverage"]
    coverage = ibis.ifelse((reason == ESTIMATED) & billed.isnull(), str(Reason.NO_QUANTITY), reason)
    ours: dict[str, ir.Value] = {f"{PREFIX}{name}": rows[f"{PREFIX}{name}"] * billed for name in FIGURES}
    low, high = (ours[f"{PREFIX}gwp_{end}_kgco2e"] for end in ("low", "high"))
    # What is taken back turns its range round.
    ours |= {f"{PREFIX}gwp_low_kgco2e": ibis.least(low, high), f"{PREFIX}gwp_high_kgco2e": ibis.greatest(low, high)}
    ours |= {f"{PREFIX}{name}": rows[f"{PREFIX}{name}"] for name in WORDS} | {f"{PREFIX}coverage": coverage}
    return rows.select(*kept, **ours)


def write_lines(engine: Engine, table: ir.Table, path: Path, form: Form, *, about: str) -> int:
    """Writes a table to a file as a stream: whole, or not at all.

    Args:
        about: the bill, for messages.

    Returns:
        Lines.

    Raises:
        StorageError: the bill cannot be read, or the file cannot be written.
    """
    draft = path.with_name(f".{path.name}.part")
    if form == "csv":
        table = table.mutate(
            **{
                name: cleaned(table[name])
                for name, kind in table.schema().items()
                if kind.is_nested() or kind.is_json()
            }
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        count = _streamed(engine.arrow(table), table, draft, form)
        draft.replace(path)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written: {error.strerror or error}.",
            repair="Give another place with --output.",
            culprit=about,
        ) from error
    finally:
        draft.unlink(missing_ok=True)
    return count


def _streamed(batches: Iterator[pa.RecordBatch], table: ir.Table, draft: Path, form: Form) -> int:
    import pyarrow.csv
    import pyarrow.parquet as pq

    count = 0
    first = next(batches, None)
    schema = first.schema if first is not None else table.schema().to_pyarrow()
    opened: Any = pyarrow.csv.CSVWriter(draft, schema) if form == "csv" else pq.ParquetWriter(draft, schema)
    with opened as writer:
        while first is not None:
            writer.write_batch(first)
            count += first.num_rows
            first = next(batches, None)
    return count


def _timed(lines: ir.Table, loads: ir.Table | None, prefix: str = "") -> ir.Table:
    """Lines with the month that their day counts in, and the load that was measured then: columns ``month`` and ``load``."""
    day = in_period(lines[f"{prefix}day"], lines[f"{prefix}period"])
    lines = lines.mutate(**{f"{prefix}day": day, f"{prefix}month": as_day(day.truncate("M"))})
    if loads is None:
        return lines.mutate(**{f"{prefix}load": ibis.literal("")})
    day = lines[f"{prefix}day"]
    measured = (lines[f"{prefix}resource"] == loads.loaded) & (day >= loads.first_day) & (day <= loads.last_day)
    lines = lines.left_join(loads, measured)
    return lines.mutate(**{f"{prefix}load": lines.loaded_share.fill_null("")}).drop(
        "loaded", "first_day", "last_day", "loaded_share"
    )


def _loads(engine: Engine, loads: Sequence[Load]) -> ir.Table | None:
    import pyarrow as pa

    if not loads:
        return None
    kinds = (
        ("loaded", pa.string()),
        ("first_day", pa.date32()),
        ("last_day", pa.date32()),
        ("loaded_share", pa.string()),
    )
    rows = [
        {"loaded": one.resource, "first_day": one.first, "last_day": one.last, "loaded_share": repr(float(one.cpu))}
        for one in loads
    ]
    return engine.table("lichen_measured", pa.Table.from_pylist(rows, schema=pa.schema(kinds)))


def _figures(told: Sequence[tuple[Asked, PerUnit]]) -> pa.Table:
    import pyarrow as pa

    of = f"{_OWN}of_"
    kinds = {f"{of}{name}": pa.date32() if name == "month" else pa.string() for name in _KEYS}
    kinds |= {f"{PREFIX}{name}": pa.float64() for name in FIGURES} | {f"{PREFIX}{name}": pa.string() for name in WORDS}
    rows = [
        {
            **{f"{of}{name}": getattr(asked.meter, name) for name in METER},
            **{f"{of}{name}": getattr(asked, name) for name in ("region", "month", "load")},
            **{f"{PREFIX}{name}": value for name, value in one.figures.items()},
            **{f"{PREFIX}{name}": text or None for name, text in one.words.items()},
            f"{PREFIX}coverage": one.reason or ESTIMATED,
        }
        for asked, one in told
    ]
    return pa.Table.from_pylist(rows, schema=pa.schema(list(kinds.items())))


def remove_scratch(spool: Path) -> None:
    """Removes what was asked, before the next file."""
    shutil.rmtree(spool / "asked", ignore_errors=True)
