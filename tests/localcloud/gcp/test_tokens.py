"""Signing in: tokens, the place's key, and the environment that leads Google's clients to them."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from google.auth import crypt

from localcloud.gcp import key, tokens
from localcloud.gcp.accounts import ServiceAccounts
from localcloud.gcp.errors import GoogleError
from localcloud.gcp.state import State
from localcloud.place import Place, Server, leads_elsewhere
from tests.localcloud.gcp.stage import Clock

EMAIL = "execution@launchway-local.iam.gserviceaccount.com"


def state(tmp_path: Path, clock: Clock | None = None) -> State:
    return State(Place(tmp_path), "http://127.0.0.1:1", clock or Clock())


class TestTokens:
    def test_a_token_is_its_holder_s_until_it_expires(self, tmp_path: Path) -> None:
        clock = Clock()
        held = tokens.Tokens(state(tmp_path, clock))
        text, _ = held.issue("somebody", 60)
        assert held.holder(f"Bearer {text}") == "somebody"
        clock.now += 61
        with pytest.raises(GoogleError) as caught:
            held.holder(f"Bearer {text}")
        assert caught.value.details[0]["reason"] == "ACCESS_TOKEN_EXPIRED"

    def test_a_key_signs_for_accounts_that_exist(self, tmp_path: Path) -> None:
        clock = Clock()
        here = state(tmp_path, clock)
        key.ensure(here.place, Server(1, 1, "t", 0.0))
        assert tokens.claims(here, self.signed(here, key.EMAIL))["iss"] == key.EMAIL
        with pytest.raises(tokens.JwtError, match="no account"):
            tokens.claims(here, self.signed(here, EMAIL))
        here.store(ServiceAccounts).add("execution")
        assert tokens.claims(here, self.signed(here, EMAIL))["iss"] == EMAIL
        late = self.signed(here, key.EMAIL)
        clock.now += 3600 + 400
        with pytest.raises(tokens.JwtError, match="out of its time"):
            tokens.claims(here, late)

    @pytest.mark.parametrize("jwt", ["", "a.b.c", "e30.e30.e30"])
    def test_what_is_no_jwt_is_told(self, tmp_path: Path, jwt: str) -> None:
        with pytest.raises(tokens.JwtError, match="no JWT"):
            tokens.claims(state(tmp_path), jwt)

    def test_another_place_s_key_is_not_believed(self, tmp_path: Path) -> None:
        mine, other = state(tmp_path / "a"), state(tmp_path / "b")
        for one in (mine, other):
            one.place.root.mkdir()
            key.ensure(one.place, Server(1, 1, "t", 0.0))
        with pytest.raises(tokens.JwtError, match="signature"):
            tokens.claims(mine, self.signed(other, key.EMAIL))

    def signed(self, here: State, email: str) -> str:
        document = json.loads(here.place.google_account.read_text())
        signer = crypt.RSASigner.from_string(document["private_key"])
        claims = {"iss": email, "iat": here.clock(), "exp": here.clock() + 3600, "scope": "s"}
        parts = [
            base64.urlsafe_b64encode(json.dumps(one).encode()).rstrip(b"=") for one in ({"alg": "RS256"}, claims)
        ]
        head = b".".join(parts)
        return b".".join([head, base64.urlsafe_b64encode(signer.sign(head)).rstrip(b"=")]).decode()


class TestPlace:
    server = Server(1, 4000, "t", 0.0)

    def test_google_s_clients_are_led_here_and_nowhere_else(self, tmp_path: Path) -> None:
        real = dict.fromkeys(
            ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_QUOTA_PROJECT", "GOOGLE_IMPERSONATE_SERVICE_ACCOUNT"),
            "x",
        )
        real |= dict.fromkeys(("CLOUDSDK_CONFIG", "CLOUDSDK_CORE_PROJECT", "GCE_METADATA_HOST"), "x")
        assert all(map(leads_elsewhere, real))
        environment = Place(tmp_path).environment(self.server, real)
        assert "x" not in environment.values()
        assert environment["DISPATCH_GCP_ENDPOINT"] == "http://127.0.0.1:4000/_gcp"
        assert environment["STORAGE_EMULATOR_HOST"] == "http://127.0.0.1:4000/_gcp/storage"
        assert environment["GOOGLE_CLOUD_PROJECT"] == "launchway-local"
        assert environment["NO_GCE_CHECK"] == "true"

    def test_the_key_file_is_private_kept_and_leads_to_the_server_that_runs(self, tmp_path: Path) -> None:
        place = Place(tmp_path)
        key.ensure(place, self.server)
        first = json.loads(place.google_account.read_text())
        assert place.google_account.stat().st_mode & 0o077 == 0
        assert first["token_uri"] == "http://127.0.0.1:4000/_gcp/oauth2/token"
        key.ensure(place, Server(2, 5000, "t", 0.0))
        second = json.loads(place.google_account.read_text())
        assert second["private_key"] == first["private_key"]
        assert second["token_uri"] == "http://127.0.0.1:5000/_gcp/oauth2/token"
