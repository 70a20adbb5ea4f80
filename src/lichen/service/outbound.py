# SPDX-License-Identifier: Apache-2.0
"""The way out: requests to addresses that somebody configured, which must not become a way into the private network.

A host is resolved once and the connection goes to the address that was looked at; an address that is not public is refused unless
its host was declared. Redirects are not followed, proxies of the environment are not used, and the whole exchange has a deadline.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final

import httpx2

from lichen import __version__
from lichen.errors import ConfigError

DEADLINE_S: Final = 20.0
"""Seconds for a whole exchange, from the look-up of the host to the last byte of the answer."""
ANSWER_MAX: Final = 64 * 1024
"""Bytes of an answer that are read."""

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Addresses of a host, as text."""

_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""Well-known prefix of IPv4 addresses behind a translator (RFC 6052, section 2.1)."""
_NOWHERE: Final = (
    ipaddress.IPv4Network("192.0.0.0/24"),
    ipaddress.IPv6Network("fec0::/10"),
    ipaddress.IPv6Network("3fff::/20"),
)
"""What Python 3.11 takes for public and is not: addresses of protocols, where a cloud's metadata lay (RFC 6890, section 2.2.2);
of sites, deprecated and still routed (RFC 3879, section 4); of documentation (RFC 9637)."""
_OF_CLOUDS: Final = frozenset({ipaddress.IPv4Address("168.63.129.16")})
"""Public addresses that lead to a cloud's own services: Azure's WireServer (learn.microsoft.com, "What is IP address
168.63.129.16?")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer: status, the headers in lower case, and the beginning of the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body's beginning as text on one line."""
        return " ".join(self.body[:300].decode(errors="replace").split())


@dataclass(frozen=True, slots=True)
class Unreachable:
    """No answer: why, in a sentence without the path of the address."""

    reason: str


@dataclass(frozen=True, slots=True)
class _Target:
    """Where a request goes: the address as configured, and the IP address that its host stands for."""

    url: httpx2.URL
    address: Address

    @property
    def pinned(self) -> httpx2.URL:
        """The same with the IP address as its host."""
        return self.url.copy_with(host=str(self.address))


async def resolve(host: str, port: int) -> Sequence[str]:
    """Addresses of a host by the system's resolver; OSError when it has none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def is_public(address: Address) -> bool:
    """Whether an address lies in the public internet, whatever it is wrapped in."""
    inner = _unwrapped(address)
    if inner is not None:
        return is_public(inner)
    if address in _OF_CLOUDS or any(address in network for network in _NOWHERE):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved)


def _unwrapped(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address inside an IPv6 one."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    # ::/96, deprecated (RFC 4291, section 2.5.5.1), but still understood by some systems.
    if 1 < int(address) < 2**32:
        return ipaddress.IPv4Address(int(address))
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


@dataclass(frozen=True, slots=True)
class Outbound:
    """Sends requests to configured addresses.

    Attributes:
        allowed: hosts, in lower case, that may lie in a private network or be spoken to without encryption.
        resolver: how hosts are looked up. deadline_s: seconds for a whole exchange.
    """

    allowed: frozenset[str] = field(default_factory=frozenset)
    resolver: Resolver = resolve
    deadline_s: float = DEADLINE_S

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply | Unreachable:
        """Sends a body; an answer that redirects is given back as it is, nobody follows it.

        Args:
            url: https, or http for a host that is allowed to.

        Raises:
            ConfigError: the address is none, or leads where it must not.
        """
        parsed = _read(url, self.allowed)
        try:
            return asyncio.run(self._bounded(parsed, body, headers))
        except TimeoutError:
            return Unreachable(f"{parsed.host} did not answer within {self.deadline_s:g} s.")

    async def _bounded(self, url: httpx2.URL, body: bytes, headers: Mapping[str, str]) -> Reply | Unreachable:
        async with asyncio.timeout(self.deadline_s):
            return await self._post(url, body, headers)

    async def _post(self, url: httpx2.URL, body: bytes, headers: Mapping[str, str]) -> Reply | Unreachable:
        try:
            target = await self._pin(url)
        except OSError as error:
            return Unreachable(f"{url.host} cannot be found: {error.strerror or error}.")
        except UnicodeError:  # of Python's own look-up, for a label that is empty or longer than 63 characters
            return Unreachable(f"{url.host} cannot be found: it is no name of a host.")
        named = {
            "user-agent": f"lichen/{__version__}",
            "accept-encoding": "identity",
            **headers,
            "host": url.netloc.decode("ascii"),
        }
        # The certificate is held against the host, not against the address.
        extensions = {"sni_hostname": url.raw_host.decode("ascii")}
        try:
            async with (
                httpx2.AsyncClient(verify=_trusted(), trust_env=False, timeout=self.deadline_s) as client,
                client.stream("POST", target.pinned, content=body, headers=named, extensions=extensions) as response,
            ):
                return Reply(
                    status=response.status_code,
                    headers={name.lower(): value for name, value in response.headers.items()},
                    body=await _beginning(response),
                )
        except httpx2.HTTPError as error:
            return Unreachable(f"{url.host} cannot be reached: {_why(error)}.")

    async def _pin(self, url: httpx2.URL) -> _Target:
        """The address that a host stands for, looked up once.

        Raises:
            OSError: it has none.
            ConfigError: one of its addresses is not public.
        """
        found = [ipaddress.ip_address(text.partition("%")[0]) for text in await self.resolver(url.host, _port(url))]
        if not found:
            raise OSError("it has no address")
        private = next((one for one in found if not is_public(one)), None)
        if private is not None and url.host.lower() not in self.allowed:
            raise ConfigError(
                f"The host {url.host} leads to {private}, which is not in the public internet.",
                repair="If it is meant, add it to notify.allow_private_hosts.", culprit=url.host,
            )  # fmt: skip
        return _Target(url, found[0])


def _read(url: str, allowed: frozenset[str]) -> httpx2.URL:
    """An address, taken apart."""
    repair = "Give an address such as https://hooks.example.org/path."
    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError) as error:
        raise ConfigError("The address of a webhook is none.", repair=repair, culprit="url_env") from error
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ConfigError("The address of a webhook is none of http or https.", repair=repair, culprit="url_env")
    if parsed.userinfo:
        raise ConfigError(
            f"The address of a webhook on {parsed.host} holds a user's name.",
            repair="Take out what stands before the '@'.", culprit=parsed.host,
        )  # fmt: skip
    if parsed.scheme == "http" and parsed.host.lower() not in allowed:
        raise ConfigError(
            f"The webhook on {parsed.host} would be spoken to without encryption.",
            repair="Use https, or add the host to notify.allow_private_hosts.", culprit=parsed.host,
        )  # fmt: skip
    return parsed


def _port(url: httpx2.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


@cache
def _trusted() -> ssl.SSLContext:
    """Certificates that the system trusts; read once."""
    return httpx2.create_ssl_context(trust_env=False)


async def _beginning(response: httpx2.Response) -> bytes:
    """The first bytes of a body; no answer that matters is longer."""
    read = bytearray()
    async for chunk in response.aiter_raw():
        read += chunk
        if len(read) >= ANSWER_MAX:
            break
    return bytes(read[:ANSWER_MAX])


_REASONS: Final[Mapping[type[Exception], str]] = {
    httpx2.ConnectTimeout: "no connection in time",
    httpx2.ReadTimeout: "no answer in time",
    httpx2.RemoteProtocolError: "it hung up, or does not speak HTTP",
    httpx2.ConnectError: "no connection",
}


def _why(error: httpx2.HTTPError) -> str:
    """What went wrong, without addresses: some sentences of the library name the whole one."""
    return _REASONS.get(type(error), type(error).__name__)
