"""A folder of code as an archive: the same bytes for the same files, bounded, and nothing from beside it."""

from __future__ import annotations

import hashlib
import os
import tarfile
import time
from pathlib import Path

import pytest

from dispatcher.code import keeping, packing
from dispatcher.contract import CODE_DAYS
from dispatcher.errors import SpecError, UsageError
from dispatcher.runtime import bounds

DAY = 86_400


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def members(folder: Path) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=packing.pack(folder).content, mode="r:gz") as archive:
        return {member.name: member for member in archive.getmembers()}


def refusal(folder: Path) -> str:
    with pytest.raises(SpecError) as caught:
        packing.pack(folder)
    (problem,) = caught.value.problems
    assert (problem.source, problem.path) == ("job", "code")
    assert problem.remedy
    return problem.rule


def test_the_same_files_are_the_same_bytes_wherever_and_whenever_they_were_written(tmp_path: Path) -> None:
    files = {"train.py": "print()", "pkg/b.py": "b", "pkg/a.py": "a", "ä/ü.txt": "ß"}
    here = write(tmp_path / "here" / "src", files)
    there = write(tmp_path / "there" / "src", dict(reversed(files.items())))
    os.utime(there / "train.py", (0, 0))
    (there / "train.py").chmod(0o600)
    (there / "pkg" / "empty").mkdir()
    first, second = packing.pack(here, lambda: 0.0), packing.pack(there, lambda: 89.9 * DAY)
    assert first.code == second.code
    content = first.content.read()
    assert content == second.content.read()
    assert content[3:8] == bytes(5), "gzip's header has no name, and the time when these bytes were first made"
    assert (first.code.sha256, first.code.size) == (hashlib.sha256(content).hexdigest(), len(content))
    assert first.code.folder == "src"


def test_files_are_packed_anew_long_before_their_zone_deletes_the_archive(tmp_path: Path) -> None:
    folder = write(tmp_path, {"a": "1"})
    days = [packing.pack(folder, lambda day=day: day * DAY).code.sha256 for day in range(2 * CODE_DAYS)]
    longest = max(days.count(digest) for digest in set(days))
    assert longest <= CODE_DAYS - 90, "what is sent with an archive has three months to start"


def test_content_names_and_the_right_to_execute_make_another_archive(tmp_path: Path) -> None:
    folder = write(tmp_path, {"a": "1"})
    digests = {packing.pack(folder).code.sha256}
    (folder / "a").chmod(0o755)
    digests.add(packing.pack(folder).code.sha256)
    (folder / "a").write_text("2")
    digests.add(packing.pack(folder).code.sha256)
    (folder / "a").rename(folder / "b")
    digests.add(packing.pack(folder).code.sha256)
    assert len(digests) == 4
    assert members(folder)["b"].mode == 0o755


def test_no_time_owner_or_folder_of_this_machine_is_in_the_archive(tmp_path: Path) -> None:
    for member in members(write(tmp_path, {"a/b": "1"})).values():
        assert (member.mtime, member.uid, member.gid, member.uname, member.gname) == (0, 0, 0, "", "")
        assert not member.name.startswith(("/", "."))


def test_what_dispatchignore_names_stays_out_and_so_do_caches_and_passwords(tmp_path: Path) -> None:
    kept = {
        "train.py": "",
        "data/keep.csv": "",
        ".env.example": "",
        ".dispatchignore": "*.csv\n!keep.csv\n!.env.example",
    }
    out = {
        "big.csv": "",
        ".env": "TOKEN=1",
        ".git/config": "",
        "pkg/__pycache__/a.pyc": "",
        ".venv/bin/python": "",
    }
    assert set(members(write(tmp_path, kept | out))) == set(kept)


CREDENTIALS = """
    .ENV .envrc prod.env .netrc .git-credentials .pypirc .npmrc .aws/credentials .ssh/id_rsa .ssh/config id_rsa
    id_ed25519 tls/server.pem tls/server.key .docker/config.json .kaggle/kaggle.json kaggle.json
    .azure/msal_token_cache.json
    .config/gcloud/application_default_credentials.json .kube/config service-account.json service_account-2.json
    terraform.tfstate .streamlit/secrets.toml
"""


def test_files_that_programs_keep_passwords_and_keys_in_stay_out_at_any_depth_unless_named(tmp_path: Path) -> None:
    out = {f"{where}{name}": "" for name in CREDENTIALS.split() for where in ("", "deep/er/")}
    kept = {"train.py": "", "environment.py": "", "keys.py": "", "config/gcloud.yaml": "", "ca/root.pem": ""}
    rules = {".dispatchignore": "!root.pem\n!*\n"}
    assert set(members(write(tmp_path, kept | out | rules))) == {*kept, *rules}


def test_only_these_files_takes_back_nothing_of_what_always_stays_out(tmp_path: Path) -> None:
    rules = {".dispatchignore": "*\n!*/\n!*.py\n"}
    files = {"a.py": "", "pkg/b.py": "", "notes.txt": "", ".git/hooks/c.py": "", ".venv/lib/d.py": ""}
    assert set(members(write(tmp_path, files | rules))) == {"a.py", "pkg/b.py"}


def test_links_inside_stay_links_and_links_to_the_outside_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path / "src", {"a/real.py": ""})
    (folder / "link.py").symlink_to("a/real.py")
    assert members(folder)["link.py"].linkname == "a/real.py"
    for target in ("../outside", "/etc/passwd", "a/../../outside"):
        (folder / "leak").unlink(missing_ok=True)
        (folder / "leak").symlink_to(target)
        assert f"leak is a link to {target}, outside the folder" in refusal(folder)


def test_what_is_no_file_is_left_out(tmp_path: Path) -> None:
    os.mkfifo(write(tmp_path, {"a": ""}) / "pipe")
    assert set(members(tmp_path)) == {"a"}


def test_too_much_is_refused_with_what_is_largest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(tmp_path, {"data/x.bin": "x" * 4096, "train.py": "y" * 10, "z.py": ""})
    monkeypatch.setattr(bounds, "UNPACKED_BYTES", 4000)
    assert "holds 0.0 MiB, more than 0.0 MiB; mostly data (0.0 MiB), train.py" in refusal(folder)
    monkeypatch.undo()
    monkeypatch.setattr(bounds, "FILES", 2)
    assert "holds 3 files, more than 2; mostly data" in refusal(folder)
    monkeypatch.undo()
    monkeypatch.setattr(bounds, "ARCHIVE_BYTES", 100)
    assert "makes an archive of" in refusal(folder)


@pytest.mark.parametrize("name", ["nowhere", "file"])
def test_what_is_not_a_folder_is_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path, {"file": ""})
    assert "is not a folder" in refusal(tmp_path / name)


def test_a_folder_from_which_nothing_is_left_is_refused(tmp_path: Path) -> None:
    assert "holds no files" in refusal(write(tmp_path, {".git/config": ""}))


def test_a_pattern_that_is_none_is_named_with_its_line(tmp_path: Path) -> None:
    assert ".dispatchignore:2: '[b-a]' is not a pattern" in refusal(
        write(tmp_path, {".dispatchignore": "a\n[b-a]"})
    )


def test_an_archive_is_kept_once_under_its_digest_and_forgotten_when_nobody_used_it_for_long(
    tmp_path: Path,
) -> None:
    packed, archives = packing.pack(write(tmp_path / "src", {"a": "1"})), tmp_path / "state" / "code"
    path = keeping.keep(packed, archives)
    assert path == keeping.place(archives, packed.code.sha256)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == packed.code.sha256
    old = time.time() - (keeping.DAYS - 1) * 86_400
    os.utime(path, (old, old))
    (archives / "unused.tar.gz").write_bytes(b"")
    os.utime(archives / "unused.tar.gz", (old - 2 * 86_400,) * 2)
    assert keeping.keep(packed, archives) == path
    assert [file.name for file in archives.iterdir()] == [path.name]
    assert path.stat().st_mtime > old, "it was used again"


def test_where_no_archive_can_be_kept_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "code").write_text("a file")
    with pytest.raises(UsageError, match="cannot be written"):
        keeping.keep(packing.pack(write(tmp_path / "src", {"a": "1"})), tmp_path / "code")
