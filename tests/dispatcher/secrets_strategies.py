"""Random secrets: with the shape of a known token, under a name that gives them away, or of the shell's own."""

from __future__ import annotations

from hypothesis import strategies as st

from dispatcher import secretlike

ALNUM = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def token(prefix: str, length: int, alphabet: str = ALNUM) -> st.SearchStrategy[str]:
    """A prefix and so many random characters."""
    return st.text(alphabet, min_size=length, max_size=length).map(lambda rest: prefix + rest)


SHAPED = st.one_of(
    token("AKIA", 16, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"),
    token("ghp_", 36),
    token("github_pat_", 60),
    token("glpat-", 20),
    token("hf_", 34),
    token("sk-proj-", 40),
    token("sk-ant-", 40),
    token("xoxb-", 24),
    token("AIza", 35),
    token("npm_", 36),
    token("sk_live_", 24),
    token("pul-", 40, "0123456789abcdef"),
    st.tuples(token("eyJ", 20), token("eyJ", 20), token("", 30)).map(".".join),
)
"""On one line; PRIVATE_KEYS have several."""

PRIVATE_KEYS = token("", 200).map(
    lambda body: f"-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----"
)

NAMES = st.sampled_from(
    [
        "MY_API_KEY",
        "WANDB_API_KEY",
        "apiKey",
        "DB_PASSWORD",
        "password",
        "HF_TOKEN",
        "client_secret",
        "AWS_SECRET_ACCESS_KEY",
    ]
)

VALUES = (
    st.lists(st.sampled_from(ALNUM + "+/!#%^*_.~"), min_size=14, max_size=32)
    .map("".join)
    .filter(lambda value: (secretlike.suspicion("MY_API_KEY", value) or "").endswith("by its name"))
)
"""Of no known shape: only a name gives them away. Letter by letter: `st.text` would try words of our own code."""
