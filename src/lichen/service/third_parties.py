# SPDX-License-Identifier: Apache-2.0
"""Third parties that answer from a recording: which one a measurement uses, and how it is made."""

from __future__ import annotations

from lichen.collect.journeys import Archive, Book
from lichen.config import Settings
from lichen.errors import ConfigError
from lichen.ledger.runfile import write_atomically


def source_of_third_parties(settings: Settings, *, record: bool) -> Archive | Book | None:
    """What hosts outside the journeys' sites answer from; an empty book when they are to be recorded; None: as they are.

    Raises:
        ConfigError: there is no recording where the settings name one, or they name none for what is to be recorded.
        StorageError: the recording is damaged.
    """
    path = settings.browser.third_parties
    if record and path is None:
        raise ConfigError(
            "The settings name no file for the recording of third parties.",
            repair='Set browser.third_parties = "third-parties.zip" in lichen.toml.',
            culprit="browser.third_parties",
        )
    if path is None:
        return None
    return Book() if record else Archive.read(path)


def write_recording(settings: Settings, book: Book) -> Archive:
    """Writes what was recorded over the file that the settings name, and returns it."""
    archive = book.archive()
    if settings.browser.third_parties is not None:
        write_atomically(settings.browser.third_parties, archive.to_bytes())
    return archive
