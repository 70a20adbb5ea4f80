# SPDX-License-Identifier: Apache-2.0
"""The settings of the server: where it listens and where it keeps what. Declared as in `lichen.config.settings`."""

from __future__ import annotations

from dataclasses import dataclass

from lichen.config.keys import declare
from lichen.config.kinds import ADDRESS, FLAG, PLACE, TEXT, integer, optional


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
        optional(PLACE), None, unset=".lichen/ledger in the folder of lichen.toml",
        en="Where its facts are kept: a folder, or s3://BUCKET/PREFIX.",
        fr="Où sont gardés ses faits : un dossier, ou s3://SEAU/PRÉFIXE.",
    )  # fmt: skip
    metrics: bool = declare(
        FLAG, False,
        en="Give figures at /metrics for Prometheus, to tokens that may read.",
        fr="Donner les chiffres sur /metrics pour Prometheus, aux jetons qui peuvent lire.",
    )  # fmt: skip
    journal_days: int = declare(
        integer(0, 3650), 7,
        en="Days that the ingest journal keeps run files which the ledger has as evidence.",
        fr="Jours pendant lesquels le journal d'arrivée garde les fichiers que le registre a comme preuves.",
    )  # fmt: skip
    webhook_secret_env: str | None = declare(
        optional(TEXT), None, unset="signed webhooks are not taken",
        en="Environment variable that holds the secret which webhooks of deployments are signed with.",
        fr="Variable d'environnement qui contient le secret qui signe les webhooks de mises en service.",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Oidc:
    """Signing in with the organisation's own identity provider (OpenID Connect)."""

    issuer: str | None = declare(
        optional(ADDRESS), None, unset="people sign in with a password",
        en="Address of the identity provider; what it publishes below /.well-known is read from there.",
        fr="Adresse du fournisseur d'identité ; ce qu'il publie sous /.well-known est lu là.",
    )  # fmt: skip
    client_id: str = declare(
        TEXT, "lichen",
        en="Name that the provider knows this server by.", fr="Nom sous lequel le fournisseur connaît ce serveur.",
    )  # fmt: skip
    client_secret_env: str | None = declare(
        optional(TEXT), None, unset="the provider asks for none",
        en="Environment variable that holds the secret shared with the provider.",
        fr="Variable d'environnement qui contient le secret partagé avec le fournisseur.",
    )  # fmt: skip
    name: str | None = declare(
        optional(TEXT), None, unset="the provider's host",
        en="Name of the provider on the sign-in page.", fr="Nom du fournisseur sur la page de connexion.",
    )  # fmt: skip
    create_accounts: bool = declare(
        FLAG, True,
        en="Make an account, in no team yet, for who signs in for the first time.",
        fr="Créer un compte, sans équipe encore, pour qui se connecte la première fois.",
    )  # fmt: skip
