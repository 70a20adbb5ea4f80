# SPDX-License-Identifier: Apache-2.0
"""Signing in with the organisation's identity provider: OpenID Connect Core 1.0, authorization code flow with PKCE (RFC 7636).

The one place of the server that calls another one, and only when ``[oidc]`` names it. What a sign-in under way must remember
(state, nonce, verifier) lies in a cookie of the browser that began it, so that nobody can fill the store with beginnings.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import ipaddress
import json
import os
import secrets
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import httpx2
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.base_client import OpenIDMixin
from authlib.integrations.httpx_client import OAuth2Client
from joserfc.errors import JoseError

from lichen.config.serving import Oidc
from lichen.errors import ConfigError
from lichen.outputs.web.problems import Problem

_SCOPE: Final = "openid email profile"
_TIMEOUT_S: Final = 10.0
_LEEWAY_S: Final = 60
_SIGNATURES: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
    "Ed25519",
)
"""By a private key of the provider: neither ``none`` nor a secret that this server holds too."""
_ENDPOINTS: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri")


Cause = Literal["silent", "foreign", "refused", "unsound"]
_CAUSES: Final[Mapping[Cause, str]] = {
    "silent": "it does not answer",
    "foreign": "its answer belongs to another sign-in or comes from another provider",
    "refused": "it did not sign anybody in",
    "unsound": "what it says does not hold",
}


class ProviderFailed(Problem):
    """The identity provider does not answer, or what it says does not hold.

    Args:
        name: of the provider, as shown.
        cause: why, in one word; pages have a sentence for each.
        detail: of what does not hold, for the log.
    """

    def __init__(self, name: str, cause: Cause, detail: str = "") -> None:
        told = f"{_CAUSES[cause]} ({detail})" if detail else _CAUSES[cause]
        super().__init__(
            502, f"Signing in with {name} failed: {told}.", repair="Try again, or ask who runs it.", culprit=name
        )
        self.name = name
        self.cause: Final = cause


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """A sign-in under way; random texts of 256 bits, and the address to go on to."""

    state: str
    nonce: str
    verifier: str
    target: str

    def packed(self) -> str:
        """As the value of a cookie."""
        return base64.urlsafe_b64encode(json.dumps(asdict(self)).encode()).decode()


def unpacked(cookie: str) -> Beginning | None:
    """The sign-in that a cookie tells of; None when it tells of none."""
    try:
        found = json.loads(base64.urlsafe_b64decode(cookie.encode()))
        return Beginning(**{name: str(found[name]) for name in ("state", "nonce", "verifier", "target")})
    except (binascii.Error, ValueError, KeyError, TypeError):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """Who signed in, as the provider says.

    Attributes:
        subject: unique and never given to anybody else: issuer and ``sub``.
        email: None when it says none, or does not vouch for it.
        name: as shown; may be empty.
    """

    subject: str
    email: str | None
    name: str


class Provider(OpenIDMixin):  # type: ignore[misc]  # authlib has no types
    """An identity provider.

    Args:
        settings: of the section ``[oidc]``, with an issuer.
        redirect_uri: address of this server that the provider sends people back to.

    Raises:
        ConfigError: the issuer is reached without TLS and is not on this machine, or the variable of the secret is not set.
    """

    def __init__(self, settings: Oidc, *, redirect_uri: str) -> None:
        issuer = settings.issuer or ""
        if not _is_confidential(issuer):
            raise ConfigError(
                f"The identity provider {issuer} is reached without TLS.",
                repair="Write https://.",
                culprit="oidc.issuer",
            )
        variable = settings.client_secret_env
        if variable is not None and not os.environ.get(variable):
            raise ConfigError(
                f"The variable {variable} of oidc.client_secret_env is not set.", repair="Set it, or take the key out.",
                culprit="oidc.client_secret_env",
            )  # fmt: skip
        self.issuer: Final = issuer
        self.name: Final = settings.name or (urlsplit(issuer).hostname or issuer)
        self.client_id: Final = settings.client_id
        self.server_metadata: dict[str, Any] = {}
        self._secret: Final = os.environ[variable] if variable is not None else None
        self._redirect_uri: Final = redirect_uri
        self._lock: Final = threading.Lock()

    def begin(self, target: str) -> tuple[Beginning, str]:
        """Starts a sign-in.

        Args:
            target: address of this server to go on to afterwards.

        Returns:
            What to remember, and the provider's address to send the browser to.

        Raises:
            ProviderFailed: it does not answer.
        """
        beginning = Beginning(
            state=secrets.token_urlsafe(32),
            nonce=secrets.token_urlsafe(32),
            verifier=secrets.token_urlsafe(48),
            target=target,
        )
        with self._told(), self._client() as client:
            url, _ = client.create_authorization_url(
                self.load_server_metadata()["authorization_endpoint"],
                state=beginning.state, nonce=beginning.nonce, code_verifier=beginning.verifier,
            )  # fmt: skip
        return beginning, str(url)

    def finish(self, beginning: Beginning, answer: Mapping[str, str]) -> Claims:
        """Ends a sign-in.

        Args:
            beginning: what the browser that comes back remembers.
            answer: parameters that the provider sent it back with.

        Raises:
            ProviderFailed: the answer belongs to another sign-in, the provider refuses, or its signature does not hold.
        """
        if not hmac.compare_digest(answer.get("state", "").encode(), beginning.state.encode()):
            raise ProviderFailed(self.name, "foreign")
        if answer.get("iss", self.issuer) != self.issuer:  # RFC 9207: mix-up of two providers
            raise ProviderFailed(self.name, "foreign")
        if "error" in answer or not answer.get("code"):
            raise ProviderFailed(self.name, "refused")
        with self._told():
            metadata = self.load_server_metadata()
            with self._client() as client:
                token = client.fetch_token(
                    metadata["token_endpoint"], grant_type="authorization_code", code=answer["code"],
                    redirect_uri=self._redirect_uri, code_verifier=beginning.verifier,
                )  # fmt: skip
            wanted = {
                "iss": {"essential": True, "value": self.issuer}, "aud": {"essential": True, "values": [self.client_id]},
            }  # fmt: skip
            found = self.parse_id_token(token, nonce=beginning.nonce, claims_options=wanted, leeway=_LEEWAY_S)
        if found is None or not str(found["sub"]):
            raise ProviderFailed(self.name, "unsound", "no subject")
        email = found.get("email") if found.get("email_verified") is True else None
        return Claims(
            subject=f"{self.issuer}#{found['sub']}",
            email=str(email) if email else None,
            name=str(found.get("name") or ""),
        )

    def load_server_metadata(self) -> dict[str, Any]:
        """What the provider publishes about itself (OpenID Connect Discovery 1.0); read once."""
        with self._lock:
            if not self.server_metadata:
                with self._get_session() as session:
                    answer = session.get(f"{self.issuer.rstrip('/')}/.well-known/openid-configuration")
                    answer.raise_for_status()
                    found = answer.json()
                if not isinstance(found, dict) or found.get("issuer") != self.issuer:
                    raise ProviderFailed(self.name, "unsound", "it publishes another issuer")
                if any(not _is_confidential(str(found.get(name))) for name in _ENDPOINTS):
                    raise ProviderFailed(self.name, "unsound", "it publishes an address without TLS")
                offered = found.get("id_token_signing_alg_values_supported") or ["RS256"]
                found["id_token_signing_alg_values_supported"] = [name for name in _SIGNATURES if name in offered]
                self.server_metadata = found
            return self.server_metadata

    @contextmanager
    def _get_session(self) -> Iterator[_Session]:
        with httpx2.Client(timeout=_TIMEOUT_S, follow_redirects=False) as client:
            yield _Session(client)

    def _client(self) -> Any:
        return OAuth2Client(
            client_id=self.client_id, client_secret=self._secret, redirect_uri=self._redirect_uri, scope=_SCOPE,
            code_challenge_method="S256", timeout=_TIMEOUT_S, follow_redirects=False,
            token_endpoint_auth_method="client_secret_basic" if self._secret else "none",
        )  # fmt: skip

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise ProviderFailed(self.name, "silent") from error
        except (AuthlibBaseError, JoseError, ValueError, KeyError, TypeError) as error:
            raise ProviderFailed(self.name, "unsound", type(error).__name__) from error


class _Session:
    """What `OpenIDMixin` reads keys with."""

    def __init__(self, client: httpx2.Client) -> None:
        self._client = client

    def request(self, method: str, url: str, *, withhold_token: bool = True) -> httpx2.Response:
        """A request; there is no token to withhold."""
        del withhold_token
        return self._client.request(method, url)

    def get(self, url: str) -> httpx2.Response:
        """A document."""
        return self._client.get(url)


def _is_confidential(url: str) -> bool:
    """Whether what is sent there is read by nobody else: TLS, or this machine."""
    parts = urlsplit(url)
    if parts.scheme == "https":
        return True
    host = parts.hostname or ""
    try:
        return parts.scheme == "http" and (host == "localhost" or ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False
