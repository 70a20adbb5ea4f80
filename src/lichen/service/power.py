# SPDX-License-Identifier: Apache-2.0
"""Watts of a machine at a load, without a meter: hardware by name or number, factors, formulas, and the range of the result."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final

from lichen.collect.machine.host import describe_host
from lichen.factors.store import FactorStore
from lichen.model import power
from lichen.model.server_model import ANCHORS, BUILD_FIELDS, FITTED, TENTHS, Server, ServerModel, error_at
from lichen.records import Factor
from lichen.service.power_hardware import Hardware, Note, Question, accelerator, check, resolve
from lichen.service.workspace import Workspace
from lichen.units import BYTE_PER_GIB

TYPICAL_LOAD: Final = 0.5
"""Load of an answer when none is asked for; the whole curve goes with it."""
LOADS: Final = tuple(tenth / (len(TENTHS) + 1) for tenth in range(len(TENTHS) + 2))
NEW_ERA: Final = 2015
"""First year of the servers that the newer coefficients describe."""
_SPREAD: Final = "server_power.spread"


@dataclass(frozen=True, slots=True)
class Watts:
    """A power with its 90 % range [W]."""

    value: float
    low: float
    high: float

    def to_json(self) -> dict[str, float]:
        """As the public JSON has it."""
        return {"power_w": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """Watts of a machine, or of a guest's share of it, accelerators included.

    Attributes:
        load: for which ``power`` holds; ``curve``: load and power from 0 to 1.
        basis: what the estimate rests on: ``full``, known properties joined by ``+``, ``family``, ``nothing``, ``accelerator``.
        host: the whole machine at the load, ``marginal``: what the guest's load adds to it; None unless a share is asked for.
        accelerators: their part of ``power``; None without any.
        server: the hardware that was computed with, what is typical filled in; None for accelerators alone.
        fitted_years: of the servers on which the coefficients rest.
        inside: whether the machine lies within the fitted ones.
        factors: rows that were used.
    """

    load: float
    power: Watts
    idle: Watts
    max: Watts
    curve: tuple[tuple[float, Watts], ...]
    basis: str
    label: str | None
    own_threads: float | None
    host: Watts | None
    marginal: Watts | None
    accelerators: Watts | None
    server: Server | None
    fitted_years: tuple[int, int] | None
    inside: bool
    notes: tuple[Note, ...]
    factors: tuple[Factor, ...]

    def to_json(self) -> dict[str, Any]:
        """The public JSON, without sentences: those depend on the language."""
        whole = self.server
        return {
            **self.power.to_json(),
            "basis": self.basis,
            "load": self.load,
            "idle_w": self.idle.value,
            "max_w": self.max.value,
            "idle": self.idle.to_json(),
            "max": self.max.to_json(),
            "curve": [{"load": load, **watts.to_json()} for load, watts in self.curve],
            "host": None if self.host is None else self.host.to_json(),
            "marginal": None if self.marginal is None else self.marginal.to_json(),
            "accelerators": None if self.accelerators is None else self.accelerators.to_json(),
            "hardware": None
            if whole is None
            else {
                "name": self.label,
                "tdp_w": float(whole.tdp_w),
                "threads": float(whole.threads),
                "memory_gb": float(whole.memory_gb),
                "year": float(whole.year),
                "vcpus": self.own_threads,
            },
            "validity": {"fitted_years": self.fitted_years, "inside": self.inside},
            "factors": sorted({factor.key for factor in self.factors}),
        }


class _Factors:
    """Factor rows of the year in question, remembered as they are used."""

    def __init__(self, store: FactorStore, year: float | None) -> None:
        self._store = store
        self._on = None if year is None else date(int(year), 7, 1)
        self.used: dict[str, Factor] = {}

    def row(self, factor_id: str) -> Factor:
        """The row of a factor."""
        factor = self._store.lookup(factor_id, on=self._on)
        self.used[factor.key] = factor
        return factor

    def model(self) -> ServerModel:
        """The server model with the coefficients of the year's era."""
        return ServerModel({name: self.row(f"server_power.{name}").value for name in BUILD_FIELDS})


def estimate(workspace: Workspace, question: Question) -> Answer:
    """Watts at the wall of the asked machine; of this one when the question names none.

    Raises:
        UsageError: something in the question cannot be, or names hardware that is not known.
        FactorError: the factors of the model lack.
    """
    check(question)
    cards = _accelerators(workspace, question)
    if cards is not None and not question.names_server and question.vcpus is None:
        return _cards_alone(workspace, question, cards)
    asked = question if question.names_server else this_machine(question)
    hardware = resolve(asked, strict=question.names_server)
    return _of_server(workspace, asked, hardware, cards)


def this_machine(question: Question) -> Question:
    """The question with the processor of this machine; in a virtual machine the share of its virtual processors.

    Memory is in the gigabytes of its modules, of 2^30 bytes, as in the results that the model is fitted to.
    """
    host = describe_host()
    cpu = host["cpu_model"] or "unknown"
    if host["virtualised"]:
        return replace(question, cpu=cpu, vcpus=question.vcpus or host["cpu_count_machine"])
    return replace(question, cpu=cpu, threads=host["cpu_count_machine"], memory_gb=host["memory_bytes"] / BYTE_PER_GIB)


Power = Callable[[float], Watts]


def _of_server(workspace: Workspace, question: Question, hardware: Hardware, cards: Power | None) -> Answer:
    factors = _Factors(workspace.factors, hardware.known.year)
    model = factors.model()
    server, notes, outside = _within(model, _host(factors, hardware, model))
    basis, row = _basis(hardware)
    extra = [
        factors.row(f"{_SPREAD}.{name}") for name, applies in (("outside", outside), ("arm", hardware.arm)) if applies
    ]
    errors = [factors.row(f"{_SPREAD}.{row}.load_{anchor}") for anchor in ANCHORS]
    whole = model.complete(server)

    def machine(load: float) -> Watts:
        value = float(model.power_w(server, load))
        low = error_at(load, [factor.low for factor in errors])
        high = error_at(load, [factor.high for factor in errors])
        narrow, wide = (_combined(logs) for logs in zip(*_log_bounds(low, high, extra), strict=True))
        return Watts(value, value * math.exp(-narrow), value * math.exp(wide))

    def own(load: float) -> Watts:
        watts, idle = machine(load), machine(0.0)
        watts = replace(watts, high=max(watts.high, idle.high))
        share = watts if hardware.own_threads is None else _map(watts, lambda w: _share_w(w, hardware, whole))
        return share if cards is None else _sum(share, cards(load))

    load = TYPICAL_LOAD if question.load is None else question.load
    years = (int(model.value["fitted.year_min"]), int(model.value["fitted.year_max"]))
    guest = hardware.own_threads is not None
    notes = (*hardware.notes, *notes, *_era_notes(hardware, years), *((Note("arm"),) if hardware.arm else ()))
    marginal = _marginal(factors, model, server, hardware, load, machine(load)) if guest else None
    return Answer(
        load=load,
        power=own(load),
        idle=own(0.0),
        max=own(1.0),
        curve=tuple((step, own(step)) for step in LOADS),
        basis=basis,
        label=hardware.label,
        own_threads=hardware.own_threads,
        host=machine(load) if guest else None,
        marginal=marginal,
        accelerators=None if cards is None else cards(load),
        server=whole,
        fitted_years=years,
        inside=not outside and not hardware.arm,
        notes=(*notes, *((Note("assumed_load"),) if question.load is None else ())),
        factors=tuple(factors.used.values()),
    )


def _host(factors: _Factors, hardware: Hardware, model: ServerModel) -> Server:
    """A host of virtual machines has the memory that its guests rent, not that of a machine on a test bench."""
    server = hardware.used
    if hardware.own_threads is None or server.memory_gb is not None:
        return server
    threads = model.complete(server).threads
    return replace(server, memory_gb=factors.row("server_power.host_memory_per_thread").value * threads)


def _within(model: ServerModel, server: Server) -> tuple[Server, tuple[Note, ...], bool]:
    """The server with its year brought into the fitted ones, and what lies outside of them."""
    whole = model.complete(server)
    values = {"tdp": whole.tdp_w, "threads": whole.threads, "memory": whole.memory_gb, "year": whole.year}
    notes = []
    for name in FITTED:
        low, high = model.value[f"fitted.{name}_min"], model.value[f"fitted.{name}_max"]
        if not low <= values[name] <= high:
            notes.append(
                Note(f"outside_{name}", {"value": f"{values[name]:g}", "low": f"{low:g}", "high": f"{high:g}"})
            )
    if server.year is not None:
        low, high = model.value["fitted.year_min"], model.value["fitted.year_max"]
        server = replace(server, year=min(max(server.year, low), high))
    return server, tuple(notes), bool(notes)


def _basis(hardware: Hardware) -> tuple[str, str]:
    """What the estimate rests on, for people, and the row that holds its error."""
    known = hardware.known
    if hardware.family is not None:
        if hardware.own_threads is None:
            return ("family" if hardware.family.vendor else "nothing"), "nothing"
        return ("family", "family") if hardware.family.vendor else ("nothing", "hidden")
    said = {
        "tdp": known.tdp_w, "threads": known.threads, "memory": known.memory_gb, "year": known.year, "vendor": known.amd_share,
    }  # fmt: skip
    names = [name for name, value in said.items() if value is not None]
    sized = {"tdp", "threads"} & set(names)
    row = "hidden" if not sized and hardware.own_threads is not None else known.basis
    label = "full" if len(names) == len(said) else "+".join(names) if sized else "nothing"
    return label, row


def _era_notes(hardware: Hardware, years: tuple[int, int]) -> tuple[Note, ...]:
    first, last = years
    if hardware.known.year is None:
        return (Note("no_year", {"first": first, "last": last}),)
    return (Note("old", {"first": first, "last": last}),) if last < NEW_ERA else ()


def _log_bounds(low: float, high: float, extra: Iterable[Factor]) -> list[tuple[float, float]]:
    pairs = [(low, high), *((factor.low, factor.high) for factor in extra)]
    return [(-math.log(below), math.log(above)) for below, above in pairs]


def _combined(logs: Iterable[float]) -> float:
    """Independent errors add in quadrature, as logarithms."""
    return math.hypot(*logs)


def _share_w(power_w: float, hardware: Hardware, whole: Server) -> float:
    return float(power.of_threads_w(power_w, float(hardware.own_threads or 0.0), float(whole.threads)))


def _marginal(
    factors: _Factors, model: ServerModel, server: Server, hardware: Hardware, load: float, host: Watts
) -> Watts:
    """What the guest's load adds; its error is that of the host's power and that of the slope, in quadrature."""
    slope = factors.row("server_power.marginal_slope")
    span_w = float(model.max_w(server) - model.idle_w(server))
    threads = float(model.complete(server).threads)
    value = float(power.marginal_w(load, span_w, slope.value, float(hardware.own_threads or 0.0), threads))
    narrow = math.hypot(math.log(host.value / host.low), math.log(slope.value / slope.low))
    wide = math.hypot(math.log(host.high / host.value), math.log(slope.high / slope.value))
    return Watts(value, value * math.exp(-narrow), value * math.exp(wide))


def _map(watts: Watts, function: Callable[[float], float]) -> Watts:
    return Watts(function(watts.value), function(watts.low), function(watts.high))


def _sum(some: Watts, more: Watts) -> Watts:
    """Bounds are added as they are: whatever makes one estimate wrong may make the other wrong alike."""
    return Watts(some.value + more.value, some.low + more.low, some.high + more.high)


def _accelerators(workspace: Workspace, question: Question) -> Power | None:
    """Power of all cards by load; ``gpu_load`` holds for every load of the machine when it is given."""
    if not question.names_accelerator:
        return None
    card = accelerator(question)
    tdp_w = (question.gpu_tdp_w or 0.0) if card is None else card.tdp_w
    idle, full = (workspace.lookup(f"accelerator.{name}", None) for name in ("idle_ratio", "full_ratio"))
    count = question.gpus or 1

    def at(load: float) -> Watts:
        busy = load if question.gpu_load is None else question.gpu_load
        value, low, high = (
            count * power.accelerator_w(tdp_w, busy, getattr(idle, bound), getattr(full, bound))
            for bound in ("value", "low", "high")
        )
        return Watts(value, low, high)

    return at


def _cards_alone(workspace: Workspace, question: Question, cards: Power) -> Answer:
    load = TYPICAL_LOAD if question.load is None else question.load
    card = accelerator(question)
    notes = (
        Note("cards_alone"),
        *((Note("assumed_load"),) if question.load is None and question.gpu_load is None else ()),
    )
    rows = tuple(workspace.lookup(f"accelerator.{name}", None) for name in ("idle_ratio", "full_ratio"))
    return Answer(
        load=load,
        power=cards(load),
        idle=cards(0.0),
        max=cards(1.0),
        curve=tuple((step, cards(step)) for step in LOADS),
        basis="accelerator",
        label=None if card is None else card.name,
        own_threads=None,
        host=None,
        marginal=None,
        accelerators=cards(load),
        server=None,
        fitted_years=None,
        inside=True,
        notes=notes,
        factors=rows,
    )
