# SPDX-License-Identifier: Apache-2.0
"""A scenario from a file, from flags, or from both; and its answer, with the ledger and the portfolio where it asks for them.

What reads these is imported then: a scenario that declares its workload needs neither.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lichen.errors import UsageError
from lichen.service.simulate.pricing import Market
from lichen.service.simulate.reading import load, scenario_of
from lichen.service.simulate.result import Simulation
from lichen.service.simulate.scenario import OwnMachines, Scenario
from lichen.service.simulate.simulating import simulate
from lichen.service.workspace import Workspace

if TYPE_CHECKING:
    from lichen.service.context import ServiceContext
    from lichen.service.simulate.today import Billed

_FLAGS: Final = Path("command line")
"""Where a scenario without a file stands, for messages."""
_MONTH: Final = re.compile(r"\d{4}-(0[1-9]|1[0-2])", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a call asks; None is not said. Flags go before what the file says.

    Attributes:
        scenario: the file. to: places and ways, ``aws:eu-west-3/paas``.
        from_bill, month: an application and a month of its bills, ``2026-10``.
        from_inventory: a table of machines, or an application whose machines the portfolio has; zone: where they stand.
        requests_per_minute, peak: of the workload; cpu_ms: CPU time of a request.
        hourly_rate: money for an hour of work; currency; prices: a table of the user's own.
    """

    scenario: Path | None = None
    to: tuple[str, ...] = ()
    from_bill: str | None = None
    month: str | None = None
    from_inventory: str | None = None
    zone: str | None = None
    requests_per_minute: float | None = None
    peak: float | None = None
    cpu_ms: float | None = None
    hourly_rate: float | None = None
    currency: str | None = None
    prices: Path | None = None


def answer(workspace: Workspace, question: Question, today: date) -> Simulation:
    """What the same workload would cost, emit and take elsewhere.

    Raises:
        UsageError: flags contradict each other, or name what is not known.
        ConfigError: the file says something that is not understood.
        StorageError: a table that it names cannot be read.
    """
    path = question.scenario or _FLAGS
    content = _content(question)
    with _context(workspace, content) as context:
        lookup = None if context is None else lambda code: _machines(context, code)
        scenario = scenario_of(content, path, today, lookup)
        billed = _billed(context, scenario)
        return simulate(workspace, scenario, today, billed)


def _content(question: Question) -> dict[str, Any]:
    """The file's content with the flags in it."""
    content: dict[str, Any] = {} if question.scenario is None else load(question.scenario)
    if question.scenario is None and not question.to:
        raise UsageError(
            "Nothing says where the workload is to go.",
            repair="Add --to aws:eu-west-3/paas, or name a file with --scenario.", culprit="--to",
        )  # fmt: skip
    workload = {
        "requests_per_minute": question.requests_per_minute, "peak_requests_per_minute": question.peak,
        "cpu_ms_per_request": question.cpu_ms,
    }  # fmt: skip
    prices = None if question.prices is None else str(question.prices.absolute())
    money = {"hourly_rate": question.hourly_rate, "currency": question.currency, "prices": prices}
    _merge(content, "workload", workload)
    _merge(content, "money", money)
    _merge(content, "bill", _bill(question))
    _merge(content, "own", _own(question))
    if question.to:
        content["option"] = [*content.get("option", []), *({"to": place} for place in question.to)]
    name = question.from_bill or (question.from_inventory and Path(question.from_inventory).stem)
    if question.scenario is None and name:
        content.setdefault("workload", {})["name"] = name
    return content


def _bill(question: Question) -> dict[str, Any]:
    if (question.from_bill is None) != (question.month is None):
        lacks = "--month" if question.month is None else "--from-bill"
        raise UsageError(
            "A bill is named by its application and its month.",
            repair=f"Add {lacks}: --from-bill shop --month 2026-10.", culprit=lacks,
        )  # fmt: skip
    if question.month is not None and not _MONTH.fullmatch(question.month):
        raise UsageError(f"--month is '{question.month}'.", repair="Write it as 2026-10.", culprit="--month")
    return {"application": question.from_bill, "month": question.month}


def _own(question: Question) -> dict[str, Any]:
    if question.zone is not None and question.from_inventory is None and question.scenario is None:
        raise UsageError(
            "--zone says where machines of an inventory stand.", repair="Add --from-inventory.", culprit="--zone"
        )
    said = question.from_inventory
    is_file = said is not None and (Path(said).exists() or Path(said).suffix != "")
    inventory = str(Path(said).absolute()) if said is not None and is_file else None
    return {"inventory": inventory, "application": None if is_file else said, "zone": question.zone}


def _merge(content: dict[str, Any], table: str, said: Mapping[str, Any]) -> None:
    kept = {key: value for key, value in said.items() if value is not None}
    if kept:
        before = content.get(table, {})
        content[table] = {**before, **kept} if isinstance(before, Mapping) else before


@contextmanager
def _context(workspace: Workspace, content: Mapping[str, Any]) -> Iterator[ServiceContext | None]:
    """The server's data, where the scenario asks for a bill or for machines of the portfolio."""
    own = content.get("own")
    asks = "bill" in content or (isinstance(own, Mapping) and "application" in own)
    if not asks:
        yield None
        return
    from lichen.service.context import open_context

    context = open_context(workspace)
    try:
        yield context
    finally:
        context.store.close()


def _billed(context: ServiceContext | None, scenario: Scenario) -> Billed | None:
    if context is None or scenario.bill is None:
        return None
    from lichen.service.simulate.today import read_billed

    return read_billed(context, scenario.bill, Market.of(scenario))


def _machines(context: ServiceContext, code: str) -> tuple[OwnMachines, ...]:
    from lichen.store.queries import equipment

    with context.store.reading() as session:
        rows = equipment.of_application(session, code)
    if not rows:
        raise UsageError(
            f"The portfolio has no machine of '{code}'.",
            repair="Import them: lichen import inventory FILE.",
            culprit=code,
        )
    return tuple(
        OwnMachines(
            model=row.model, count=row.count, power_w=row.power_w, cpu=row.cpu, memory_gb=row.memory_gb,
            bought_on=row.bought_on, written_off_on=row.written_off_on, zone=row.region,
        )
        for row in rows
    )  # fmt: skip
