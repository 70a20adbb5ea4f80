# SPDX-License-Identifier: Apache-2.0
"""Names of services: bills and carbon exports of one provider write them differently."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from typing import Final

_TABLE: Final = files("lichen.collect.bills.carbon") / "services.toml"


def one_name(provider: str, service: str) -> str:
    """The name that a service of a provider goes by here; its own where no other is known.

    >>> one_name("aws", "AmazonEC2"), one_name("aws", "Some New Thing")
    ('Amazon Elastic Compute Cloud', 'Some New Thing')
    """
    return _names().get((provider, service.strip().casefold()), service.strip())


@functools.cache
def _names() -> Mapping[tuple[str, str], str]:
    told = tomllib.loads(_TABLE.read_text(encoding="utf-8"))
    return {
        (provider, name.casefold()): one
        for provider, services in told.items()
        for one, names in services.items()
        for name in (one, *names)
    }
