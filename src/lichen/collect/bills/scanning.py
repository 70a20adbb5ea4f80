# SPDX-License-Identifier: Apache-2.0
"""A look at all bytes of a CSV file while they pass, for what an engine would read past without a word.

DuckDB leaves out a last line of more than its buffer of 32 MiB, and takes bytes of zero for a part of a name.
"""

from __future__ import annotations

import codecs
import zlib
from typing import Final, NoReturn

from lichen.collect.bills.opening import LONGEST_LINE
from lichen.errors import StorageError

_GZIP: Final = b"\x1f\x8b"
_GZIP_WINDOW: Final = 31
_OTHERS: Final = (b"PAR1", codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
"""How files begin that are no CSV, or that are refused by their first bytes."""
_BLOCK: Final = 1 << 20


class Scan:
    """Takes the bytes of a file one block after the other, packed with gzip or not; files of other kinds pass unseen.

    Args:
        name: of the file, for messages.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._begun = self._looked = False
        self._seen = True
        self._unpacker: zlib._Decompress | None = None
        self._line = 0

    def take(self, block: bytes) -> None:
        """The next bytes of the file.

        Raises:
            StorageError: its text holds a byte of zero, or a line that no bill has.
        """
        if not self._begun:
            self._begun = True
            self._unpacker = zlib.decompressobj(wbits=_GZIP_WINDOW) if block.startswith(_GZIP) else None
        if self._unpacker is None:
            self._look(block)
            return
        try:
            self._unpack(block)
        except zlib.error:
            # Whoever reads the file says that it is damaged.
            self._seen, self._unpacker = False, None

    def _unpack(self, block: bytes) -> None:
        while block and self._seen and self._unpacker is not None:
            self._look(self._unpacker.decompress(block, _BLOCK))
            block = self._unpacker.unconsumed_tail
            if self._unpacker.eof:
                # Files that are packed one by one and put together are one file.
                block = self._unpacker.unused_data
                self._unpacker = zlib.decompressobj(wbits=_GZIP_WINDOW)

    def _look(self, text: bytes) -> None:
        if not self._looked and text:
            self._looked = True
            self._seen = not text.startswith(_OTHERS) and text.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] not in (b"{", b"[")
        if not self._seen:
            return
        if b"\0" in text:
            self._refuse("is no text", "Export the bill as CSV or Parquet.")
        breaks = [at for at in (text.find(b"\n"), text.find(b"\r")) if at >= 0]
        if self._line + min(breaks, default=len(text)) > LONGEST_LINE:
            self._refuse(f"has a line of more than {LONGEST_LINE >> 20} MiB", "Look for a quote that is never closed.")
        if breaks:
            self._line = len(text) - 1 - max(text.rfind(b"\n"), text.rfind(b"\r"))
        else:
            self._line += len(text)

    def _refuse(self, problem: str, repair: str) -> NoReturn:
        raise StorageError(f"{self._name} {problem}.", repair=repair, culprit=self._name)
