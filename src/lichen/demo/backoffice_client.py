# SPDX-License-Identifier: Apache-2.0
"""How the portal talks to the back office: over HTTP, with a clear error when nobody answers."""

from collections.abc import Sequence
from typing import Any, Final

import httpx2

_TIMEOUT_S: Final = 5.0


class BackOfficeAwayError(Exception):
    """The back office does not answer, or answers with an error of its own."""


class BackOfficeClient:
    """Calls the API of the back office at `url`; without one, every call finds it away."""

    def __init__(self, url: str | None) -> None:
        self._http = httpx2.AsyncClient(base_url=url or "", timeout=_TIMEOUT_S, trust_env=False) if url else None

    async def assess(self, application_id: int) -> None:
        """Ask for the decision on a submitted application; it is in the database when this returns."""
        await self._call("POST", f"/api/applications/{application_id}/assess")

    async def progress(self, identifiers: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Return progress by application, in one call for all of them."""
        if not identifiers:
            return {}
        joined = ",".join(str(identifier) for identifier in identifiers)
        answer = await self._call("GET", f"/api/progress?ids={joined}")
        return {int(item["id"]): item for item in answer["applications"]}

    async def close(self) -> None:
        """Close the connections."""
        if self._http is not None:
            await self._http.aclose()

    async def _call(self, method: str, path: str) -> dict[str, Any]:
        if self._http is None:
            raise BackOfficeAwayError
        try:
            response = await self._http.request(method, path)
            response.raise_for_status()
            answer: dict[str, Any] = response.json()
        except (httpx2.HTTPError, ValueError) as error:
            raise BackOfficeAwayError from error
        return answer
