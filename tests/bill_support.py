# SPDX-License-Identifier: Apache-2.0
"""Rows of bills in a ledger, as an import leaves them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

import pyarrow as pa

from lichen.ledger import Slice
from lichen.ledger.tables import schema
from lichen.service.accounts.audit import By, note
from lichen.service.board import figures
from lichen.service.context import ServiceContext

OCTOBER, SEPTEMBER = date(2026, 10, 1), date(2026, 9, 1)
HOUR_S: Final = 3600.0
GB_DAY: Final = 1e9 * 86_400.0


def row(application: str, day: date, quantity: str, value: float, unit: str, **columns: Any) -> dict[str, Any]:
    """A row of a bill in the ledger."""
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    service, resource = columns.get("service", "EC2"), columns.get("resource", "i-1")
    return {
        "source": "bill:aws", "month": f"{day:%Y-%m}", "day": day, "started_at": start, "ended_at": start + timedelta(days=1),
        "run_id": "import", "application": application, "batch": 0, "entity": f"{application}/{service}/{resource}",
        "activity_id": f"{application}{day}{quantity}{sorted(columns.items())}", "quantity": quantity, "value": value,
        "unit": unit,
        "method": "metered", "basis": "total", "tier": "server", "region": "aws:eu-west-3", "service": service,
        "resource": resource, "account": "1", "family": "compute", **columns,
    }  # fmt: skip


def vcpu(application: str, day: date, hours: float, **columns: Any) -> dict[str, Any]:
    """Processor time."""
    return row(application, day, "vcpu_time", hours * HOUR_S, "s", **{"platform": "aws:m5.xlarge"} | columns)


def disk(application: str, day: date, gb_days: float, **columns: Any) -> dict[str, Any]:
    """A disk."""
    told = {"platform": "aws:ebs-gp3", "attributes": '{"replication":2,"storage_class":"ssd"}', "service": "EBS"}
    return row(application, day, "storage_byte_seconds", gb_days * GB_DAY, "B.s", **told | columns)


def cost(
    application: str, day: date, amount: str, coverage: str = "estimated", currency: str = "EUR", **columns: Any
) -> dict[str, Any]:
    """Money."""
    exact = Decimal(amount)
    billed = columns.pop("billed", exact)
    return row(
        application, day, "cost", float(exact), "currency", coverage=coverage, currency=currency, effective_amount=exact,
        billed_amount=billed, amount=exact.quantize(Decimal("0.000001")), **columns,
    )  # fmt: skip


def write(context: ServiceContext, rows: Sequence[dict[str, Any]], first: date = SEPTEMBER) -> None:
    """Puts rows in the place of all bills from a day to the end of October, as an import does."""
    shape = schema("activities")
    columns = {field.name: pa.array([one.get(field.name) for one in rows], field.type) for field in shape}
    table = pa.table(columns, schema=shape)
    chosen = Slice(source="bill:aws", first_day=first, end_day=date(2026, 11, 1))
    context.ledger.replace_rows([chosen], lambda: table.to_batches())
    with context.store.session() as session:
        note(session, By(actor="command:import", at=datetime.now(UTC)), "bills.import", "bills", "", {})
    figures.refresh(context)
