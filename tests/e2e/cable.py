# SPDX-License-Identifier: Apache-2.0
"""A way to a server that can be cut after so many bytes, and mended. A process of its own: clients may block their interpreter.

    python tests/e2e/cable.py HOST PORT [back]

Prints its port. A number on its input lets so many bytes pass from then on, nothing for ever; the answer is what was left before.
Bytes towards the server count; with ``back``, those that come from it.
"""

from __future__ import annotations

import asyncio
import math
import sys


class Cable:
    """Counts the bytes towards the server, or those back from it."""

    def __init__(self, host: str, port: int, *, back: bool) -> None:
        self._place = host, port
        self._back = back
        self._left = math.inf

    async def connect(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        """Passes one connection on, both ways."""
        if self._left > 0:
            far, out = await asyncio.open_connection(*self._place)
            await asyncio.wait(
                {
                    asyncio.create_task(self._pass_on(near, out, counted=not self._back)),
                    asyncio.create_task(self._pass_on(far, back, counted=self._back)),
                },
                return_when=asyncio.FIRST_COMPLETED,
            )
            out.close()
        back.close()

    async def _pass_on(self, source: asyncio.StreamReader, target: asyncio.StreamWriter, *, counted: bool) -> None:
        try:
            while some := await source.read(4096):
                self._left -= len(some) * counted
                if self._left <= 0:
                    return
                target.write(some)
                await target.drain()
        except OSError:
            return

    def let_pass(self, line: str) -> float:
        """So many bytes from now on; those that were left."""
        before, self._left = self._left, float(line or math.inf)
        return before


async def main() -> None:
    """Passes on until its input ends."""
    cable = Cable(sys.argv[1], int(sys.argv[2]), back=sys.argv[3:] == ["back"])
    server = await asyncio.start_server(cable.connect, "127.0.0.1", 0)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    while line := await asyncio.to_thread(sys.stdin.readline):
        sys.stdout.write(f"{cable.let_pass(line.strip())}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
