#!/bin/sh
# Rewrites the hashed requirements from pyproject.toml: packages at least a week old, no index named. Needs uv.
set -eu
cd "$(dirname "$0")/.."
newest=$(date -u -d '7 days ago' +%Y-%m-%d)
lock() {
  output=$1; shift
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --no-annotate --no-header --exclude-newer "$newest" "$@" -o "requirements/$output.txt"
}
lock build requirements/build.in
lock serve pyproject.toml
lock demo --extra demo requirements/build.in pyproject.toml
lock dev --extra demo --extra dev pyproject.toml
lock deploy --extra demo --extra dev --extra deploy pyproject.toml
lock train --extra demo --extra dev --extra train pyproject.toml
lock bench requirements/bench.in
