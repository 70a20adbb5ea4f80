# SPDX-License-Identifier: Apache-2.0
"""`lichen compare`: two versions of a site, measured in pairs or recorded, and what differs between them.

::

    operands    what is compared: an address, a command, a Git reference, recorded runs
    sides       each operand up and ready: its server, its journeys
    pairs       runs of both sides in turn, looked at after 6, 9, 13, 18 and 25 pairs
    recorded    the same question asked of runs that exist already
    effects     how much each quantity differs, by journey, step and part
    causes      which request, step or part that comes from
    comparison  the use case
"""

from lichen.service.comparing.comparison import Options, compare

__all__ = ["Options", "compare"]
