#!/bin/sh
# Install TickFleet into a new virtual environment, every package pinned and its hash checked.
# The Dockerfile and the tests run this same script.
#
#   deploy/install.sh PREFIX          PREFIX must not exist yet
set -eu

prefix=$1
source=$(cd "$(dirname "$0")/.." && pwd)
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT

# Build tools stay out of what is shipped.
python3 -m venv "$tools/venv"
"$tools/venv/bin/python" -m pip --disable-pip-version-check --quiet install \
    --require-hashes -r "$source/requirements/build.lock"
uv="$tools/venv/bin/uv --quiet"

python3 -m venv --without-pip "$prefix"
$uv pip install --python "$prefix/bin/python" --compile-bytecode \
    --require-hashes -r "$source/requirements/runtime.lock"
(cd "$source" && "$tools/venv/bin/python" -m hatchling build -t wheel -d "$tools/dist")
$uv pip install --python "$prefix/bin/python" --compile-bytecode --no-deps "$tools"/dist/*.whl
