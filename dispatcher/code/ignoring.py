"""What of a folder is left out of its archive: .dispatchignore, which reads like a .gitignore.

Source: git-scm.com/docs/gitignore, "PATTERN FORMAT". The file is read in the folder itself only, not below it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

FILE = ".dispatchignore"

ALWAYS = (
    ".git", ".hg", ".svn", "__pycache__/", "*.pyc", ".venv/", "venv/", "node_modules/", ".ipynb_checkpoints/",
    ".mypy_cache/", ".pytest_cache/", ".ruff_cache/", ".DS_Store",
    ".env", ".ENV", ".env.*", "*.env", ".envrc", ".netrc", "_netrc", ".pgpass", ".my.cnf", ".git-credentials",
    ".pypirc", ".npmrc", ".yarnrc.yml", ".htpasswd", ".vault-token", ".aws/", ".azure/", ".ssh/", ".gnupg/",
    ".kube/", ".docker/", ".kaggle/", ".config/gcloud/", ".huggingface/", ".databrickscfg", ".boto", "kaggle.json",
    "credentials.json", "application_default_credentials.json", "service-account*.json", "service_account*.json",
    "id_rsa", "id_dsa", "id_ecdsa", "id_ed25519", "*.pem", "*.key", "*.p12", "*.pfx", "*.jks", "*.keystore",
    "*.kdbx", "*.ppk", "*.tfstate", "*.tfstate.*", "*.tfvars", ".streamlit/secrets.toml", "secrets.toml",
)  # fmt: skip
"""Left out unless a line such as `!.env.example` names it: what no job needs, and where passwords and keys
usually lie: programs name these files and folders so, and nothing looks into the others. A wildcard
takes none of it back: `*`, `!*/`, `!*.py` are how people say "only these files", and mean no folder of git."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """One line: `regex` matches a whole path, `back` takes it in again, `folders` means only folders.

    `literal` is one without wildcards.
    """

    regex: re.Pattern[str]
    back: bool
    folders: bool
    literal: bool

    def meets(self, path: str, folder: bool) -> bool:
        return (folder or not self.folders) and self.regex.fullmatch(path) is not None


def read(text: str) -> list[Pattern]:
    """The patterns of a file, in their order. Raises ValueError naming a bad line."""
    found: list[Pattern] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("#") or not line.strip():
            continue
        try:
            found.append(_pattern(_trimmed(line)))
        except re.error as error:
            raise ValueError(f"{FILE}:{number}: {line!r} is not a pattern: {error}") from None
    return found


def ignored(path: str, patterns: Iterable[Pattern], *, folder: bool) -> bool:
    """Whether a path, with `/` and relative to the folder, is left out: the last pattern that matches decides.

    Only the path itself is looked at. Who walks does not go into a folder that is left out, so that nothing in it
    can be taken back, as with git.
    """
    out = always = any(pattern.meets(path, folder) for pattern in _ALWAYS)
    for pattern in patterns:
        if pattern.meets(path, folder) and (pattern.literal or not (pattern.back and always)):
            out = not pattern.back
    return out


def _trimmed(line: str) -> str:
    """Without the spaces at its end, unless they are written as `\\ `."""
    return re.sub(r"(?<!\\)\s+$", "", line)


def _pattern(line: str) -> Pattern:
    back = line.startswith("!")
    text = line[1:] if back else line
    folders = text.endswith("/")
    text = text.rstrip("/") if folders else text
    # A slash at the beginning or in the middle ties the pattern to the folder; else it may match at any depth.
    prefix = "" if "/" in text else r"(?:.*/)?"
    return Pattern(
        re.compile(prefix + _regex(text.lstrip("/")), re.DOTALL), back, folders, not re.search(r"[*?\[]", text)
    )


_TOKEN = re.compile(
    r"\\(?P<quoted>.)|(?P<above>^\*\*/)|(?P<between>/\*\*/)|(?P<below>/\*\*$)|(?P<star>\*+)|(?P<one>\?)"
    r"|\[(?P<not>[!^]?)(?P<set>\]?(?:\\.|[^\]\\])*)\]|(?P<plain>.)",
    re.DOTALL,
)


def _regex(text: str) -> str:
    def one(found: re.Match[str]) -> str:
        if found["above"]:
            return r"(?:.*/)?"
        if found["between"]:
            return r"/(?:.*/)?"
        if found["below"]:
            return r"/.+"
        if found["star"]:
            return r"[^/]*"
        if found["one"]:
            return r"[^/]"
        if found["set"] is not None:
            negated = "^" if found["not"] else ""
            inner = found["set"].replace("[", r"\[")
            inner = r"\]" + inner[1:] if inner.startswith("]") else inner
            return f"(?!/)[{negated}{inner}]"
        return re.escape(found["quoted"] or found["plain"])

    return _TOKEN.sub(one, text)


_ALWAYS = [_pattern(line) for line in ALWAYS]
