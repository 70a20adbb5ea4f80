# SPDX-License-Identifier: Apache-2.0
"""Formulas of Boavizta's model of servers and cloud instances: the impact of making each part, for any indicator X.

Something holds parts of a host: processors, memory modules, drives, a share of the rest; fractions for a virtual machine. Every
function works on floats and on NumPy arrays alike.
"""

from __future__ import annotations

from typing import Annotated

from lichen.model.registry import Number, formula
from lichen.units import Tag

_EMBODIED = (
    "BoaviztAPI 2.5.0 (2026), documentation: embedded impacts of components",
    "Umweltbundesamt, Texte 94/2021 (Green Cloud Computing)",
)


@formula("boavizta.processors", version=1, sources=_EMBODIED)
def processors_x(
    processors: Annotated[Number, Tag("1")],
    die_mm2: Annotated[Number, Tag("mm2")],
    die_x_per_mm2: Annotated[Number, Tag("X/mm2")],
    processor_x: Annotated[Number, Tag("X")],
) -> Annotated[Number, Tag("X")]:
    """Impact of making processors: their dies by area, and the rest by piece.

    Args:
        processors: processors that are held [1].
        die_mm2: area of one processor's dies [mm2].
        die_x_per_mm2: impact by die area [X/mm2].
        processor_x: impact of one processor besides its dies [X].

    Returns:
        Impact [X].

    >>> processors_x(2.0, 100.0, 0.5, 10.0)
    120.0
    """
    return processors * (die_mm2 * die_x_per_mm2 + processor_x)


@formula("boavizta.chips", version=1, sources=_EMBODIED)
def chips_x(
    units: Annotated[Number, Tag("1")],
    unit_gb: Annotated[Number, Tag("GB")],
    density_gb_per_cm2: Annotated[Number, Tag("GB/cm2")],
    die_x_per_cm2: Annotated[Number, Tag("X/cm2")],
    unit_x: Annotated[Number, Tag("X")],
) -> Annotated[Number, Tag("X")]:
    """Impact of making memory modules or solid-state drives: their dies by capacity, and the rest by piece.

    Args:
        units: modules or drives that are held [1].
        unit_gb: capacity of one [GB].
        density_gb_per_cm2: capacity by die area [GB/cm2], > 0.
        die_x_per_cm2: impact by die area [X/cm2].
        unit_x: impact of one module or drive besides its dies [X].

    Returns:
        Impact [X].

    >>> chips_x(0.5, 32.0, 2.0, 2.0, 8.0)
    20.0
    """
    return units * (unit_gb / density_gb_per_cm2 * die_x_per_cm2 + unit_x)


@formula("boavizta.pieces", version=1, sources=_EMBODIED)
def pieces_x(pieces: Annotated[Number, Tag("1")], piece_x: Annotated[Number, Tag("X")]) -> Annotated[Number, Tag("X")]:
    """Impact of making pieces that are all alike, such as hard disks.

    Args:
        pieces: how many are held [1].
        piece_x: impact of one [X].

    Returns:
        Impact [X].

    >>> pieces_x(0.5, 30.0)
    15.0
    """
    return pieces * piece_x


@formula("boavizta.chassis", version=1, sources=_EMBODIED)
def chassis_x(
    host_share: Annotated[Number, Tag("1")],
    motherboard_x: Annotated[Number, Tag("X")],
    assembly_x: Annotated[Number, Tag("X")],
    case_x: Annotated[Number, Tag("X")],
    psus: Annotated[Number, Tag("1")],
    psu_kg: Annotated[Number, Tag("kg")],
    psu_x_per_kg: Annotated[Number, Tag("X/kg")],
) -> Annotated[Number, Tag("X")]:
    """Impact of making what a host has once: mainboard, case, power supplies, and putting it together.

    Args:
        host_share: share of the host that is held [1].
        motherboard_x: impact of the mainboard [X].
        assembly_x: impact of assembling the server [X].
        case_x: impact of the case [X].
        psus: power supplies of the host [1].
        psu_kg: mass of one power supply [kg].
        psu_x_per_kg: impact by mass of power supply [X/kg].

    Returns:
        Impact [X].

    >>> chassis_x(0.5, 60.0, 10.0, 150.0, 2.0, 3.0, 20.0)
    170.0
    """
    return host_share * (motherboard_x + assembly_x + case_x + psus * psu_kg * psu_x_per_kg)


@formula("boavizta.gpu_body", version=1, sources=_EMBODIED)
def gpu_body_x(
    gpus: Annotated[Number, Tag("1")],
    casing_kg: Annotated[Number, Tag("kg")],
    casing_x_per_kg: Annotated[Number, Tag("X/kg")],
    heatsink_kg: Annotated[Number, Tag("kg")],
    heatsink_x_per_kg: Annotated[Number, Tag("X/kg")],
    board_cm2: Annotated[Number, Tag("cm2")],
    board_x_per_cm2: Annotated[Number, Tag("X/cm2")],
) -> Annotated[Number, Tag("X")]:
    """Impact of making casing, heat sink and board of graphics processors.

    Args:
        gpus: graphics processors that are held [1].
        casing_kg: mass of the casing [kg].
        casing_x_per_kg: impact by mass of casing [X/kg].
        heatsink_kg: mass of the heat sink [kg].
        heatsink_x_per_kg: impact by mass of heat sink [X/kg].
        board_cm2: area of the printed wiring board [cm2].
        board_x_per_cm2: impact by area of board [X/cm2].

    Returns:
        Impact [X].

    >>> gpu_body_x(2.0, 0.5, 8.0, 1.0, 6.0, 100.0, 0.03)
    26.0
    """
    return gpus * (casing_kg * casing_x_per_kg + heatsink_kg * heatsink_x_per_kg + board_cm2 * board_x_per_cm2)


@formula("boavizta.gpu_chips", version=1, sources=_EMBODIED)
def gpu_chips_x(
    gpus: Annotated[Number, Tag("1")],
    die_mm2: Annotated[Number, Tag("mm2")],
    die_x_per_mm2: Annotated[Number, Tag("X/mm2")],
    memory_mm2: Annotated[Number, Tag("mm2")],
    memory_x_per_mm2: Annotated[Number, Tag("X/mm2")],
) -> Annotated[Number, Tag("X")]:
    """Impact of making the chips of graphics processors.

    Args:
        gpus: graphics processors that are held [1].
        die_mm2: area of wafer that the processor takes, waste included [mm2].
        die_x_per_mm2: impact by area of processor [X/mm2].
        memory_mm2: area of wafer that its memory takes, waste included [mm2].
        memory_x_per_mm2: impact by area of memory [X/mm2].

    Returns:
        Impact [X].

    >>> gpu_chips_x(2.0, 1000.0, 0.5, 500.0, 0.25)
    1250.0
    """
    return gpus * (die_mm2 * die_x_per_mm2 + memory_mm2 * memory_x_per_mm2)


@formula("boavizta.gpu_moving", version=1, sources=_EMBODIED)
def gpu_moving_x(
    gpus: Annotated[Number, Tag("1")],
    mass_kg: Annotated[Number, Tag("kg")],
    supply_x_per_kg: Annotated[Number, Tag("X/kg")],
    transport_x_per_kg: Annotated[Number, Tag("X/kg")],
    end_of_life_x_per_kg: Annotated[Number, Tag("X/kg")],
) -> Annotated[Number, Tag("X")]:
    """Impact of supplying, carrying and disposing of graphics processors, by their mass.

    Args:
        gpus: graphics processors that are held [1].
        mass_kg: mass of one [kg].
        supply_x_per_kg: impact of carrying its parts to the factory [X/kg].
        transport_x_per_kg: impact of carrying it to where it is used [X/kg].
        end_of_life_x_per_kg: impact of disposing of it [X/kg].

    Returns:
        Impact [X].

    >>> gpu_moving_x(2.0, 1.5, 0.25, 0.5, 1.25)
    6.0
    """
    return gpus * mass_kg * (supply_x_per_kg + transport_x_per_kg + end_of_life_x_per_kg)
