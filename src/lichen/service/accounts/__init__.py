# SPDX-License-Identifier: Apache-2.0
"""Accounts: people and their sessions, tokens of programs, and the log of what was done."""

from lichen.service.accounts.audit import By, events, note
from lichen.service.accounts.links import (
    FIRST_EMAIL,
    INVITATION_LASTS,
    LINK_LASTS,
    accept_invitation,
    invitation,
    needs_link,
    one_time_link,
    redeem_link,
)
from lichen.service.accounts.passwords import LENGTH_MIN, check_strength, hash_password
from lichen.service.accounts.people import (
    ROLES,
    SCOPES,
    Person,
    Scope,
    add_user,
    check_password,
    clean_email,
    clean_name,
    find_user,
    get_user,
    person_of,
    set_active,
    set_admin,
    set_password,
    set_role,
    user_of_subject,
)
from lichen.service.accounts.signing_in import SESSION_IDLE, SESSION_MAX, close_session, find_session, open_session
from lichen.service.accounts.throttle import Throttle
from lichen.service.accounts.token_text import is_wellformed, new_text
from lichen.service.accounts.tokens import (
    DAYS_DEFAULT,
    Minted,
    TokenHolder,
    TokenRequest,
    mint_token,
    revoke_token,
    touch_token,
    verify_token,
)
from lichen.store.models import Role

__all__ = [
    "DAYS_DEFAULT", "FIRST_EMAIL", "INVITATION_LASTS", "LENGTH_MIN", "LINK_LASTS", "ROLES", "SCOPES", "SESSION_IDLE",
    "SESSION_MAX", "By", "Minted", "Person", "Role", "Scope", "Throttle", "TokenHolder", "TokenRequest",
    "accept_invitation", "add_user", "check_password", "check_strength", "clean_email", "clean_name", "close_session",
    "events", "find_session", "find_user", "get_user", "hash_password", "invitation", "is_wellformed", "mint_token", "needs_link",
    "new_text", "note", "one_time_link", "open_session", "person_of", "redeem_link", "revoke_token", "set_active",
    "set_admin", "set_password", "set_role", "touch_token", "user_of_subject", "verify_token",
]  # fmt: skip
