# SPDX-License-Identifier: Apache-2.0
"""Formulas of published models of web pages: electricity with a green share, and the EcoIndex.

Every function works on floats and on NumPy arrays alike (scalars or arrays of one shape); quantiles are one list for all pages.
"""

from __future__ import annotations

from typing import Annotated, cast

import numpy as np

from lichen.model.registry import Number, formula
from lichen.units import Tag

_SWDM = ("Sustainable Web Design Model 4 (2024), operational emissions and green hosting factor",)
_ECOINDEX = ("EcoIndex, as GreenIT-Analysis and ecoindex-compute 5.10.0 compute it",)


@formula("web.use_after_green", version=1, sources=_SWDM)
def use_after_green_x(
    energy_delivered_kwh: Annotated[Number, Tag("kWh", "delivered")],
    grid_x_per_kwh: Annotated[Number, Tag("X/kWh", "1/delivered")],
    green_share: Annotated[Number, Tag("1")],
) -> Annotated[Number, Tag("X")]:
    """Impact of electricity of which a share counts for nothing, because it is said to be renewable.

    Args:
        energy_delivered_kwh: electricity delivered [kWh].
        grid_x_per_kwh: impact of one kWh of the grid [X/kWh].
        green_share: share that is said to be renewable [1], 0 to 1.

    Returns:
        Impact [X].

    >>> use_after_green_x(2.0, 50.0, 0.25)
    75.0
    """
    return energy_delivered_kwh * grid_x_per_kwh * (1 - green_share)


def _rank(amount: Number, quantiles: Number) -> Number:
    """Place of an amount among quantiles, 0 at the first and 1 from the last on; straight between two."""
    return cast("Number", np.interp(amount, quantiles, np.linspace(0, 1, np.size(quantiles))))


@formula("web.count_rank", version=1, sources=_ECOINDEX)
def count_rank(
    count: Annotated[Number, Tag("1")], quantiles: Annotated[Number, Tag("1")]
) -> Annotated[Number, Tag("1")]:
    """Share of reference pages that have fewer of something: elements, requests.

    Args:
        count: of the page [1], >= 0.
        quantiles: of the reference pages [1], at equal steps from none to all, rising.

    Returns:
        Rank [1], 0 to 1.

    >>> float(count_rank(5.0, np.array([0.0, 4.0, 8.0])))
    0.625
    """
    return _rank(count, quantiles)


@formula("web.volume_rank", version=1, sources=_ECOINDEX)
def volume_rank(
    network_bytes: Annotated[Number, Tag("B")], quantiles_b: Annotated[Number, Tag("B")]
) -> Annotated[Number, Tag("1")]:
    """Share of reference pages that transfer fewer bytes.

    Args:
        network_bytes: bytes transferred for the page [B], >= 0.
        quantiles_b: of the reference pages [B], at equal steps from none to all, rising.

    Returns:
        Rank [1], 0 to 1.

    >>> float(volume_rank(5e3, np.array([0.0, 4e3, 8e3])))
    0.625
    """
    return _rank(network_bytes, quantiles_b)


@formula("web.ecoindex", version=1, sources=_ECOINDEX)
def ecoindex(
    rank_dom: Annotated[Number, Tag("1")],
    rank_requests: Annotated[Number, Tag("1")],
    rank_volume: Annotated[Number, Tag("1")],
    weight_dom: Annotated[Number, Tag("1")],
    weight_requests: Annotated[Number, Tag("1")],
    weight_volume: Annotated[Number, Tag("1")],
    best_score: Annotated[Number, Tag("1")],
) -> Annotated[Number, Tag("1")]:
    """Score of a page from its three ranks, best where all are 0; not rounded.

    Args:
        rank_dom: rank by elements of the document [1], 0 to 1.
        rank_requests: rank by requests [1], 0 to 1.
        rank_volume: rank by bytes transferred [1], 0 to 1.
        weight_dom: weight of the first rank [1].
        weight_requests: weight of the second rank [1].
        weight_volume: weight of the third rank [1].
        best_score: score of the lightest page [1].

    Returns:
        Score [1], 0 to ``best_score``.

    >>> ecoindex(0.5, 0.25, 1.0, 3.0, 2.0, 1.0, 100.0)
    50.0
    """
    return best_score * (
        1
        - (rank_dom * weight_dom + rank_requests * weight_requests + rank_volume * weight_volume)
        / (weight_dom + weight_requests + weight_volume)
    )


@formula("web.ecoindex_impact", version=1, sources=_ECOINDEX)
def ecoindex_impact_x(
    score: Annotated[Number, Tag("1")],
    middle_x: Annotated[Number, Tag("X")],
    middle_score: Annotated[Number, Tag("1")],
    best_score: Annotated[Number, Tag("1")],
) -> Annotated[Number, Tag("X")]:
    """Impact of one view of a page, from its score alone.

    Args:
        score: EcoIndex of the page [1].
        middle_x: impact of a page in the middle of the scale [X].
        middle_score: score in the middle of the scale [1].
        best_score: score at its end [1].

    Returns:
        Impact [X]: from 1/2 to 3/2 of the middle, whatever the page.

    >>> ecoindex_impact_x(75.0, 2.0, 50.0, 100.0)
    1.5
    """
    return middle_x * (1 + (middle_score - score) / best_score)
