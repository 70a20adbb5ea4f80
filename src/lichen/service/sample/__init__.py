# SPDX-License-Identifier: Apache-2.0
"""The sample portfolio: 80 applications of 17 teams over a year, made up, to see the dashboard with."""

from lichen.service.sample.loading import Loaded, fill, is_loaded, load, remove

__all__ = ["Loaded", "fill", "is_loaded", "load", "remove"]
