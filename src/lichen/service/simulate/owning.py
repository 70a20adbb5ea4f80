# SPDX-License-Identifier: Apache-2.0
"""What machines of one's own take in a month: electricity, the hours of people, and the footprint that still counts."""

from __future__ import annotations

from datetime import date
from typing import Final

from lichen.errors import UsageError
from lichen.portfolio.scenarios import HOURS, Demand, Level, Spread
from lichen.records import Activity, AttributeValue
from lichen.service.power import Watts, estimate
from lichen.service.power_hardware import Question
from lichen.service.simulate.pricing import Market
from lichen.service.simulate.result import BillLine, Note
from lichen.service.simulate.scenario import Own, OwnMachines
from lichen.service.workspace import Workspace

_WATT_PER_KW: Final = 1000.0
_TYPICAL_THREADS: Final = 64
USUAL_LOAD: Final = Spread(0.05, 0.18, 0.4)
"""Load of own servers where nobody says it (NRDC, Data Center Efficiency Assessment, 2014: 12 to 18 %). The ends are assumed."""


def power_w(workspace: Workspace, machine: OwnMachines, load: Spread | None) -> Spread:
    """Power of one machine [W], as stated or as the model of power tells it.

    Raises:
        UsageError: its processor is not known.
    """
    if machine.power_w is not None:
        return Spread.of(machine.power_w)
    busy = load or USUAL_LOAD
    found = [_watts(workspace, machine, share) for share in (busy.low, busy.value, busy.high)]
    return Spread(found[0].low, found[1].value, found[2].high)


def _watts(workspace: Workspace, machine: OwnMachines, load: float) -> Watts:
    """Power at a load; a machine of which nothing is known is a typical server, and never the one that this runs on."""
    question = Question(cpu=machine.cpu, memory_gb=machine.memory_gb, load=load)
    if not question.names_server:
        question = Question(threads=_TYPICAL_THREADS, load=load)
    try:
        return estimate(workspace, question).power
    except UsageError as error:
        raise unknown_machine(machine, error) from error


def unknown_machine(machine: OwnMachines, error: UsageError) -> UsageError:
    """That nothing can be told of a machine from its processor's name."""
    return UsageError(
        f"Of the machine '{machine.model}': {error.problem}",
        repair="State its power_w, or write its cpu as lichen power knows it.", culprit=machine.model,
    )  # fmt: skip


def energy_it_kwh(workspace: Workspace, own: Own) -> list[tuple[OwnMachines, Spread]]:
    """Electricity of each line of machines in a month, at their plugs [kWh]."""
    return [(one, power_w(workspace, one, own.load).times(one.count * HOURS / _WATT_PER_KW)) for one in own.machines]


def facility_pue(workspace: Workspace, own: Own) -> Spread:
    """Facility energy over IT energy of the room: as stated, else what is usual."""
    if own.pue is not None:
        return own.pue
    factor = workspace.lookup("facility.pue", None)
    return Spread(factor.low, factor.value, factor.high)


def own_bill(workspace: Workspace, own: Own, market: Market) -> tuple[BillLine, ...]:
    """Electricity, the room's part in it, and capital where it is declared: written-off machines cost none."""
    energy = [spread for _, spread in energy_it_kwh(workspace, own)]
    pue = facility_pue(workspace, own)
    drawn = Spread(
        sum(one.low for one in energy) * pue.low,
        sum(one.value for one in energy) * pue.value,
        sum(one.high for one in energy) * pue.high,
    )
    found = [_electricity(own, market, drawn)]
    if own.capital is not None:
        found.append(
            BillLine(
                role="capital",
                key="",
                quantity=1.0,
                unit="month",
                count=0,
                money=own.capital,
                price=own.capital.value,
                price_currency=market.currency,
                status="own",
                source="",
            )
        )
    return tuple(found)


def _electricity(own: Own, market: Market, drawn: Spread) -> BillLine:
    if own.electricity is not None:
        price, currency, status, source, since = own.electricity, market.currency, "own", "", None
    else:
        told = market.price("electricity", "owned", "")
        if told is None:
            raise UsageError(
                "No price of electricity is known.", repair="Give own.electricity_per_kwh.", culprit="electricity"
            )
        price = Spread(float(told.low), float(told.price), float(told.high))
        currency, status, source, since = told.currency, str(told.status), told.source, told.valid_from
    rate = market.rate(currency)
    money = Spread(
        drawn.low * price.low * rate.low, drawn.value * price.value * rate.value, drawn.high * price.high * rate.high
    )
    return BillLine(
        role="electricity", key="", quantity=drawn.value, unit="kWh", count=sum(one.count for one in own.machines),
        money=money, price=price.value, price_currency=currency, status=status, source=source, valid_from=since,
    )  # fmt: skip


def own_activities(workspace: Workspace, own: Own, demand: Demand, level: Level, as_of: date) -> list[Activity]:
    """Activities of a month. What making a machine emitted counts until it is written off, by busy CPU time, and not after."""
    energy = energy_it_kwh(workspace, own)
    pue = own.pue
    share = sum(one.count for one in own.machines)
    found = []
    for number, (machine, kwh) in enumerate(energy):
        entity = f"own.{number}"
        at = kwh.at(level) * (1.0 if pue is None else pue.at(level))
        common: dict[str, AttributeValue] = {"tier": "server", "basis": "total", "zone": machine.zone or own.zone}
        boundary = "it" if pue is None else "facility"
        found.append(
            Activity(
                entity=entity,
                quantity="energy",
                value=at,
                unit="kWh",
                method="modelled",
                attributes={**common, "boundary": boundary},
            )
        )
        if not written_off(machine, as_of) and demand.cpu_s:
            found.append(
                Activity(
                    entity=entity,
                    quantity="cpu_time",
                    value=demand.cpu_s * machine.count / share,
                    unit="s",
                    method="modelled",
                    attributes=common,
                )
            )
    return found


def written_off(machine: OwnMachines, as_of: date) -> bool:
    """Whether a machine costs no capital any more."""
    return machine.written_off_on is not None and machine.written_off_on <= as_of


def own_notes(own: Own, demand: Demand, as_of: date) -> list[Note]:
    """What has to be told of machines of one's own."""
    found = []
    old = [one for one in own.machines if written_off(one, as_of)]
    if old:
        found.append(Note(code="written_off", facts={"count": sum(one.count for one in old)}))
    young = [one for one in own.machines if not written_off(one, as_of)]
    if young and own.capital is None:
        found.append(Note(code="capital_unknown", facts={"count": sum(one.count for one in young)}))
    if young and not demand.cpu_s:
        found.append(Note(code="making_unknown", facts={"count": sum(one.count for one in young)}))
    if any(one.power_w is None for one in own.machines):
        busy = (own.load or USUAL_LOAD).value
        found.append(Note(code="power_modelled", facts={"load": busy}))
    if own.pue is None:
        found.append(Note(code="pue_usual"))
    found.append(Note(code="own_rest"))
    return found
