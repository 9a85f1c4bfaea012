"""How a `pulumi` is found, fetched or built: each way, and what is said when none works."""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.toolchain import __main__ as toolchain
from tools.toolchain import found, installer, source

pytestmark = pytest.mark.engine

CHECKOUT = Path(__file__).parents[2]

# Pulumi's installer in small: the same options, and a pulumi that only knows its version.
INSTALLER = """#!/bin/sh
while [ $# -gt 0 ]; do
    case $1 in --version) version=$2; shift ;; --install-root) root=$2; shift ;; esac
    shift
done
mkdir -p "$root/bin" && cd "$root/bin"
{body}
chmod +x *
"""
GOOD = """
printf '#!/bin/sh\\necho v%s\\n' "$version" >pulumi
printf '#!/bin/sh\\n' >pulumi-language-python
touch "$HOME/.profile"
"""


def _fake(folder: Path, version: str, *, host: bool = True) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    pulumi = folder / "pulumi"
    pulumi.write_text(f"#!/bin/sh\necho {version}\n")
    pulumi.chmod(0o755)
    if host:
        (folder / found.LANGUAGE_HOST).write_text("#!/bin/sh\n")
        (folder / found.LANGUAGE_HOST).chmod(0o755)
    return pulumi


@pytest.fixture
def site(request: pytest.FixtureRequest) -> Iterator[str]:
    """A web site that answers everything with the text in `request.param`."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(request.param.encode())

        def log_message(self, *words: object) -> None: ...

    server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of this test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "launchway" / "toolchain"


def _no_words(line: str) -> None:
    raise AssertionError(line)


def test_a_pulumi_with_its_host_beside_it_is_used(tmp_path: Path) -> None:
    pulumi = _fake(tmp_path / "bin", "v3.260.1")
    judged = found.on_path(str(tmp_path / "bin"), skip=tmp_path / "own")
    assert judged == found.CommandLine(pulumi, pulumi.with_name(found.LANGUAGE_HOST), "v3.260.1")


def test_the_host_is_looked_for_beside_the_real_program(tmp_path: Path) -> None:
    real = _fake(tmp_path / "cellar", "v3.260.1")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "pulumi").symlink_to(real)
    judged = found.on_path(str(tmp_path / "bin"), skip=tmp_path / "own")
    assert isinstance(judged, found.CommandLine)
    assert judged.host == real.with_name(found.LANGUAGE_HOST)


@pytest.mark.parametrize(
    ("version", "host", "reason"),
    [
        ("v3.249.9", True, "older than 3.250"),
        ("v3.260.0", False, "neither beside it nor on PATH"),
        ("hello", True, "does not answer with a version"),
    ],
)
def test_a_pulumi_that_cannot_be_used_is_passed_over_with_the_reason(
    tmp_path: Path, version: str, host: bool, reason: str
) -> None:
    _fake(tmp_path / "bin", version, host=host)
    judged = found.on_path(str(tmp_path / "bin"), skip=tmp_path / "own")
    assert isinstance(judged, found.Unusable)
    assert reason in judged.reason


def test_the_pulumi_of_our_own_environment_is_not_taken_for_the_users(tmp_path: Path) -> None:
    own = _fake(tmp_path / "own", "v3.260.0").parent
    assert found.on_path(f"{own}{os.pathsep}{tmp_path}", skip=own) is None


@pytest.mark.parametrize("site", [INSTALLER.format(body=GOOD)], indirect=True)
def test_the_official_installer_is_run_once_and_touches_no_profile(
    site: str, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    first = installer.install("3.259.0", _no_words, site)
    assert first.version == "v3.259.0"
    assert first.pulumi.is_relative_to(cache)
    assert not (tmp_path / ".profile").exists()
    again = installer.install("3.259.0", _no_words, "http://127.0.0.1:9")
    assert again == first


@pytest.mark.parametrize(
    ("site", "reason"),
    [
        ("<html>a portal</html>", "not an installer"),
        (INSTALLER.format(body="exit 3"), "failed"),
        (INSTALLER.format(body=GOOD.replace("echo v%s", "echo v3.300.0")), "brought v3.300.0 instead of 3.259.0"),
        (INSTALLER.format(body=GOOD.replace("pulumi-language-python", "other")), "neither beside it nor on PATH"),
    ],
    indirect=["site"],
)
def test_an_installer_that_does_not_bring_what_was_asked_leaves_nothing(
    site: str, reason: str, cache: Path
) -> None:
    with pytest.raises(installer.WayFailed, match=reason):
        installer.install("3.259.0", _no_words, site)
    assert [p for p in cache.iterdir() if p.is_dir()] == []


def test_a_site_that_accepts_and_says_nothing_is_given_up(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    monkeypatch.setattr(installer, "ANSWER_WITHIN", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(installer.WayFailed, match="does not answer"):
            installer.install("3.259.0", _no_words, f"http://127.0.0.1:{port}")


def test_without_any_way_the_error_names_all_three_ways_out(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("LAUNCHWAY_PULUMI_SITE", "http://127.0.0.1:9")
    assert toolchain.main(["--into", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    for words in ("put it on PATH", "get.pulumi.com", "install Go 1.26", "no pulumi on PATH", "Go is not on PATH"):
        assert words in said
    assert "Traceback" not in said


def test_a_failed_build_shows_the_end_of_its_output_and_leaves_nothing(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text('#!/bin/sh\ntouch "$GOBIN/pulumi"\necho no such module\nexit 1\n')
    go.chmod(0o755)
    monkeypatch.setenv("PATH", f"{go.parent}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(source.WayFailed, match="no such module"):
        source.build(_no_words)
    assert [p for p in cache.iterdir() if p.is_dir()] == []


def test_two_checkouts_that_set_up_at_once_build_once(cache: Path, tmp_path: Path) -> None:
    """A stand-in for Go that takes half a second and writes down that it was called."""
    sdk = tmp_path / "sdk"
    for script in ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python"):
        (sdk / script).parent.mkdir(parents=True, exist_ok=True)
        (sdk / script).write_text("#!/bin/sh\n")
    go = tmp_path / "bin" / "go"
    go.parent.mkdir()
    go.write_text(
        f'#!/bin/sh\nif [ "$1" = list ]; then echo {sdk}; exit; fi\n'
        f"echo called >>{tmp_path}/calls\nsleep 0.5\nprintf '#!/bin/sh\\necho v3.259.0\\n' >\"$GOBIN/pulumi\"\n"
        'chmod +x "$GOBIN/pulumi"\n'
    )
    go.chmod(0o755)
    environment = os.environ | {
        "PATH": f"{go.parent}:/usr/bin:/bin",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "LAUNCHWAY_PULUMI_FROM": "source",
    }
    bins = [tmp_path / "one", tmp_path / "two"]
    started = []
    for folder in bins:
        folder.mkdir()
        command = [sys.executable, "-m", "tools.toolchain", "--into", str(folder)]
        started.append(subprocess.Popen(command, cwd=CHECKOUT, env=environment, stderr=subprocess.PIPE, text=True))
    said = [process.communicate(timeout=60)[1] for process in started]
    assert [process.returncode for process in started] == [0, 0], said
    assert (tmp_path / "calls").read_text() == "called\n"
    for folder in bins:
        assert found.version_of(folder / "pulumi") == "v3.259.0"
        assert os.access(folder / found.LANGUAGE_HOST, os.X_OK)
        assert (folder / "pulumi-language-python-exec").exists()


def test_an_official_pulumi_on_path_is_linked_and_its_host_found_beside_the_real_one(tmp_path: Path) -> None:
    real = _fake(tmp_path / "official", "v3.270.0")
    into = tmp_path / "venv"
    into.mkdir()
    command = [sys.executable, "-m", "tools.toolchain", "--into", str(into), "--way", "path"]
    environment = os.environ | {"PATH": f"{real.parent}:/usr/bin:/bin"}
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (into / "pulumi").resolve() == real
    assert (into / found.LANGUAGE_HOST).resolve() == real.with_name(found.LANGUAGE_HOST)


def test_the_pinned_version_is_the_one_this_checkout_would_build() -> None:
    assert found.numbers(source.pinned()) >= found.OLDEST
    assert "module toolchain\n" not in (source.MODULES / "go.mod").read_text()
