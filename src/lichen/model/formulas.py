# SPDX-License-Identifier: Apache-2.0
"""The built-in formulas, registered on import (plug-in ``core`` of the group ``lichen.formulas``)."""

from lichen.model import electricity, embodied, energy, facility, power, web

__all__ = ["electricity", "embodied", "energy", "facility", "power", "web"]
