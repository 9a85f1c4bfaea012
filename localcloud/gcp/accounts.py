"""Service accounts: who exists, since when, and since when others may act for them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Any

from localcloud.gcp.state import State
from localcloud.place import PROJECT


@dataclass
class ServiceAccount:
    """`document` is IAM's ServiceAccount resource; times are seconds since 1970."""

    document: dict[str, Any]
    created: float
    granted: float
    policy: dict[str, Any] = field(default_factory=dict)

    @property
    def email(self) -> str:
        return str(self.document["email"])


@dataclass
class ServiceAccounts:
    """The accounts by e-mail address. Hold `state.lock` while changing them."""

    state: State
    accounts: dict[str, ServiceAccount] = field(default_factory=dict)

    def add(self, account_id: str, **fields: Any) -> ServiceAccount:
        """Make an account of the project; `fields` are more of IAM's ServiceAccount."""
        now = self.state.clock()
        email = f"{account_id}@{PROJECT}.iam.gserviceaccount.com"
        unique = f"1{secrets.randbelow(10**20):020d}"  # a new one each time, as it tells namesakes apart
        document = {
            "name": f"projects/{PROJECT}/serviceAccounts/{email}",
            "projectId": PROJECT,
            "uniqueId": unique,
            "email": email,
            "oauth2ClientId": unique,
            **fields,
        }
        self.accounts[email] = made = ServiceAccount(document, now, now)
        return made

    def find(self, name: str) -> ServiceAccount | None:
        """An account by e-mail address, unique id or resource name; None when there is none."""
        last = name.rpartition("/")[2]
        by_id = (one for one in self.accounts.values() if one.document["uniqueId"] == last)
        return self.accounts.get(last) or next(by_id, None)

    def age(self, name: str, now: float) -> float | None:
        """Seconds since an account was made or somebody was last granted something on it; None without it."""
        found = self.find(name)
        return None if found is None else now - max(found.created, found.granted)
