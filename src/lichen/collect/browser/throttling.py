# SPDX-License-Identifier: Apache-2.0
"""How much slower than it is the machine is made to look."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Throttling:
    """A slower network and a slower processor.

    Attributes:
        download_kbit_s, upload_kbit_s: throughput per connection target; None leaves it free.
        latency_ms: added to each request.
        cpu_rate: slow-down of the page's main thread (4 = four times slower). Chromium slows down by keeping the
            processor busy, so CPU time measured under it is not the page's own.
    """

    download_kbit_s: float | None = None
    upload_kbit_s: float | None = None
    latency_ms: float = 0.0
    cpu_rate: float = 1.0

    @property
    def slows_network(self) -> bool:
        """Whether the network is to be slowed down."""
        return self.download_kbit_s is not None or self.upload_kbit_s is not None or self.latency_ms > 0
