# SPDX-License-Identifier: Apache-2.0
"""The weekly digest: what changed in a team, an application or the organisation, and what is likely to be behind it."""

from lichen.service.digest.build import About, build, build_all
from lichen.service.digest.model import Digest, digest_message, read_digest
from lichen.service.digest.sending import abouts_of, enqueue_week

__all__ = ["About", "Digest", "abouts_of", "build", "build_all", "digest_message", "enqueue_week", "read_digest"]
