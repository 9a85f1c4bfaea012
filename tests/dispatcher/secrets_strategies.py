"""Random secrets: with the shape of a known token, under a name that gives them away, or of the shell's own.

What they look like is in secret_forms.yaml, and comes from others: nothing here asks the detector what it finds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import yaml
from hypothesis import strategies as st

FORMS: dict[str, Any] = yaml.safe_load(Path(__file__).with_name("secret_forms.yaml").read_text(encoding="utf-8"))
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
ALNUM = LETTERS + "0123456789"
ALPHABETS = {"alnum": ALNUM, "letters": LETTERS, "hex": "0123456789abcdef", "base32": LETTERS[:26] + "234567"}


_TOKENS: list[tuple[str, int, str]] = [
    (prefix, length, ALPHABETS[kind]) for prefix, length, kind in FORMS["shapes"]["tokens"]
]
_WORDS = [_token for _token in _TOKENS if re.fullmatch(r"\w+", _token[0])]


def text(chance: Random, length: int, alphabet: str = ALNUM) -> str:
    """So many random characters."""
    return "".join(chance.choices(alphabet, k=length))


def shaped(chance: Random) -> str:
    """A token of a known shape, on one line."""
    if chance.random() < 0.05:
        return ".".join(("eyJ" + text(chance, 20), "eyJ" + text(chance, 20), text(chance, 30)))
    prefix, length, alphabet = chance.choice(_TOKENS)
    return prefix + text(chance, length, alphabet)


def pasted(chance: Random) -> str:
    """A token that a variable may be called: what somebody pastes into the wrong field."""
    prefix, length, alphabet = chance.choice(_WORDS)
    return prefix + text(chance, length, alphabet)


def private_key(chance: Random) -> str:
    """A private key, on several lines."""
    return f"-----BEGIN RSA PRIVATE KEY-----\n{text(chance, 200)}\n-----END RSA PRIVATE KEY-----"


def name(chance: Random) -> str:
    """A name that usually holds a secret."""
    if chance.random() < 0.4:
        return str(chance.choice(FORMS["variables"]["names"]))
    before = chance.choice(["", "my_", "x_", "prod_db_", "team2_"])
    whole: str = before + chance.choice(FORMS["keywords"]["names"]) + chance.choice(["", "", "1", "_2"])
    return whole.upper() if chance.random() < 0.5 else whole


def value(chance: Random) -> str:
    """A value of no known shape: only a name gives it away.

    It has a letter of each case and a digit, since `aaaaaaaaaaaaaa` and `**************` are nobody's secret.
    """
    body = text(chance, chance.randint(11, 29), ALNUM + "+/!#%^*_.~$")
    at = chance.randint(0, 11)
    return f"{body[:at]}Zk3{body[at:]}"


def drawn(make: Callable[[Random], str]) -> st.SearchStrategy[str]:
    """What `make` makes of a chance that hypothesis chooses."""
    return st.integers(0, 2**64 - 1).map(lambda seed: make(Random(seed)))


SHAPED, PRIVATE_KEYS, NAMES, VALUES = map(drawn, (shaped, private_key, name, value))
