#!/bin/sh
# Resolve requirements.lock from pyproject.toml, and the locks of the tools that have an environment of their own
# from what stands beside them: exact versions and the hashes of every file of each release, for all systems and all
# Pythons we support.
# No index address goes into them: pip uses the user's own.
# usage: tools/lock.sh [--upgrade]        UV is the version of the resolver.
set -eu
cd "$(dirname "$0")/.."
uv=${UV:-0.13.8}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-.venv/bin/python}" -m pip install --quiet --disable-pip-version-check --target "$work" "uv==$uv"
# The resolver reads neither pip's settings nor its certificates.
[ -z "${PIP_CERT:-}" ] || export SSL_CERT_FILE="$PIP_CERT"

resolve() { # resolve LOCK SOURCE...
    lock=$1
    shift
    "$work/bin/uv" pip compile "$@" --universal --python-version 3.11 --generate-hashes --no-config --no-header \
        --no-annotate --quiet --output-file "$lock"
    echo "$lock: $(grep -c '==' "$lock") packages"
}

resolve requirements.lock pyproject.toml --extra aws --extra gcp --extra azure --extra postgres \
    --extra infra-aws --extra infra-gcp --extra infra-azure --extra dev "$@"
for tool in checkov azure_ai_ml; do
    resolve "tools/$tool/requirements.lock" "tools/$tool/requirements.in" "$@"
done
