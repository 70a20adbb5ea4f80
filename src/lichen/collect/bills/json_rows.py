# SPDX-License-Identifier: Apache-2.0
"""Answers of interfaces, as JSON, taken apart into rows of texts: the objects of the innermost lists, and what is above them.

Such documents are small: a month of an account. They are read whole, within a limit.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lichen.collect.declared.lines import TextFile
from lichen.errors import StorageError

if TYPE_CHECKING:
    import pyarrow as pa

MOST_BYTES: Final = 256 << 20
PATH: Final = "path"
"""Column of the names that lead to a row: ``hourlyUsage.instance.details``."""


def json_table(path: Path) -> pa.Table:
    """A JSON document as a table of texts, for an engine.

    Raises:
        StorageError: it cannot be read, or is no JSON.
    """
    import pyarrow as pa

    found = rows(str(path), TextFile(path).content(MOST_BYTES))
    names = list(dict.fromkeys(name for row in found for name in row))
    return pa.table({name: pa.array([row.get(name) for row in found], pa.string()) for name in names})


def columns_of_json(name: str, content: bytes, *, packed: bool) -> tuple[str, ...]:
    """Names of the columns of `json_table`."""
    try:
        plain = zlib.decompressobj(wbits=31).decompress(content, MOST_BYTES) if packed else content
    except zlib.error as error:
        raise StorageError(
            f"{name} is a damaged gzip file.", repair="Copy it anew from where it comes from.", culprit=name
        ) from error
    return tuple(dict.fromkeys(column for row in rows(name, plain) for column in row))


def rows(name: str, content: bytes) -> list[dict[str, str]]:
    """Rows of a document, or of one document a line.

    Raises:
        StorageError: it is no JSON.
    """
    try:
        text = content.decode("utf-8-sig")
        try:
            documents = [json.loads(text)]
        except json.JSONDecodeError:
            documents = [json.loads(line) for line in text.splitlines() if line.strip()]
        return [row for document in documents for row in _rows(document, {}, "")]
    except (ValueError, RecursionError) as error:
        raise StorageError(
            f"{name} is damaged JSON.", repair="Save the answer of the interface as it came.", culprit=name
        ) from error


def _rows(value: Any, above: Mapping[str, str], path: str) -> Iterator[dict[str, str]]:
    """Rows below a value: of each list of objects, or the object itself where it holds none."""
    if isinstance(value, list):
        for one in value:
            yield from _rows(one, above, path)
        return
    if not isinstance(value, dict):
        return
    own, lists = _split(value, path)
    known = {**above, **own}
    if not lists:
        yield {**known, PATH: path}
    for below, items in lists.items():
        yield from _rows(items, known, below)


def _split(value: Mapping[str, Any], path: str) -> tuple[dict[str, str], dict[str, list[Any]]]:
    """Texts of an object, those of objects in it too, by dotted name; and its lists of objects."""
    texts: dict[str, str] = {}
    lists: dict[str, list[Any]] = {}
    for key, one in value.items():
        name = f"{path}.{key}" if path else key
        if isinstance(one, list) and any(isinstance(item, dict) for item in one):
            lists[name] = one
        elif isinstance(one, dict) and one:
            inner, below = _split(one, name)
            texts.update(inner)
            lists.update(below)
        elif one is not None and one not in ({}, []):
            texts[name] = one if isinstance(one, str) else json.dumps(one)
    return texts, lists
