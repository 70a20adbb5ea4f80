# SPDX-License-Identifier: Apache-2.0
"""What continuous integration reads: each file is a plug-in of the group ``lichen.gate_outputs`` and renders a gate."""

from lichen.outputs.ci.badge import GateBadge
from lichen.outputs.ci.codequality import CodeQuality
from lichen.outputs.ci.document import GateJson
from lichen.outputs.ci.junit import GateJUnit, MeasureJUnit
from lichen.outputs.ci.markdown import GateMarkdown
from lichen.outputs.ci.openmetrics import GateOpenMetrics, MeasureOpenMetrics
from lichen.outputs.ci.sarif import Sarif

__all__ = [
    "CodeQuality",
    "GateBadge",
    "GateJUnit",
    "GateJson",
    "GateMarkdown",
    "GateOpenMetrics",
    "MeasureJUnit",
    "MeasureOpenMetrics",
    "Sarif",
]
