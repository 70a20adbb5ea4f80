# SPDX-License-Identifier: Apache-2.0
"""Types of rented machines as bills write them, and the key of the catalogue that each one is.

A bill writes a type as a product (``Standard_D4s_v3``), a meter (``D4 v3/D4s v3 Spot``), or a word in a sentence (``N2 Instance
Core running in Paris``). A type that the catalogue does not know is answered by the nearest known one of the same provider, and
whoever asks is told so. Clouds that bill processors and memory apart are answered by the family of the machine.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Final

from lichen.catalogue import machines


@dataclass(frozen=True, slots=True)
class Nearest:
    """A known type that stands for an unknown one.

    Attributes:
        platform: its key in the catalogue.
        meant: the type that the bill names.
        why: ``size`` (another size of the family), ``generation`` (the family's other generation) or ``variant`` (a sister
            family of the same series and architecture).
        share: of the known machine, by the sizes in the names of both.
    """

    platform: str
    meant: str
    why: str
    share: float = field(default=1.0, compare=False)


@dataclass(frozen=True, slots=True)
class Size:
    """How large a machine is whose type says so itself; None is unknown."""

    vcpus: float
    memory_gib: float | None = None


@dataclass(frozen=True, slots=True)
class _Kind:
    """A type taken apart.

    Attributes:
        service: prefix of a service that rents it out, such as ``db``.
        variant: letters that narrow the series down, without order.
        shape: what sizes of a family are told apart by besides their number: ``standard``, ``highmem``.
        size: on a scale that doubles when the machine does.
    """

    series: str
    generation: int
    variant: str
    size: float
    shape: str = ""
    service: str = ""


_ARM: Final[Mapping[str, str]] = {"aws": "g", "azure": "p", "gcp": "a"}
"""Letter of the variant that says that a machine has ARM processors: one of another architecture is no neighbour."""
_FARTHEST: Final = 2.0
"""Doublings of the size beyond which a machine stands for no other one."""
_AWS_SIZES: Final[Mapping[str, float]] = {
    "nano": 0.25, "micro": 0.5, "small": 1, "medium": 2, "large": 4, "xlarge": 8, "xlplus": 8, "xl": 8,
}  # fmt: skip
"""Sizes of Amazon on the scale of its own normalisation factors; ``16xlarge`` is sixteen ``xlarge``."""
_AWS_METAL: Final = 1024.0
"""A whole server: larger than any size that has a number."""
_AWS_TYPE: Final = re.compile(r"[a-z]+\d*[a-z0-9-]*(?:\.[a-z0-9-]+)+")
_AWS: Final = re.compile(
    r"(?:(?P<service>[a-z]+)\.)?(?P<series>u|[a-z]+?)-?(?P<generation>\d+)(?P<variant>[a-z0-9-]*)"
    r"\.(?P<size>nano|micro|small|medium|large|xlplus|metal(?:-\d+xl)?|\d*xl(?:arge)?)(?:\.(?:search|elasticsearch))?"
)
_AZURE_TYPE: Final = re.compile(
    r"(?<![a-z0-9])(?:(?:standard|basic)[_ ])?[a-z]{1,3}\d+(?:-\d+)?[a-z]*(?:[_ ][a-z]{1,2}\d{1,4})?(?:[_ ]v\d)?"
    r"(?:[_ ]promo)?(?![a-z0-9])"
)
_AZURE: Final = re.compile(
    r"(?:(?:standard|basic)_)?(?P<series>[a-z]{1,3}?)(?P<size>\d+)(?:-\d+)?(?P<variant>[a-z]*)"
    r"(?:_(?P<card>(?!v\d+$)[a-z]{1,2}\d{1,4}))?(?:_v(?P<generation>\d+))?(?:_promo)?"
)
_AZURE_PROMO: Final = re.compile(r"[_ ](?:spot|low priority|promo)\b")
_GCP_TYPE: Final = re.compile(r"(?<![a-z0-9])[a-z]\d[a-z]?-[a-z]+(?:-\d+[a-z]?)?(?:-lssd|-metal)?(?![a-z0-9])")
_GCP: Final = re.compile(
    r"(?P<series>[a-z])(?P<generation>\d)(?P<variant>[a-z]?)-(?P<shape>[a-z]+)-(?P<size>\d+)g?(?:-lssd|-metal)?"
)
_GCP_CUSTOM: Final = re.compile(
    r"(?<![a-z0-9])(?:[a-z]\d[a-z]?-)?custom-(?P<vcpus>\d+)-(?P<mib>\d+)(?:-ext)?(?![a-z0-9])"
)
_GCP_FAMILY: Final = re.compile(
    r"(?<![a-z0-9])(?P<family>[a-z]\d[a-z]?)(?= (?:amd |arm |predefined |custom |sole tenancy |memory-optimized )*(?:extended )?"
    r"(?:instance|core|ram|cpu|vcpu))|^(?P<written>[a-z]\d[a-z]?)(?=-)"
)
_GCP_WORDS: Final = (
    ("compute optimized", "c2"),
    ("memory-optimized", "m1"),
    ("memory optimized", "m1"),
    ("micro instance", "f1"),
    ("small instance", "g1"),
    ("custom", "n1"),
)
"""Words that Google's SKUs have in place of the name of a family."""
_OCI_CLASS: Final = "(?:standard|denseio|optimized|gpu|hpc)"
_OCI_FAMILY: Final = re.compile(
    rf"(?:^|[ .])(?:(?P<numbered>{_OCI_CLASS}[1-4])|{_OCI_CLASS}[ .-]+(?P<family>[a-z]{{1,2}}\d+))(?![a-z0-9])"
)
_OCI_NUMBERED: Final[Mapping[str, str]] = {
    "standard1": "x5", "standard2": "x7", "standard3": "x9", "denseio1": "x5", "denseio2": "x7", "optimized3": "x9",
    "gpu2": "p100", "gpu3": "v100", "gpu4": "a100", "hpc2": "x7",
}  # fmt: skip
"""Shapes with a number of their own -> the family that price lists name."""
_OVH_TYPE: Final = re.compile(
    r"(?<![a-z0-9])(?:win-)?(?P<type>[a-z]{1,2}\d{0,4}s?(?:-le|-nvme)?-[a-z0-9]+?)(?:-flex)?(?![a-z0-9-])"
)
_OVH: Final = re.compile(r"(?P<series>[a-z]{1,2})(?P<generation>\d+)(?P<variant>s?(?:-le|-nvme)?)-(?P<size>\d+)")
_SCALEWAY_TYPE: Final = re.compile(r"(?<![a-z0-9])[a-z]+\d*s?(?:[-_][a-z0-9]+)+")
_SCALEWAY: Final = re.compile(
    r"(?P<series>[a-z]+)(?P<generation>\d+)(?P<variant>s?(?:-h[cmn])?)-(?P<size>\d+c|[a-z0-9]+)(?P<shape>.*)"
)
_SCALEWAY_SIZED: Final = re.compile(r"-(?P<vcpus>\d+)c-(?P<gb>\d+)g")
_SCALEWAY_SIZES: Final = ("pico", "nano", "micro", "xxs", "xs", "s", "m", "l", "xl", "2xl")
_WHYS: Final = ("size", "generation", "variant")


@lru_cache(maxsize=65536)
def find_instance(provider: str, text: str) -> str | None:
    """The type of machine that a text names.

    Args:
        provider: as `lichen.collect.bills.line` writes it: ``azure``.
        text: a type, a meter or a description.

    Returns:
        Its key in the catalogue; None where the text names no type that the catalogue knows.

    >>> find_instance("azure", "D4 v3/D4s v3 Spot"), find_instance("aws", "EUW2-BoxUsage:t3.xlarge")
    ('azure:d4_v3', 'aws:t3.xlarge')
    """
    known = _known(provider)
    return next((known[word] for word in _words(provider, text) if word in known), None)


@lru_cache(maxsize=65536)
def nearest(provider: str, type: str) -> Nearest | None:  # noqa: A002 -- the field's word
    """The known type that is nearest to an unknown one, of the same provider.

    Another size of the family is nearer than another generation, and both are nearer than a sister family. A machine of another
    architecture (ARM for x86) is none.

    >>> near = nearest("azure", "Standard_D4s_v6")
    >>> (near.platform, near.why) if near else None
    ('azure:d4s_v5', 'generation')
    """
    for word in _words(provider, type):
        asked = _taken_apart(provider, word)
        if asked is None:
            continue
        ranked = sorted(_distances(provider, asked))
        if ranked:
            (why, *_), key = ranked[0]
            known = _taken_apart(provider, key.partition(":")[2])
            told = known is not None and _AWS_METAL not in (known.size, asked.size)
            return Nearest(key, type, _WHYS[int(why)], asked.size / known.size if known and told else 1.0)
    return None


@lru_cache(maxsize=65536)
def core_family(provider: str, text: str) -> str | None:
    """The family of a machine whose processors and memory are billed apart.

    >>> core_family("gcp", "N2 Instance Core running in Paris"), core_family("oci", "Standard - E4 - Memory")
    ('gcp:n2', 'oci:e4')
    """
    family_of = _FAMILIES.get(provider)
    found = family_of(text.lower()) if family_of else None
    key = f"{provider}:{found}"
    return key if found and machines.find(key) else None


@lru_cache(maxsize=65536)
def size_of(provider: str, text: str) -> Size | None:
    """How large a machine is, where its type says so itself: ``n2-custom-8-32768``, ``POP2-8C-32G``.

    Returns:
        Virtual CPUs and memory [GiB].
    """
    lower = text.lower()
    if provider == "gcp" and (match := _GCP_CUSTOM.search(lower)):
        return Size(float(match["vcpus"]), float(match["mib"]) / 1024)
    if provider == "gcp" and (match := _GCP.search(lower)):
        return Size(float(match["size"]))
    if provider == "scaleway" and (match := _SCALEWAY_SIZED.search(lower.replace("_", "-"))):
        return Size(float(match["vcpus"]), float(match["gb"]))
    return None


@cache
def _known(provider: str) -> Mapping[str, str]:
    """Types of a provider -> their keys; services, which have no size, are none."""
    start = f"{provider}:"
    sized = (key for key in machines.keys() if key.startswith(start) and machines.has(key, "vcpu", "ccf_vcpus"))  # noqa: SIM118 -- a function
    return {key.removeprefix(start): key for key in sized}


def _words(provider: str, text: str) -> Iterator[str]:
    """Words of a text that may be a type, as the catalogue would write them; the likeliest first."""
    return iter(dict.fromkeys(_WORDS.get(provider, _plain)(text.strip().lower())))


def _plain(text: str) -> Iterator[str]:
    yield text


def _aws_words(text: str) -> Iterator[str]:
    for word in (text, *_AWS_TYPE.findall(text)):
        whole = word.rpartition(":")[2].strip("-")
        for form in (whole, re.sub(r"(?<=xl)$", "arge", whole), whole.split("-", 1)[0]):
            yield form
            parts = form.split(".")
            if len(parts) > 2:
                yield ".".join(parts[:2] if parts[-1] in ("search", "elasticsearch") else parts[1:])


def _azure_words(text: str) -> Iterator[str]:
    plain = _AZURE_PROMO.sub("", text)
    for word in (*plain.split("/"), *_AZURE_TYPE.findall(plain)):
        whole = re.sub(r"[ _]+", "_", word.strip())
        bare = re.sub(r"^(standard|basic)_", "", whole)
        yield from (whole, bare, f"standard_{bare}", f"{bare}_1")


def _gcp_words(text: str) -> Iterator[str]:
    if _GCP_CUSTOM.search(text):
        return
    yield text
    yield text.removeprefix("db-")
    yield from _GCP_TYPE.findall(text)


def _ovh_words(text: str) -> Iterator[str]:
    yield text
    yield from (match["type"] for match in _OVH_TYPE.finditer(text))


def _scaleway_words(text: str) -> Iterator[str]:
    for word in (text, *_SCALEWAY_TYPE.findall(text)):
        parts = re.split(r"[-_ ]+", word)
        for length in range(len(parts), 1, -1):
            yield "-".join(parts[:length])


_WORDS: Final[Mapping[str, Callable[[str], Iterator[str]]]] = {
    "aws": _aws_words,
    "azure": _azure_words,
    "gcp": _gcp_words,
    "ovhcloud": _ovh_words,
    "scaleway": _scaleway_words,
}


def _gcp_family(text: str) -> str | None:
    if match := _GCP_FAMILY.search(text):
        return match["family"] or match["written"]
    return next((family for words, family in _GCP_WORDS if words in text), None)


def _oci_family(text: str) -> str | None:
    match = _OCI_FAMILY.search(text)
    if match is None:
        return None
    return match["family"] or _OCI_NUMBERED.get(match["numbered"])


_FAMILIES: Final[Mapping[str, Callable[[str], str | None]]] = {"gcp": _gcp_family, "oci": _oci_family}


@lru_cache(maxsize=65536)
def _taken_apart(provider: str, word: str) -> _Kind | None:
    if (pattern := _PATTERNS.get(provider)) is None or (match := pattern.fullmatch(word)) is None:
        return None
    parts = match.groupdict()
    size = _SIZES.get(provider, _number)(parts["size"])
    if size is None:
        return None
    return _Kind(
        series=parts["series"],
        generation=int(parts["generation"] or 1),
        variant="".join(sorted(parts["variant"] + (parts.get("card") or ""))),
        size=size,
        shape=parts.get("shape") or "",
        service=parts.get("service") or "",
    )


_PATTERNS: Final[Mapping[str, re.Pattern[str]]] = {
    "aws": _AWS,
    "azure": _AZURE,
    "gcp": _GCP,
    "ovhcloud": _OVH,
    "scaleway": _SCALEWAY,
}


def _aws_size(text: str) -> float | None:
    if text.startswith("metal"):
        return float(text[6:-2]) * 8 if text[6:] else _AWS_METAL
    number, size = re.fullmatch(r"(\d*)([a-z]+)", text).groups()  # type: ignore[union-attr] # what the pattern has found
    return (float(number) if number else 1.0) * _AWS_SIZES[size]


def _scaleway_size(text: str) -> float | None:
    if text in _SCALEWAY_SIZES:
        return float(2 ** _SCALEWAY_SIZES.index(text))
    return _number(text.removesuffix("c"))


def _number(text: str) -> float | None:
    return float(text) if text.isdigit() and int(text) else None


_SIZES: Final[Mapping[str, Callable[[str], float | None]]] = {"aws": _aws_size, "scaleway": _scaleway_size}


@cache
def _families(provider: str) -> Mapping[str, tuple[tuple[_Kind, str], ...]]:
    """Known types, taken apart, by series."""
    found: dict[str, list[tuple[_Kind, str]]] = {}
    for word, key in _known(provider).items():
        kind = _taken_apart(provider, word)
        if kind is not None:
            found.setdefault(kind.series, []).append((kind, key))
    return {series: tuple(kinds) for series, kinds in found.items()}


def _distances(provider: str, asked: _Kind) -> Iterator[tuple[tuple[float, ...], str]]:
    """How far known types of the series are: why, variant, generation, shape, service, size; and the key."""
    arm = _ARM.get(provider, "-arm-")
    for kind, key in _families(provider).get(asked.series, ()):
        far = abs(math.log2(kind.size / asked.size))
        whole = _AWS_METAL in (kind.size, asked.size)
        if (arm in kind.variant) != (arm in asked.variant) or (far > _FARTHEST and not whole):
            continue
        same_variant, same_generation = kind.variant == asked.variant, kind.generation == asked.generation
        why = 0 if same_variant and same_generation else 1 if same_variant else 2
        yield (
            (
                why,
                len(set(kind.variant) ^ set(asked.variant)),
                abs(kind.generation - asked.generation),
                kind.shape != asked.shape,
                far,
                kind.service != asked.service,
                # A machine that the catalogue knows whole comes before one of which only the processors are known.
                "host" not in (machines.find(key) or {}),
                -kind.generation,
            ),
            key,
        )
