# SPDX-License-Identifier: Apache-2.0
"""The heavy variant: ordinary regressions that can be switched on one by one."""

from dataclasses import dataclass
from typing import Final, Self

from lichen.errors import UsageError

ALL: Final = "all"


@dataclass(frozen=True, slots=True)
class Variant:
    """Which regressions are on.

    Attributes:
        images: pages show the oversized originals, which no browser may cache.
        polling: each page asks for the counts every 250 ms and redraws.
        nplus1: the list queries, and calls the back office, once for each row.
    """

    images: bool = False
    polling: bool = False
    nplus1: bool = False

    @classmethod
    def parse(cls, text: str | None) -> Self:
        """Read the value of `--heavy`.

        Args:
            text: None (normal), `all`, or names of regressions joined by commas.

        Returns:
            The variant.

        Raises:
            UsageError: a name is unknown.
        """
        if text is None:
            return cls()
        names = cls.__slots__ if text == ALL else tuple(part.strip() for part in text.split(","))
        for name in names:
            if name not in cls.__slots__:
                known = ", ".join(cls.__slots__)
                raise UsageError(f"--heavy: `{name}` is unknown.", repair=f"Use some of {known}.", culprit=name)
        return cls(**dict.fromkeys(names, True))
