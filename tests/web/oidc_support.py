# SPDX-License-Identifier: Apache-2.0
"""A small identity provider on this machine: discovery, codes bound to a verifier, signed tokens, and the faults of a bad one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT_ID, SECRET = "lichen", "canary-client-secret"
RSA = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})
OTHER = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})


class IdentityProvider:
    """What the provider knows, and how it errs.

    Attributes:
        person: claims about who signs in.
        change: changes the claims of an ID token before it is signed.
        sign: signs them.
        publish: changes what is published.
        seen: requests, by path.
    """

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.person: dict[str, Any] = {"sub": "42", "email": "Ada@Example.org", "email_verified": True, "name": "Ada"}
        self.change: Callable[[dict[str, Any]], None] = lambda claims: None
        self.publish: Callable[[dict[str, Any]], None] = lambda document: None
        self.sign: Callable[[dict[str, Any]], str] = lambda claims: jwt.encode(
            {"alg": "RS256", "kid": "one"}, claims, RSA
        )
        self.seen: list[str] = []
        self._codes: dict[str, dict[str, str]] = {}

    def discovery(self) -> dict[str, Any]:
        document = {
            "issuer": self.issuer, "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token", "jwks_uri": f"{self.issuer}/keys",
            "response_types_supported": ["code"], "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
        }  # fmt: skip
        self.publish(document)
        return document

    def authorize(self, query: dict[str, str]) -> str:
        """The address that a person who agrees is sent back to."""
        assert query["response_type"] == "code"
        assert query["client_id"] == CLIENT_ID
        assert query["code_challenge_method"] == "S256"
        assert "openid" in query["scope"].split()
        code = secrets.token_urlsafe(16)
        self._codes[code] = query
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': query['state'], 'iss': self.issuer})}"

    def exchange(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """A code against tokens, once, from whom it was made for."""
        asked = self._codes.pop(form.get("code", ""), None)
        verifier = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(verifier).rstrip(b"=").decode()
        expected = f"Basic {base64.b64encode(f'{CLIENT_ID}:{SECRET}'.encode()).decode()}"
        if asked is None or challenge != asked["code_challenge"] or form.get("redirect_uri") != asked["redirect_uri"]:
            return 400, {"error": "invalid_grant"}
        if authorization != expected:
            return 401, {"error": "invalid_client"}
        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": asked["nonce"],
            **self.person,
        }
        self.change(claims)
        return 200, {"access_token": "opaque", "token_type": "Bearer", "expires_in": 300, "id_token": self.sign(claims)}


def _joined(*parts: dict[str, Any]) -> str:
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)


def unsigned(claims: dict[str, Any]) -> str:
    """A token that nobody signed."""
    return _joined({"alg": "none", "typ": "JWT"}, claims) + "."


def signed_by_the_public_key(claims: dict[str, Any]) -> str:
    """A token that anybody can make who takes the published key for a shared secret."""
    text = _joined({"alg": "HS256", "kid": "one"}, claims)
    signature = hmac.digest(RSA.as_pem(private=False), text.encode(), "sha256")
    return f"{text}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def signed_by_another_key(claims: dict[str, Any]) -> str:
    """A token of a stranger under the provider's key id."""
    return jwt.encode({"alg": "RS256", "kid": "one"}, claims, OTHER)


@contextmanager
def provider() -> Iterator[IdentityProvider]:
    """A provider that listens."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            made.seen.append(parts.path)
            if parts.path == "/.well-known/openid-configuration":
                self._send(200, made.discovery())
            elif parts.path == "/keys":
                self._send(200, {"keys": [RSA.as_dict(private=False)]})
            elif parts.path == "/authorize":
                self.send_response(302)
                self.send_header(
                    "Location", made.authorize({key: value[0] for key, value in parse_qs(parts.query).items()})
                )
                self.end_headers()
            else:
                self._send(404, {})

        def do_POST(self) -> None:
            made.seen.append(self.path)
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {key: value[0] for key, value in parse_qs(body).items()}
            self._send(*made.exchange(form, self.headers.get("Authorization", "")))

        def _send(self, status: int, content: dict[str, Any]) -> None:
            data = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        made = IdentityProvider(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()
            thread.join()
