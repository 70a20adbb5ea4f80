# SPDX-License-Identifier: Apache-2.0
"""The settings of the server: where it listens and where it keeps what. Declared as in `lichen.config.settings`."""

from __future__ import annotations

from dataclasses import dataclass

from lichen.config.keys import declare
from lichen.config.kinds import ADDRESS, TEXT, integer, optional


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """`lichen serve`, and every command that reads its store or its ledger."""

    host: str = declare(
        TEXT, "127.0.0.1",
        en="Address that the server listens on; the default is reached from this machine only.",
        fr="Adresse d'écoute du serveur ; celle par défaut n'est joignable que depuis cette machine.",
    )  # fmt: skip
    port: int = declare(
        integer(0, 65535), 8000,
        en="Port that it listens on; the next free one when it is taken, any free one for 0.",
        fr="Port d'écoute ; le suivant qui est libre s'il est pris, n'importe lequel pour 0.",
    )  # fmt: skip
    url: str | None = declare(
        optional(ADDRESS), None, unset="the address that it listens on",
        en="Address that people and agents reach it by, behind a proxy.",
        fr="Adresse par laquelle on le joint, derrière un mandataire.",
    )  # fmt: skip
    store: str | None = declare(
        optional(TEXT), None, unset=".lichen/lichen.db in the folder of lichen.toml",
        en="Database of its decisions: sqlite:///FILE or postgresql://…",
        fr="Base de ses décisions : sqlite:///FICHIER ou postgresql://…",
    )  # fmt: skip
    ledger: str | None = declare(
        optional(TEXT), None, unset=".lichen/ledger in the folder of lichen.toml",
        en="Where its facts are kept: a folder, or s3://BUCKET/PREFIX.",
        fr="Où sont gardés ses faits : un dossier, ou s3://SEAU/PRÉFIXE.",
    )  # fmt: skip
