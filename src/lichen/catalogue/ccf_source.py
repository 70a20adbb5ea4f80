# SPDX-License-Identifier: Apache-2.0
"""Reads the constants of Cloud Carbon Footprint from an archive of its repository, for the scripts that build tables of them.

The archive is the repository cloud-carbon-footprint/cloud-carbon-footprint (Apache-2.0) at commit b7a049c of 2024-03-25, the last
of its trunk, as .tar.gz: https://github.com/cloud-carbon-footprint/cloud-carbon-footprint. Object literals of its TypeScript
sources are read as data; nothing of the program is run or taken over.
"""

from __future__ import annotations

import re
import statistics
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any, Final

PROVIDERS: Final = ("aws", "azure", "gcp")
UNKNOWN: Final = "Unknown"
OUTLIERS: Final = frozenset({"Sandy Bridge", "Ivy Bridge"})
"""A list of possible processors that holds one of these is represented by its median, any other list by its mean."""

_TOKEN: Final = re.compile(
    r"//[^\n]*|/\*.*?\*/|'([^']*)'|\"([^\"]*)\"|(-?\d[\d.]*(?:e-?\d+)?)|([A-Za-z_][\w.]*)|([{}\[\]:,])", re.DOTALL
)
_PATHS: Final[Mapping[str, str]] = {
    "processors": "core/src/compute/ComputeProcessorTypes.ts",
    "nerc": "core/src/FootprintEstimationConstants.ts",
    "aws": "aws/src/domain/AwsFootprintEstimationConstants.ts",
    "aws.types": "aws/src/lib/AWSInstanceTypes.ts",
    "aws.regions": "aws/src/lib/AWSRegions.ts",
    "azure": "azure/src/domain/AzureFootprintEstimationConstants.ts",
    "azure.types": "azure/src/lib/VirtualMachineTypes.ts",
    "azure.regions": "azure/src/lib/AzureRegions.ts",
    "gcp": "gcp/src/domain/GcpFootprintEstimationConstants.ts",
    "gcp.types": "gcp/src/lib/MachineTypes.ts",
    "gcp.regions": "gcp/src/lib/GCPRegions.ts",
}


class Source:
    """The archive.

    Args:
        archive: path of the .tar.gz.
    """

    def __init__(self, archive: Path) -> None:
        wanted = {f"packages/{path}": name for name, path in _PATHS.items()}
        self._texts: dict[str, str] = {}
        with tarfile.open(archive) as tar:
            for member in tar:
                name = wanted.get(str(PurePosixPath(*PurePosixPath(member.name).parts[1:])))
                file = tar.extractfile(member) if name else None
                if name and file:
                    self._texts[name] = file.read().decode()
        self._names = self._enums() | self._lists()

    def literal(self, file: str, marker: str) -> Any:
        """The object or list after the first occurrence of ``marker`` (a regular expression that ends before it)."""
        text = self._texts[file]
        found = re.search(marker, text)
        if found is None:
            raise LookupError(f"{_PATHS[file]} has no {marker}")
        return _Reader(text[found.end() :], self._names).value()

    def table(self, file: str, name: str) -> dict[str, Any]:
        """The constant ``name`` of a file."""
        found = self.literal(file, rf"const {name}\b[^=]*=\s*")
        return {str(key).strip(): value for key, value in found.items()}

    def number(self, file: str, name: str) -> float:
        """A number named in a file."""
        found = re.search(rf"\b{name}: ([\d.]+)", self._texts[file])
        if found is None:
            raise LookupError(f"{_PATHS[file]} has no {name}")
        return float(found[1])

    def _enums(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for text in self._texts.values():
            for enum, body in re.findall(r"enum (\w+) \{(.*?)\n\}", text, re.DOTALL):
                found |= {f"{enum}.{name}": value for name, value in re.findall(r"(\w+) = '([^']*)'", body)}
        for name, region in re.findall(r"(\w+): \{\s*name: '([^']*)'", self._texts["azure.regions"]):
            found[f"AZURE_REGIONS.{name}.name"] = region
        for name, value in re.findall(r"(\w+): ([\d.]+)", self._texts["nerc"]):
            found[f"US_NERC_REGIONS_EMISSIONS_FACTORS.{name}"] = float(value)
        return found

    def _lists(self) -> dict[str, Any]:
        lists = re.findall(r"const (\w+) = \[(.*?)\]", self._texts["processors"], re.DOTALL)
        known = self._enums()
        return {name: [known[word] for word in re.findall(r"[\w.]+", body)] for name, body in lists}


class _Reader:
    """An object literal as Python values; words that stand for constants are looked up."""

    def __init__(self, text: str, names: Mapping[str, Any]) -> None:
        self._tokens = _tokens(text)
        self._names = names

    def value(self) -> Any:
        return self._read(next(self._tokens))

    def _read(self, token: tuple[str, str]) -> Any:
        kind, text = token
        if kind == "mark":
            return self._object() if text == "{" else self._list()
        if kind == "number":
            return float(text)
        return text if kind == "text" else self._names.get(text, text)

    def _object(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for kind, text in self._tokens:
            if text == "}" and kind == "mark":
                return found
            if text == "," and kind == "mark":
                continue
            key = self._read((kind, text))
            next(self._tokens)  # the colon
            found[key[0] if isinstance(key, list) else key] = self.value()
        raise LookupError("an object has no end")

    def _list(self) -> list[Any]:
        found: list[Any] = []
        for token in self._tokens:
            if token == ("mark", "]"):
                return found
            if token != ("mark", ","):
                found.append(self._read(token))
        raise LookupError("a list has no end")


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    for match in _TOKEN.finditer(text):
        single, double, number, word, mark = match.groups()
        for kind, found in (("text", single), ("text", double), ("number", number), ("word", word), ("mark", mark)):
            if found is not None:
                yield kind, found


def typical(processors: Sequence[str], figures: Mapping[str, float], otherwise: float, *, median: bool = True) -> float:
    """The figure of a list of possible processors, as published: mean or median; the provider's average when one is not known.

    Args:
        figures: by processor.
        otherwise: the provider's average.
        median: whether lists that hold an outlier take the median.
    """
    known = [figures[name] for name in processors if name in figures]
    if len(known) != len(processors) or not known:
        return otherwise
    return statistics.median(known) if median and OUTLIERS.intersection(processors) else statistics.fmean(known)


def slug(text: str) -> str:
    """A name as it may stand in the id of a factor."""
    return re.sub(r"\W+", "_", text.lower()).strip("_")


def processors_id(provider: str, processors: Sequence[str], figures: Mapping[str, float]) -> str:
    """Name of a list of possible processors; one for all lists that the provider's average stands for."""
    if any(name not in figures for name in processors):
        return f"{provider}_unknown"
    return f"{provider}_{'_or_'.join(sorted(map(slug, processors)))}"


@cache
def read(archive: Path) -> Source:
    """The archive at a path; read once."""
    return Source(archive)
