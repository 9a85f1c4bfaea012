#!/bin/bash
# usage: build-aws-plugin.sh SOURCE        prints the folder that holds pulumi-resource-aws
# Builds the AWS provider from SOURCE (its build.sh) once per state of that source and version of pulumi_aws,
# and keeps it in the user's cache. Progress goes to standard error.
set -euo pipefail
source=$(cd "$1" && pwd)
python=$(cd "$(dirname "$0")/.." && pwd)/.venv/bin/python

version=$("$python" -c 'import importlib.metadata as m; print(m.version("pulumi_aws"))')
cache=${XDG_CACHE_HOME:-$HOME/.cache}/launchway/aws-plugin
key=$({ echo "$version"; uname -sm; cd "$source"; find . -type f | LC_ALL=C sort | xargs sha256sum; } | sha256sum | cut -c1-16)
mkdir -p "$cache"

# Two builds at once would take each other's processor for half an hour: the second waits for the first.
exec 9>"$cache/.$key.lock"
flock 9
if [ ! -x "$cache/$key/pulumi-resource-aws" ]; then
    command -v go >/dev/null || { echo "building the AWS provider needs Go 1.26 or newer on PATH" >&2; exit 1; }
    rm -rf "$cache/.$key.part"
    mkdir "$cache/.$key.part"
    log=$cache/$key.log
    echo -n "building the AWS provider for pulumi_aws $version: up to 20 minutes the first time, then never again" >&2
    start=$SECONDS
    PYTHON=$python WORK=$cache/.$key.part/work bash "$source/build.sh" "$cache/.$key.part/out" >"$log" 2>&1 9>&- &
    build=$!
    trap 'kill "$build" 2>/dev/null || true' EXIT
    while kill -0 "$build" 2>/dev/null; do
        sleep 1
        (((SECONDS - start) % 60)) || echo -n " ... $(((SECONDS - start) / 60)) min" >&2
    done
    if wait "$build"; then
        echo " ... done in $((SECONDS - start)) s" >&2
    else
        echo " ... failed after $((SECONDS - start)) s; the end of $log:" >&2
        tail -20 "$log" >&2
        exit 1
    fi
    trap - EXIT
    rm -rf "$cache/$key"
    mv "$cache/.$key.part/out" "$cache/$key"
    chmod -R u+w "$cache/.$key.part"
    rm -rf "$cache/.$key.part"
fi
echo "$cache/$key"
