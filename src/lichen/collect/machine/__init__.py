# SPDX-License-Identifier: Apache-2.0
"""What a process tree consumes on this machine, read exactly at the edges of a window."""

from lichen.collect.machine.balance import Balance, balance
from lichen.collect.machine.meter import TreeMeter

__all__ = ["Balance", "TreeMeter", "balance"]
