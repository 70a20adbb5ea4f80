# SPDX-License-Identifier: Apache-2.0
"""Factors other than those in force, for restating: some installed packs alone, or rows of a file in place of theirs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from lichen import plugins
from lichen.errors import FactorError
from lichen.factors.store import FactorStore
from lichen.service.workspace import Workspace

_GROUP: Final = "lichen.factor_packs"


def with_other_factors(workspace: Workspace, words: Sequence[str]) -> Workspace:
    """The workspace with the factors that words name.

    Args:
        words: names of installed packs, which then are the only ones (besides ``extend.factors``), and paths of pack files: what
            a file says of a factor at a place stands in place of every row of that factor there. None: the factors in force.

    Raises:
        FactorError: a word is neither, or a file is no factor pack.
    """
    if not words:
        return workspace
    installed = [word for word in words if word in plugins.names(_GROUP)]
    files = [Path(word) for word in words if word not in installed]
    for path in files:
        if not path.exists():
            raise FactorError(
                f"There is no factor pack '{path}'.",
                repair=f"Give the path of a pack's .toml file, or of the installed ones: {', '.join(plugins.names(_GROUP))}.",
                culprit=str(path),
            )
    units = {term.unit for (kind, _), term in workspace.nomenclature.items() if kind == "indicator"}
    base = workspace.factors
    if installed:
        packs = [Path(plugins.load(_GROUP, name)) for name in installed]
        base = FactorStore.load(packs, extra=workspace.settings.extend.factors, units=units)
    over = FactorStore.load(files, units=units)
    taken = {(factor.factor_id, factor.geography) for factor in over}
    kept = [factor for factor in base if (factor.factor_id, factor.geography) not in taken]
    return workspace.with_factors(FactorStore([*kept, *over], {**base.sources, **over.sources}.values()))
