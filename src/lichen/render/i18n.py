# SPDX-License-Identifier: Apache-2.0
"""Languages: one catalogue per language (``locales/<lang>.toml``), the same keys in each; a test fails on any difference."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from babel import Locale

from lichen.errors import LichenError, UsageError

LANGUAGES: Final = ("en", "fr")


def _flatten(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, content in table.items():
        if isinstance(content, Mapping):
            yield from _flatten(content, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", str(content)


class Catalogue:
    """The messages of one language.

    Args:
        lang: ``en`` or ``fr``.

    Raises:
        UsageError: the language is not one that Lichen speaks.
    """

    def __init__(self, lang: str) -> None:
        if lang not in LANGUAGES:
            raise UsageError(
                f"Lichen does not speak '{lang}'.", repair=f"Languages: {', '.join(LANGUAGES)}.", culprit=lang
            )
        self.lang: Final = lang
        self.locale: Final = Locale(lang)
        text = files("lichen.render").joinpath("locales", f"{lang}.toml").read_text(encoding="utf-8")
        self.messages: Final[Mapping[str, str]] = dict(_flatten(tomllib.loads(text)))

    def __contains__(self, key: str) -> bool:
        return key in self.messages

    def say(self, key: str, **values: object) -> str:
        """The message ``key`` with its placeholders filled; LichenError when the catalogue lacks it."""
        try:
            return self.messages[key].format(**values)
        except KeyError as error:
            raise LichenError(
                f"The catalogue '{self.lang}' has no text for {error} (message '{key}').", culprit=key
            ) from error

    def count(self, key: str, number: int, **values: object) -> str:
        """The message for a number of things, by the language's plural rule: ``key.one`` or ``key.other``; fills ``{count}``."""
        form = "one" if self.locale.plural_form(number) == "one" else "other"
        return self.say(f"{key}.{form}", count=number, **values)

    def word(self, family: str, name: str) -> str:
        """The word for a closed-list name (a quantity, a part's tier); a name from a plug-in stands for itself."""
        return self.messages.get(f"{family}.{name}", name)


@cache
def catalogue(lang: str) -> Catalogue:
    """The catalogue of a language, read once."""
    return Catalogue(lang)
