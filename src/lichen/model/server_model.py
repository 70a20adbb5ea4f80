# SPDX-License-Identifier: Apache-2.0
"""The power model of a server put together: its coefficients, what is known of a server, what is typical of the rest.

The formulas are those of `lichen.model.power`; the numbers come from factors, or from a fit that is being tested.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from lichen.model import power

TENTHS: Final = ("10", "20", "30", "40", "50", "60", "70", "80", "90")
"""Loads of the curve's inner knots, in percent."""
RESPONSES: Final = ("idle", "max")
RESPONSE_FIELDS: Final = (
    "reference_power", "tdp_exponent", "threads_exponent", "memory_exponent", "yearly_ratio", "amd_ratio",
)  # fmt: skip
TYPICAL_FIELDS: Final = (
    "tdp", "tdp_exponent", "tdp_intel", "tdp_intel_exponent", "tdp_amd_ratio",
    "threads", "threads_exponent", "threads_intel", "threads_intel_exponent", "threads_amd_ratio",
    "memory", "memory_exponent", "year", "amd_share",
)  # fmt: skip
FITTED: Final = ("tdp", "threads", "memory", "year")
"""Properties whose smallest and largest value among the fitted servers are kept."""
ANCHORS: Final = ("0", "10", "100")
"""Loads at which the error is kept, in percent: none, the first tenth, full; the logarithm of a bound is straight between."""
BUILD_FIELDS: Final = (
    *(f"{response}.{field}" for response in RESPONSES for field in RESPONSE_FIELDS),
    *(f"typical.{field}" for field in TYPICAL_FIELDS),
    *(f"curve.load_{load}" for load in TENTHS),
    *(f"fitted.{name}_{end}" for name in FITTED for end in ("min", "max")),
)
"""Names of all coefficients, as factors carry them behind ``server_power.``."""

Value = Any
"""A float, or an array with one value per server; None where a server's property is unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """What is known of a server; None is unknown.

    Attributes:
        tdp_w: thermal design power of all processors together [W].
        threads: hardware threads of the whole machine.
        memory_gb: memory [GB].
        year: of availability.
        amd_share: 1 for AMD processors, 0 for Intel's.
    """

    tdp_w: Value = None
    threads: Value = None
    memory_gb: Value = None
    year: Value = None
    amd_share: Value = None

    @property
    def basis(self) -> str:
        """What the size and the make are known from: ``tdp_threads_memory_make`` is everything, ``nothing`` nothing.

        The name of the row that holds the model's error.
        """
        size = [name for name, value in (("tdp", self.tdp_w), ("threads", self.threads)) if value is not None]
        if not size:
            return "nothing"
        memory = [] if self.memory_gb is None else ["memory"]
        make = [] if self.year is None or self.amd_share is None else ["make"]
        return "_".join([*size, *memory, *make])


@dataclass(frozen=True, slots=True)
class ServerModel:
    """Coefficients by name (`BUILD_FIELDS`)."""

    value: Mapping[str, float]

    def complete(self, server: Server) -> Server:
        """The server with what is unknown replaced by what is typical of servers of that size."""
        value = self.value
        tdp_w, threads, memory_gb = server.tdp_w, server.threads, server.memory_gb
        if tdp_w is None and threads is None:
            tdp_w, threads = value["typical.tdp"], value["typical.threads"]
        if tdp_w is None:
            tdp_w = self._typical("tdp", threads, value["typical.threads"], server.amd_share)
        if threads is None:
            threads = self._typical("threads", tdp_w, value["typical.tdp"], server.amd_share)
        if memory_gb is None:
            memory_gb = self._typical("memory", threads, value["typical.threads"], None)
        return replace(
            server,
            tdp_w=tdp_w,
            threads=threads,
            memory_gb=memory_gb,
            year=value["typical.year"] if server.year is None else server.year,
            amd_share=value["typical.amd_share"] if server.amd_share is None else server.amd_share,
        )

    def _typical(self, name: str, size: Value, reference_size: float, amd_share: Value) -> Value:
        """A property from another one that is known, by the regression over all makers when the maker is unknown."""
        value = self.value
        if amd_share is None:
            estimate, exponent = value[f"typical.{name}"], value[f"typical.{name}_exponent"]
            return power.scaled(estimate, size, reference_size, exponent, amd_share=0.0, amd_ratio=1.0)
        estimate, exponent = value[f"typical.{name}_intel"], value[f"typical.{name}_intel_exponent"]
        return power.scaled(estimate, size, reference_size, exponent, amd_share, value[f"typical.{name}_amd_ratio"])

    def _response_w(self, name: str, server: Server) -> Value:
        value, whole = self.value, self.complete(server)
        of_size = power.by_size_w(
            value[f"{name}.reference_power"],
            whole.tdp_w, value["typical.tdp"], value[f"{name}.tdp_exponent"],
            whole.threads, value["typical.threads"], value[f"{name}.threads_exponent"],
            whole.memory_gb, value["typical.memory"], value[f"{name}.memory_exponent"],
        )  # fmt: skip
        return power.by_make_w(
            of_size,
            whole.year, value["typical.year"], value[f"{name}.yearly_ratio"],
            whole.amd_share, value[f"{name}.amd_ratio"],
        )  # fmt: skip

    def idle_w(self, server: Server) -> Value:
        """Power at the wall at no load [W]."""
        return self._response_w("idle", server)

    def max_w(self, server: Server) -> Value:
        """Power at the wall at full load [W]; never below the idle power."""
        return power.at_least_w(self._response_w("max", server), self.idle_w(server))

    def curve(self, load: Value) -> Value:
        """Share of the span between idle and full power that a load draws."""
        return power.load_curve(load, *(self.value[f"curve.load_{tenth}"] for tenth in TENTHS))

    def power_w(self, server: Server, load: Value) -> Value:
        """Power at the wall at a load, 0 to 1 [W]."""
        return power.at_load_w(self.idle_w(server), self.max_w(server), self.curve(load))


def error_at(load: float, anchored: Sequence[float]) -> float:
    """A bound of true over estimated power at a load.

    Args:
        load: 0 to 1.
        anchored: the bound at the `ANCHORS`, > 0.
    """
    tenths = np.linspace(0.0, 1.0, len(TENTHS) + 2)
    return float(np.exp(np.interp(load, (tenths[0], tenths[1], tenths[-1]), np.log(anchored))))
