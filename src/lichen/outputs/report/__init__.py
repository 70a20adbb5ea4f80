# SPDX-License-Identifier: Apache-2.0
"""The report: one HTML file that stands alone."""

from lichen.outputs.report.html import HtmlReport

__all__ = ["HtmlReport"]
