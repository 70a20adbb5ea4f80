# SPDX-License-Identifier: Apache-2.0
"""From what a person or a machine says about hardware to what the power model needs, with every assumption told."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from lichen.catalogue.hardware import Accelerator, Cpu, Family, find_accelerator, find_cpu
from lichen.errors import UsageError
from lichen.model.server_model import Server

VENDORS: Final = ("intel", "amd", "arm")
_LIMITS: Final[Mapping[str, tuple[float, float]]] = {
    "tdp": (1, 10_000), "chips": (1, 1_000), "threads": (1, 100_000), "memory-gb": (0.01, 1_000_000), "year": (1990, 2100),
    "vcpus": (0.001, 100_000), "gpu-tdp": (1, 10_000), "gpus": (1, 10_000),
}  # fmt: skip
"""What the flags may say: far beyond any machine, so that a slip of the unit is noticed and no result overflows."""
_SHOWN: Final = 6
"""Candidates that a message names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A machine whose power is asked for; None is not said.

    Attributes:
        cpu: name of the processor, as a data sheet or ``/proc/cpuinfo`` writes it.
        tdp_w: thermal design power of one processor [W]; chips: processors of the machine.
        threads: hardware threads of the whole machine, all processors together.
        memory_gb: memory of the whole machine [GB of modules: 2^30 bytes]; year: of availability; vendor: of the processor.
        vcpus: virtual processors of a guest on that machine, whose share is asked for.
        load: share of the capacity in use, 0 to 1.
        gpu, gpu_tdp_w: name, or thermal design power [W], of accelerator cards; gpus: their number; gpu_load: their use, 0 to 1.
    """

    cpu: str | None = None
    tdp_w: float | None = None
    chips: int | None = None
    threads: int | None = None
    memory_gb: float | None = None
    year: int | None = None
    vendor: str | None = None
    vcpus: float | None = None
    load: float | None = None
    gpu: str | None = None
    gpu_tdp_w: float | None = None
    gpus: int | None = None
    gpu_load: float | None = None

    @property
    def names_server(self) -> bool:
        """Whether anything about the machine itself was said."""
        said = (self.cpu, self.tdp_w, self.chips, self.threads, self.memory_gb, self.year, self.vendor)
        return any(value is not None for value in said)

    @property
    def names_accelerator(self) -> bool:
        """Whether accelerator cards were said."""
        return self.gpu is not None or self.gpu_tdp_w is not None


@dataclass(frozen=True, slots=True)
class Note:
    """Something that a reader has to know; ``code`` is a key of the catalogues, under ``power.note``."""

    code: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hardware:
    """What the model is given.

    Attributes:
        known: what was said or looked up, without assumptions: it decides the range.
        used: the same with what a typical host of the kind has; what is None there the model fills.
        family: what the hypervisor's name gave away, when that is all there is.
        own_threads: of the guest whose share is asked for; None for the whole machine.
        arm: whether the processor is neither Intel's nor AMD's.
        label: the processor's name, as the catalogue has it.
    """

    known: Server
    used: Server
    family: Family | None = None
    own_threads: float | None = None
    arm: bool = False
    label: str | None = None
    notes: tuple[Note, ...] = ()


def check(question: Question) -> None:
    """Refuses what no machine can be.

    Raises:
        UsageError: a number that is not positive and finite or that no machine has, a load outside 0 to 1, an unknown maker,
            an option that needs another.
    """
    for name, value in _numbers(question):
        whole = name in ("chips", "threads", "gpus", "year")
        low, high = _LIMITS[name]
        if not math.isfinite(value) or value <= 0 or (whole and value != int(value)):
            wanted = "a whole number from 1" if whole else "a number above 0"
            raise UsageError(f"--{name} is {value:g}.", repair=f"Give {wanted}.", culprit=f"--{name}")
        if not low <= value <= high:
            raise UsageError(
                f"--{name} is {value:g}, which no machine has.",
                repair=f"Give {low:g} to {high:g}.",
                culprit=f"--{name}",
            )
    for name, share in (("load", question.load), ("gpu-load", question.gpu_load)):
        if share is not None and not 0 <= share <= 1:
            raise UsageError(f"--{name} is {share:g}.", repair="Give a share from 0 to 1.", culprit=f"--{name}")
    if question.vendor is not None and question.vendor.lower() not in VENDORS:
        raise UsageError(
            f"--vendor is '{question.vendor}'.", repair=f"Give one of {', '.join(VENDORS)}.", culprit="--vendor"
        )
    if question.cpu is not None and not question.cpu.strip():
        raise UsageError("--cpu is empty.", repair="Give a name such as 'EPYC 7763'.", culprit="--cpu")
    if question.chips is not None and question.cpu is None and question.tdp_w is None and question.threads is None:
        raise UsageError("--chips alone says too little.", repair="Add --cpu, --tdp or --threads.", culprit="--chips")
    if (question.gpus is not None or question.gpu_load is not None) and not question.names_accelerator:
        raise UsageError("No accelerator is named.", repair="Add --gpu NAME or --gpu-tdp W.", culprit="--gpus")
    if question.gpu is not None and question.gpu_tdp_w is not None:
        raise UsageError("--gpu and --gpu-tdp exclude each other.", repair="Give one of them.", culprit="--gpu-tdp")


def _numbers(question: Question) -> Iterator[tuple[str, float]]:
    said = {
        "tdp": question.tdp_w, "chips": question.chips, "threads": question.threads, "memory-gb": question.memory_gb,
        "year": question.year, "vcpus": question.vcpus, "gpu-tdp": question.gpu_tdp_w, "gpus": question.gpus,
    }  # fmt: skip
    for name, value in said.items():
        if value is not None:
            yield name, value


def accelerator(question: Question) -> Accelerator | None:
    """The named accelerator card; None when its power was given, or none is asked for.

    Raises:
        UsageError: the name is unknown, or several cards have it.
    """
    if question.gpu is None:
        return None
    card, candidates = find_accelerator(question.gpu)
    if card is None:
        near = f"Known and near: {', '.join(candidates)}." if candidates else "Give --gpu-tdp W instead."
        raise UsageError(f"'{question.gpu}' names no single accelerator.", repair=near, culprit="--gpu")
    return card


def resolve(question: Question, *, strict: bool) -> Hardware:
    """What is known of the asked machine, and what a typical one of its kind has.

    Args:
        question: checked.
        strict: a processor that cannot be told is an error unless size is said otherwise; else it is a note.

    Raises:
        UsageError: the processor is unknown or ambiguous and nothing else tells the size, or it contradicts the maker.
    """
    vendor = None if question.vendor is None else question.vendor.lower()
    if question.cpu is None:
        return _shared(_plain(question, vendor, None), question)
    match = find_cpu(question.cpu)
    sized = question.tdp_w is not None or question.threads is not None
    if match.cpu is not None:
        _agree(question.cpu, match.cpu.vendor, vendor)
        return _shared(_of_cpu(question, match.cpu), question)
    if match.family is not None:
        _agree(question.cpu, match.family.vendor, vendor)
        return _shared(_of_family(question, match.family, vendor, sized), question)
    shown = ", ".join(match.candidates[:_SHOWN])
    if strict and not sized:
        problem = "may be several processors" if match.ambiguous else "is not in the catalogue"
        near = f"Write one of {shown}, or add" if shown else "Add"
        raise UsageError(f"'{question.cpu}' {problem}.", repair=f"{near} --tdp or --threads.", culprit="--cpu")
    note = (
        Note("unknown_cpu_near", {"name": question.cpu, "near": shown})
        if shown
        else Note("unknown_cpu", {"name": question.cpu})
    )
    plain = _plain(question, vendor or _maker_in(question.cpu), None)
    return _shared(replace(plain, notes=(note, *plain.notes)), question)


def _agree(name: str, found: str | None, said: str | None) -> None:
    if found is not None and said is not None and found != said:
        raise UsageError(
            f"'{name}' is a processor of {found}, --vendor says {said}.",
            repair="Leave --vendor out.",
            culprit="--vendor",
        )


def _maker_in(name: str) -> str | None:
    lowered = name.lower()
    return next((vendor for vendor in ("intel", "amd") if vendor in lowered), None)


def _amd_share(vendor: str | None) -> float | None:
    return {"amd": 1.0, "intel": 0.0}.get(vendor or "")


def _plain(question: Question, vendor: str | None, year: int | None) -> Hardware:
    """A machine of which only numbers are said."""
    chips = question.chips or 1
    known = Server(
        tdp_w=None if question.tdp_w is None else question.tdp_w * chips,
        threads=question.threads,
        memory_gb=question.memory_gb,
        year=year if question.year is None else question.year,
        amd_share=_amd_share(vendor),
    )
    one = question.tdp_w is not None and question.chips is None
    return Hardware(known=known, used=known, arm=vendor == "arm", notes=(Note("one_chip"),) if one else ())


def _of_cpu(question: Question, cpu: Cpu) -> Hardware:
    """A machine whose processor the catalogue knows."""
    chips = question.chips or (1 if question.threads is None else max(1, round(question.threads / cpu.threads)))
    tdp_w = cpu.tdp_w if question.tdp_w is None else question.tdp_w
    known = Server(
        tdp_w=None if tdp_w is None else tdp_w * chips,
        threads=question.threads or cpu.threads * chips,
        memory_gb=question.memory_gb,
        year=question.year or cpu.year,
        amd_share=_amd_share(cpu.vendor),
    )
    notes = [Note("one_chip")] if question.chips is None and question.threads is None else []
    if tdp_w is None:
        notes.append(Note("no_tdp", {"name": cpu.name}))
    return Hardware(known=known, used=known, arm=cpu.vendor == "arm", label=cpu.name, notes=tuple(notes))


def _of_family(question: Question, family: Family, vendor: str | None, sized: bool) -> Hardware:
    """A machine whose hypervisor hides the processor: sizes that are said count, else those of a typical host."""
    plain = _plain(question, family.vendor or vendor, family.year)
    note = Note("family" if family.architecture else "maker" if family.vendor else "hidden", {"family": family.label})
    if sized:
        return replace(plain, label=family.label, notes=(note, *plain.notes))
    used = replace(plain.known, threads=family.host_threads, tdp_w=family.host_tdp_w)
    return replace(plain, used=used, family=family, label=family.label, notes=(note, *plain.notes))


def _shared(hardware: Hardware, question: Question) -> Hardware:
    """The guest on the machine, when a share is asked for.

    Raises:
        UsageError: the guest has more threads than its host.
    """
    if question.vcpus is None:
        return hardware
    threads = hardware.known.threads
    if threads is not None and question.vcpus > threads:
        raise UsageError(
            f"--vcpus is {question.vcpus:g}, and the machine has {threads:g} hardware threads.",
            repair="Give the host's --chips or --threads.",
            culprit="--vcpus",
        )
    used = hardware.used
    if used.threads is not None and question.vcpus > used.threads:
        grown = question.vcpus / used.threads
        tdp_w = None if used.tdp_w is None else used.tdp_w * grown
        used = replace(used, threads=question.vcpus, tdp_w=tdp_w)
    return replace(hardware, used=used, own_threads=question.vcpus)
