# SPDX-License-Identifier: Apache-2.0
"""The tables of the ledger: each column with its unit, and how a run becomes rows.

Names carry the units: metadata of Arrow fields is lost by half of the engines that read these tables.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING, Any, Final, Literal

from lichen.errors import ActivityError
from lichen.ledger import runfile
from lichen.records import ID_SHOWN, Activity, AttributeValue, canonical_json, digest

if TYPE_CHECKING:
    import pyarrow as pa

VERSION: Final = 3
"""Of the columns below. One more whenever a column is added; older tables get it, empty, when they are opened."""

SUMMED: Final = (38, 15)
"""Digits, and digits behind the point, of the DECIMAL that values are summed in: sums of floats differ from run to run."""

RUNS_SOURCE: Final = "runs"
"""Source of the rows that come from run files; they are never replaced."""

Kind = Literal["text", "number", "integer", "moment", "day", "numbers", "texts", "money", "exact", "flag"]
TableName = Literal["activities", "runs"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column.

    Attributes:
        unit: of its values; empty where they have none, ``unit`` where another column says it.
        about: what it holds, for ``docs/ledger.md``.
    """

    name: str
    kind: Kind
    about: str
    unit: str = ""


PARTITIONS: Final = ("source", "month")
"""Columns that both tables are partitioned by."""

_WHEN: Final = (
    Column("source", "text", "where the row comes from: `runs`, or the name of an import"),
    Column("month", "text", "month of `started_at`, `YYYY-MM`", "month"),
    Column("day", "day", "day of `started_at`, UTC", "day"),
    Column("started_at", "moment", "begin of what the row tells, UTC", "µs since 1970"),
    Column("ended_at", "moment", "end of it, UTC", "µs since 1970"),
)
_WHENCE: Final = (
    Column("run_id", "text", "SHA-256 of the run's canonical content, or of an import"),
    Column("application", "text", "first segment of `entity`"),
    Column("host_id", "text", "machine that measured; null where none did"),
    Column("artefact_sha256", "text", "file that proves the row, `evidence/XX/HASH`"),
    Column("batch", "integer", "commit that wrote the row: one more for each"),
)

ACTIVITIES: Final = (
    *_WHEN,
    *_WHENCE,
    Column("activity_id", "text", "hash of the row as the run file holds it"),
    Column("entity", "text", "`app/part/journey/step`, or any other path"),
    Column("part", "text", "second segment of an entity of four; null for any other"),
    Column("journey", "text", "third segment of an entity of four; null for any other"),
    Column("step", "text", "fourth segment of an entity of four; null for any other"),
    Column("quantity", "text", "name from the nomenclature"),
    Column("value", "number", "mean over the kept samples; null is unknown, zero is a measurement", "unit"),
    Column("unit", "text", "unit of `value` and `samples`: the canonical one of the quantity"),
    Column("samples", "numbers", "value in each repetition; empty where there is one value only", "unit"),
    Column("method", "text", "`measured`, `metered`, `allocated`, `modelled` or `proxy`"),
    Column("basis", "text", "`per_unit` of a functional unit, or `total` of the time from start to end"),
    Column("functional_unit", "text", "what one unit is, such as a visit"),
    Column("tier", "text", "`device`, `network` or `server`"),
    Column("boundary", "text", "of energy: `device`, `network`, `it` or `facility`"),
    Column("zone", "text", "country (ISO 3166) or grid zone"),
    Column("region", "text", "cloud region, such as `aws:eu-west-3`"),
    Column("platform", "text", "key in the catalogue of machines"),
    Column("device", "text", "visitors' device"),
    Column("network", "text", "visitors' network"),
    Column("attributes", "text", "the remaining attributes, as a JSON object"),
    Column("amount", "money", "exact amount of `cost` and `value`, of which `value` is the nearest float", "currency"),
    Column("currency", "text", "ISO 4217 code; null for what is no money"),
    Column("tags", "text", "what else is told of the row, as a JSON object: kind of cost, owner, name of the import"),
    Column("service", "text", "service of the provider, as its bill names it"),
    Column("account", "text", "account, subscription or project that used it, as the bill names it"),
    Column("resource", "text", "identifier of the resource, as the bill names it"),
    Column("family", "text", "kind of thing that is rented: `compute`, `storage`, `network`..."),
    Column("coverage", "text", "of the cost of a bill: `estimated`, or the reason why there is no physical quantity"),
    Column("effective_amount", "exact", "cost of a bill with commitments spread over their use, exact", "currency"),
    Column("billed_amount", "exact", "what its invoice charges, exact", "currency"),
    Column("list_amount", "exact", "cost at list prices, exact; null where the bill does not tell", "currency"),
)

RUNS: Final = (
    *_WHEN,
    *_WHENCE,
    Column("project", "text", "name of the project, as the run file has it"),
    Column("journeys", "texts", "names of the journeys or commands"),
    Column("functional_unit", "text", "what one passage stands for, such as a visit"),
    Column("samples", "integer", "repetitions counted, all journeys together", "1"),
    Column("activities", "integer", "rows of the run in `activities`", "1"),
    Column("browser", "text", "version of the browser; null where none ran"),
    Column("method", "text", "method in force when it was measured"),
    Column("factors_hash", "text", "hash of the factors in force then"),
    Column("lichen_version", "text", "version that measured"),
)

COLUMNS: Final[Mapping[TableName, Sequence[Column]]] = {"activities": ACTIVITIES, "runs": RUNS}
"""Columns of each table."""

_OWN: Final = ("basis", "functional_unit", "tier", "boundary", "zone", "region", "platform", "device", "network")
"""Attributes of an activity that have a column of their own."""
_OF_A_BILL: Final = (
    "service", "account", "resource", "family", "coverage", "effective_amount", "billed_amount", "list_amount",
)  # fmt: skip
"""Columns that rows of bills alone fill."""
_ROW: Final = frozenset({"entity", "quantity", "value", "unit", "method", "samples", "currency", "tags"})


def schema_of(columns: Iterable[Column]) -> pa.Schema:
    """The Arrow schema of columns."""
    import pyarrow as pa

    types: Mapping[Kind, pa.DataType] = {
        "text": pa.string(), "number": pa.float64(), "integer": pa.int64(), "moment": pa.timestamp("us", "UTC"),
        "day": pa.date32(), "numbers": pa.list_(pa.float64()), "texts": pa.list_(pa.string()),
        "money": pa.decimal128(26, 6), "exact": pa.decimal128(*SUMMED), "flag": pa.bool_(),
    }  # fmt: skip
    return pa.schema([pa.field(column.name, types[column.kind]) for column in columns])


@cache
def schema(table: TableName) -> pa.Schema:
    """The Arrow schema of a table."""
    return schema_of(COLUMNS[table])


def row_columns(table: TableName) -> pa.Schema:
    """The columns of a table's files: all but those of `PARTITIONS`, which are told by the folders that they lie in."""
    import pyarrow as pa

    return pa.schema([field for field in schema(table) if field.name not in PARTITIONS])


@dataclass(frozen=True, slots=True)
class RunContent:
    """A run to append.

    Attributes:
        run_id: hash of its content.
        content: of the run file, as ``docs/run-file.md`` describes it.
        packed: the file as it came, kept as evidence; made from the content when None.
    """

    run_id: str
    content: Mapping[str, Any]
    packed: bytes | None = field(default=None, repr=False)

    @classmethod
    def of(cls, content: Mapping[str, Any], packed: bytes | None = None) -> RunContent:
        """The run of a content that was verified (`lichen.ledger.runfile.read_document` does it)."""
        return cls(runfile.run_id(content), content, packed)

    @property
    def application(self) -> str:
        """First segment of its entities; the project where it has no rows."""
        rows = self.content["activities"]
        return str(rows[0].get("entity", "") if rows else self.content["project"]).split("/")[0]

    @property
    def started_on(self) -> date:
        """Day that it is filed under, UTC; ActivityError when its start is no time."""
        return _window(self.content, f"The run {self.run_id[:ID_SHOWN]}")[0].date()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """A row that an import appends or replaces: an activity with its time and its proof.

    Attributes:
        run_id: identity of the import.
        started_at, ended_at: with a time zone.
        artefact_sha256: evidence that it was read from; None where there is none.
        amount: of money, exact to six decimals; None for any other quantity.
        tags: what else is told of it.
        billed: columns that rows of bills alone fill.
    """

    activity: Activity
    run_id: str
    started_at: datetime
    ended_at: datetime
    artefact_sha256: str | None = None
    amount: Decimal | None = None
    tags: Mapping[str, AttributeValue] = field(default_factory=dict)
    billed: Mapping[str, Any] = field(default_factory=dict)


def run_row(run: RunContent, artefact_sha256: str, batch: int) -> dict[str, Any]:
    """The row of a run in ``runs``."""
    content = run.content
    return {
        **_when(RUNS_SOURCE, *_window(content, run.run_id)),
        "run_id": run.run_id,
        "application": run.application,
        "host_id": _text(content["host"].get("host_id")),
        "artefact_sha256": artefact_sha256,
        "batch": batch,
        "project": content["project"],
        "journeys": [journey["name"] for journey in content["journeys"]],
        "functional_unit": _text(content["context"].get("functional_unit")),
        "samples": sum(journey["sampling"]["taken"] for journey in content["journeys"]),
        "activities": len(content["activities"]),
        "browser": _text(content["browser"].get("version")),
        "method": content["method"]["id"],
        "factors_hash": _text(content["method"].get("factors_hash")),
        "lichen_version": content["lichen_version"],
    }


def activity_rows(run: RunContent, artefact_sha256: str, batch: int) -> list[dict[str, Any]]:
    """The rows of a run in ``activities``.

    Raises:
        ActivityError: a row of it is none: the entity or the quantity lacks, a value is no number.
    """
    shared = {
        "run_id": run.run_id,
        "host_id": _text(run.content["host"].get("host_id")),
        "artefact_sha256": artefact_sha256,
        "batch": batch,
    }
    when = _when(RUNS_SOURCE, *_window(run.content, run.run_id))
    rows = []
    for index, row in enumerate(run.content["activities"]):
        name = f"activities[{index}] of the run {run.run_id[:ID_SHOWN]}"
        own = when
        if "started_at" in row or "ended_at" in row:
            merged = {key: row.get(key) or run.content[key] for key in ("started_at", "ended_at")}
            own = _when(RUNS_SOURCE, *_window(merged, name))
        rows.append({**own, **shared, **_facts(row, name)})
    return rows


def fact_rows(source: str, facts: Iterable[Fact], batch: int) -> list[dict[str, Any]]:
    """The rows of an import in ``activities``."""
    return [
        {
            **_when(source, _aware(fact.started_at, fact.run_id), _aware(fact.ended_at, fact.run_id)),
            "run_id": fact.run_id,
            "host_id": None,
            "artefact_sha256": fact.artefact_sha256,
            "batch": batch,
            **_facts(fact.activity.to_json() | _tagged(fact.tags), f"{fact.activity.entity} {fact.activity.quantity}"),
            "amount": fact.amount,
            **fact.billed,
        }
        for fact in facts
    ]


def fact_batches(source: str, facts: Iterable[Fact]) -> list[pa.RecordBatch]:
    """The same as Arrow, for `Ledger.replace_rows`."""
    import pyarrow as pa

    table: pa.Table = pa.Table.from_pylist(fact_rows(source, facts, 0), schema=schema("activities"))
    return list(table.to_batches())


def activity_json(row: Mapping[str, Any]) -> dict[str, Any]:
    """The activity of a row of ``activities``, as the run file holds it and `lichen evaluate` reads it."""
    found: dict[str, Any] = {name: row[name] for name in ("entity", "quantity", "value", "unit", "method")}
    if row["samples"]:
        found["samples"] = row["samples"]
    found |= {name: row[name] for name in _OWN if row[name] is not None}
    if row["currency"] is not None:
        found["currency"] = row["currency"]
    if row["attributes"]:
        found |= json.loads(row["attributes"])
    return found | _tagged(json.loads(row["tags"]) if row["tags"] else {})


def _tagged(tags: Mapping[str, Any]) -> dict[str, Any]:
    return {"tags": dict(tags)} if tags else {}


def _facts(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    entity, quantity = row.get("entity"), row.get("quantity")
    if not isinstance(entity, str) or not entity or not isinstance(quantity, str) or not quantity:
        raise _refused(name, "has no entity or no quantity")
    samples = row.get("samples") or ()
    if not isinstance(samples, list | tuple):
        raise _refused(name, "has samples that are no list")
    segments: Sequence[str | None] = entity.split("/")
    of_four = [segment or None for segment in segments[1:]] if len(segments) == 4 else [None] * 3
    own = {key: row[key] for key in _OWN if isinstance(row.get(key), str)}
    rest = {key: value for key, value in row.items() if key not in _ROW and key not in own and value is not None}
    return {
        "application": segments[0],
        **dict(zip(("part", "journey", "step"), of_four, strict=True)),
        "activity_id": digest({key: value for key, value in row.items() if value is not None or key == "value"}, 16),
        "entity": entity,
        "quantity": quantity,
        "value": _number(row.get("value"), name),
        "unit": _text(row.get("unit")),
        "samples": [_number(value, name) for value in samples],
        "method": _text(row.get("method")) or "measured",
        **dict.fromkeys(_OWN),
        **own,
        "attributes": canonical_json(rest).decode() if rest else None,
        "amount": None,
        "currency": _text(row.get("currency")),
        "tags": canonical_json(tags).decode() if (tags := row.get("tags")) else None,
        **dict.fromkeys(_OF_A_BILL),
    }


def _number(value: object, name: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _refused(name, "has a value that is no number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _refused(name, "has a value that is not finite")
    return number


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _window(content: Mapping[str, Any], name: str) -> tuple[datetime, datetime]:
    try:
        start, end = (datetime.fromisoformat(content[key]) for key in ("started_at", "ended_at"))
    except (TypeError, ValueError) as error:
        raise _refused(name, "has a start or an end that is no time") from error
    return _aware(start, name), _aware(end, name)


def _aware(moment: datetime, name: str) -> datetime:
    if moment.tzinfo is None:
        raise _refused(name, "has a time without a time zone")
    try:
        return moment.astimezone(UTC)
    except OverflowError as error:
        raise _refused(name, "has a time that no calendar holds") from error


def _when(source: str, started_at: datetime, ended_at: datetime) -> dict[str, Any]:
    return {
        "source": source,
        "month": month_of(started_at.date()),
        "day": started_at.date(),
        "started_at": started_at,
        "ended_at": ended_at,
    }


def month_of(day: date) -> str:
    """The month that a day is filed under, ``YYYY-MM``."""
    return f"{day.year:04d}-{day.month:02d}"


def _refused(name: str, what: str) -> ActivityError:
    return ActivityError(f"{name} {what}.", repair="Measure again, or repair what wrote it.", culprit=name)
