# SPDX-License-Identifier: Apache-2.0
"""Checks on an uploaded document: its real type, its size, its digest."""

import hashlib
from dataclasses import dataclass
from typing import Final

from lichen.demo.products import DocumentSpec

_PNG_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_PDF_SIGNATURE: Final = b"%PDF-"
_PDF_END: Final = b"%%EOF"
_PDF_END_WINDOW_BYTES: Final = 1024
_PNG_END: Final = b"IEND\xaeB`\x82"


@dataclass(frozen=True, slots=True)
class Finding:
    """What the check says of one document.

    Attributes:
        verdict: `accepted`, or the reason of refusal: `empty`, `too_large`, `type`, `truncated`, `mismatch`.
        media_type: the type that the content itself announces; None when it is neither PDF nor PNG.
        size_bytes: length of the content.
        sha256: hexadecimal digest of the content.
    """

    verdict: str
    media_type: str | None
    size_bytes: int
    sha256: str

    @property
    def accepted(self) -> bool:
        """Whether the document may be kept."""
        return self.verdict == "accepted"


def sniff(content: bytes) -> str | None:
    """Return the media type that the first bytes announce, or None; no file name or header is trusted."""
    if content.startswith(_PDF_SIGNATURE):
        return "application/pdf"
    if content.startswith(_PNG_SIGNATURE):
        return "image/png"
    return None


def digest(content: bytes) -> str:
    """Return the SHA-256 digest in hexadecimal."""
    return hashlib.sha256(content).hexdigest()


def check(content: bytes, spec: DocumentSpec, *, expected_sha256: str | None = None) -> Finding:
    """Check the content of a document against what the product asks.

    Args:
        content: the file, whole.
        spec: media types and largest size in bytes.
        expected_sha256: digest noted at reception, when the file is read back; a difference is a `mismatch`.

    Returns:
        The finding; it never raises on hostile content.
    """
    media_type = sniff(content)
    sha256 = digest(content)
    if not content:
        verdict = "empty"
    elif len(content) > spec.max_bytes:
        verdict = "too_large"
    elif media_type not in spec.media_types:
        verdict = "type"
    elif not _complete(content, media_type):
        verdict = "truncated"
    elif expected_sha256 is not None and sha256 != expected_sha256:
        verdict = "mismatch"
    else:
        verdict = "accepted"
    return Finding(verdict, media_type, len(content), sha256)


def _complete(content: bytes, media_type: str | None) -> bool:
    if media_type == "application/pdf":
        return _PDF_END in content[-_PDF_END_WINDOW_BYTES:]
    return content.endswith(_PNG_END)
