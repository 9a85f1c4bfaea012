#!/bin/sh
# Resolve requirements.lock from pyproject.toml: exact versions and the hashes of every file of each release,
# for all systems and all Pythons we support. No index address goes into it: pip uses the user's own.
# usage: tools/lock.sh [--upgrade]        UV is the version of the resolver.
set -eu
cd "$(dirname "$0")/.."
uv=${UV:-0.13.8}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-.venv/bin/python}" -m pip install --quiet --disable-pip-version-check --target "$work" "uv==$uv"
# The resolver reads neither pip's settings nor its certificates.
[ -z "${PIP_CERT:-}" ] || export SSL_CERT_FILE="$PIP_CERT"
"$work/bin/uv" pip compile pyproject.toml --extra aws --extra gcp --extra infra-aws --extra infra-gcp --extra dev \
    --universal --python-version 3.11 --generate-hashes --no-config --no-header --no-annotate \
    --quiet --output-file requirements.lock "$@"
echo "requirements.lock: $(grep -c '==' requirements.lock) packages"
