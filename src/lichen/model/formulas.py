# SPDX-License-Identifier: Apache-2.0
"""The built-in formulas, registered on import (plug-in ``core`` of the group ``lichen.formulas``)."""

from lichen.model import (
    boavizta,
    boavizta_parts,
    ccf,
    electricity,
    embodied,
    energy,
    facility,
    power,
    rented,
    sci,
    tdp,
    web,
)

__all__ = [
    "boavizta",
    "boavizta_parts",
    "ccf",
    "electricity",
    "embodied",
    "energy",
    "facility",
    "power",
    "rented",
    "sci",
    "tdp",
    "web",
]
