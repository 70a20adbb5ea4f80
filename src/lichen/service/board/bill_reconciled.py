# SPDX-License-Identifier: Apache-2.0
"""Bills of a period beside the figures of their providers, month by month."""

from __future__ import annotations

from lichen.service.bills.differing import Reason
from lichen.service.bills.reconciled import ProviderMonth, months_of
from lichen.service.bills.reconciling import reconcile_between, vendor_sources
from lichen.service.board import periods
from lichen.service.board.bill_facts import bill_sources
from lichen.service.board.reading import Look


def state_of_vendors(look: Look) -> str:
    """Another text whenever providers' figures may be others; empty where none were imported."""
    sources = vendor_sources(look.context)
    return look.context.ledger.state(sources) if sources else ""


def reconciled(look: Look) -> tuple[ProviderMonth, ...]:
    """Each provider and month of the period of which anything was imported; none without a bill or a provider's figures."""
    bills = bill_sources(look)
    if not bills or not vendor_sources(look.context):
        return ()
    first, last = look.span
    held = reconcile_between(look.context, look.method.method_id, bills, (first, periods.moved(last, 1)))
    return months_of(row for row in held.rows if Reason.NO_EXPORT not in row.why)
