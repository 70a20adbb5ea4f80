# SPDX-License-Identifier: Apache-2.0
"""The distinct keys of charges, understood one by one in Python, as tables that are joined back.

There are some hundred meters in a bill of millions of lines, and as many owners as it has resources.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Protocol

from lichen.collect.bills.line import METER, OWNER
from lichen.collect.bills.meter import Meter, Understood
from lichen.collect.bills.owners import POOL, Shares
from lichen.collect.bills.rows import Understanding
from lichen.records import canonical_json

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

    from lichen.collect.bills.engine import Engine
    from lichen.collect.bills.utilisation import Load

LOAD: Final = "utilisation"
_EVERYWHERE: Final = ("global", "any", "all regions")
"""What bills write for services that stand in no region."""


class Sharing(Protocol):
    """Who shares a line; `lichen.collect.bills.owners.Owners` is one."""

    def of(self, keys: Mapping[str, str]) -> Shares:
        """Applications with their shares, or one pool."""
        ...

    def shares(self, pool: str, paid: Mapping[str, Decimal]) -> Shares:
        """Who shares a pool, given what each application pays itself."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """What distinct keys are asked of.

    Attributes:
        understand: what a meter is.
        owners: whose a line is.
        place_of: key of the catalogue of a provider's region; empty when it is not known.
        source_of: name of the source of rows, from provider and payer.
        units: canonical units of quantities.
        loads: measured loads.
    """

    understand: Callable[[Meter], Understood]
    owners: Sharing
    place_of: Callable[[str, str], str]
    source_of: Callable[[str, str], str]
    units: Mapping[str, str]
    loads: Sequence[Load] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreted:
    """What became of the keys.

    Attributes:
        tables: to be joined back.
        meters: by their numbers.
        pools: whether a charge is of what is shared.
        unknown_regions: as the provider writes them, with the provider.
    """

    tables: Understanding
    meters: Sequence[tuple[Meter, Understood]]
    pools: bool
    unknown_regions: Sequence[tuple[str, str]]


def interpret(engine: Engine, charges: ir.Table, asked: Interpreter) -> Interpreted:
    """Understands the distinct keys of charges.

    Raises:
        StorageError: the engine cannot read the charges.
    """
    meters = [(meter, asked.understand(meter)) for meter in (Meter(**row) for row in _distinct(engine, charges, METER))]
    owners = [(row, asked.owners.of(row)) for row in _distinct(engine, charges, OWNER)]
    places = [(row, asked.place_of(row["provider"], row["region"])) for row in _distinct(engine, charges, _REGION)]
    sources = [(row, asked.source_of(row["provider"], row["payer"])) for row in _distinct(engine, charges, _PAYER)]
    shares = [share for number, (_, of) in enumerate(owners) for share in _spans({"owner": number}, of)]
    return Interpreted(
        tables=Understanding(
            meters=engine.table("lichen_meters", _meters(meters)),
            amounts=engine.table("lichen_amounts", _amounts(meters, asked.units)),
            owners=engine.table("lichen_owners", _numbered([row for row, _ in owners], OWNER, "owner")),
            shares=engine.table("lichen_shares", _table(shares, {"owner": "int32"} | _SHARE)),
            places=engine.table("lichen_places", _found(places, _REGION, "place")),
            sources=engine.table("lichen_sources", _found(sources, _PAYER, "source")),
            loads=engine.table("lichen_loads", _loads(asked.loads)) if asked.loads else None,
        ),
        meters=meters,
        pools=any(share["pool"] for share in shares),
        unknown_regions=[
            (row["provider"], row["region"])
            for row, key in places
            if row["region"] and not key and row["region"].casefold() not in _EVERYWHERE
        ],
    )


def pool_shares(engine: Engine, pools: ir.Table, paid: ir.Table, owners: Sharing) -> ir.Table:
    """Who shares the pools of charges.

    Args:
        pools: as `lichen.collect.bills.rows.pooled` finds them; paid: as `lichen.collect.bills.rows.paid` does.
    """
    own: dict[tuple[date, str], dict[str, Decimal]] = {}
    for row in _rows(engine, paid):
        if row["amount"] is not None:
            own.setdefault((row["month"], row["currency"]), {})[row["application"]] = row["amount"]
    found: list[dict[str, Any]] = []
    for row in _rows(engine, pools):
        of = owners.shares(row["pool"], own.get((row["month"], row["currency"]), {}))
        found += _spans(row, of)
    kinds = {"pool": "string", "month": "date", "currency": "string"} | {k: v for k, v in _SHARE.items() if k != "pool"}
    return engine.table("lichen_pools", _table(found, kinds))


_REGION: Final = ("provider", "region")
_PAYER: Final = ("provider", "payer")
_SHARE: Final = {"application": "string", "pool": "string", "low": "float64", "high": "float64"}


def _distinct(engine: Engine, charges: ir.Table, names: Sequence[str]) -> list[dict[str, Any]]:
    found = list(_rows(engine, charges.select(*names).distinct()))
    # In one order whatever the engine, so that numbers are the same in every run.
    return sorted(found, key=lambda row: tuple(row[name] for name in names))


def _rows(engine: Engine, table: ir.Table) -> Iterator[dict[str, Any]]:
    for batch in engine.arrow(table):
        yield from batch.to_pylist()


def _spans(row: Mapping[str, Any], of: Shares) -> Iterator[dict[str, Any]]:
    """Shares as parts of the whole that follow each other."""
    low = Decimal(0)
    for code, share in of:
        high = low + share
        pool = code if code.startswith(POOL) else ""
        yield {"pool": pool, **row, "application": "" if pool else code, "low": float(low), "high": float(high)}
        low = high


def _meters(meters: Sequence[tuple[Meter, Understood]]) -> pa.Table:
    rows = [
        {
            **{name: getattr(meter, name) for name in METER},
            "family": str(found.family),
            "reason": str(found.reason or ""),
        }
        for meter, found in meters
    ]
    return _numbered(rows, (*METER, "family", "reason"), "number")


def _amounts(meters: Sequence[tuple[Meter, Understood]], units: Mapping[str, str]) -> pa.Table:
    rows = [
        {
            "number": number, "quantity": amount.quantity, "unit": units[amount.quantity], "per_unit": float(amount.per_unit),
            "monthly": amount.monthly, "platform": amount.platform, "method": amount.method,
            "attributes": canonical_json(dict(amount.attributes)).decode(),
            "open": _open({key: value for key, value in amount.attributes.items() if key != LOAD}),
        }
        for number, (_, found) in enumerate(meters)
        for amount in found.amounts
    ]  # fmt: skip
    kinds = dict.fromkeys(("quantity", "unit", "platform", "attributes", "open", "method"), "string")
    return _table(rows, {"number": "int32", "per_unit": "float64", "monthly": "bool"} | kinds)


def _open(attributes: Mapping[str, Any]) -> str:
    """A JSON object that can go on."""
    text = canonical_json(dict(attributes)).decode()[:-1]
    return f"{text}," if attributes else text


def _loads(loads: Sequence[Load]) -> pa.Table:
    rows = [
        {"resource": load.resource, "first": load.first, "last": load.last, "load": canonical_json(load.cpu).decode()}
        for load in loads
    ]
    return _table(rows, {"resource": "string", "first": "date", "last": "date", "load": "string"})


def _found(rows: Sequence[tuple[Mapping[str, Any], str]], names: Sequence[str], found: str) -> pa.Table:
    return _table([{**row, found: text} for row, text in rows], dict.fromkeys((*names, found), "string"))


def _numbered(rows: Sequence[Mapping[str, Any]], names: Sequence[str], number: str) -> pa.Table:
    numbered = [{**row, number: index} for index, row in enumerate(rows)]
    return _table(numbered, dict.fromkeys(names, "string") | {number: "int32"})


def _table(rows: Sequence[Mapping[str, Any]], kinds: Mapping[str, str]) -> pa.Table:
    import pyarrow as pa
    from pyarrow import json as reader

    types = {
        "string": pa.string(), "int32": pa.int32(), "float64": pa.float64(), "bool": pa.bool_(), "date": pa.date32(),
    }  # fmt: skip
    schema = pa.schema([pa.field(name, types[kind]) for name, kind in kinds.items()])
    if not rows:
        return schema.empty_table()
    # By way of JSON: for lists Arrow loads pandas, which takes as long as all of the rest.
    lines = "\n".join(json.dumps({name: row[name] for name in kinds}, default=date.isoformat) for row in rows).encode()
    texts = pa.schema([pa.field(name, pa.string() if kind == "date" else types[kind]) for name, kind in kinds.items()])
    return reader.read_json(
        pa.BufferReader(lines),
        read_options=reader.ReadOptions(block_size=len(lines) + 1),
        parse_options=reader.ParseOptions(explicit_schema=texts),
    ).cast(schema)
