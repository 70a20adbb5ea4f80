# SPDX-License-Identifier: Apache-2.0
"""What a process tree consumes on this machine, read exactly at the edges of a window."""

from lichen.collect.machine.calibration import Calibration, Calibrator, calibrate
from lichen.collect.machine.containers.counter import ContainerCollector
from lichen.collect.machine.counter_collector import CgroupCollector, CounterCollector
from lichen.collect.machine.host import Conditions, Finding, conditions, describe_host, diagnose
from lichen.collect.machine.machine_meter import MachineMeter
from lichen.collect.machine.parts.part import Part
from lichen.collect.machine.parts.running import Parts
from lichen.collect.machine.processes.process_collector import ProcessCollector
from lichen.collect.machine.processes.tree_meter import TreeMeter
from lichen.collect.machine.sources import is_counter, open_part, sources

__all__ = [
    "Calibration",
    "Calibrator",
    "CgroupCollector",
    "Conditions",
    "ContainerCollector",
    "CounterCollector",
    "Finding",
    "MachineMeter",
    "Part",
    "Parts",
    "ProcessCollector",
    "TreeMeter",
    "calibrate",
    "conditions",
    "describe_host",
    "diagnose",
    "is_counter",
    "open_part",
    "sources",
]
