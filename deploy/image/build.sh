#!/bin/sh
# Builds the image without a daemon and without a registry, on a base of Debian's packages.
#     build.sh NAME [BASE BUILD_BASE]        (two names of images in the store take the bases' place)
# Needs buildah, mmdebstrap and root. BUILDAH says how to call buildah, for another store.
# pip in the build finds packages as it does here: it gets this machine's settings of pip, its cache and
# its authorities for as long as it runs, and nothing of them is in the image.
set -eu
name=$1 base=${2:-} build_base=${3:-}
here=$(dirname "$0")
buildah=${BUILDAH:-buildah}
cache=$(python3 -m pip cache dir) || {
  echo "build.sh: found no pip in $(command -v python3 || echo 'PATH, which has no python3'), and the build takes its cache and its settings: put a Python that has pip first in PATH" >&2
  exit 2
}
scratch=$(mktemp -d); trap 'rm -rf "$scratch"' EXIT

imported() { # NAME [PACKAGE ...]: an image of a root file system, made now
  image=$1; shift
  "$here/base.sh" "$scratch/root.tar" "$@"
  container=$($buildah from scratch)
  $buildah add --quiet "$container" "$scratch/root.tar" / > /dev/null
  $buildah commit --quiet --rm "$container" "$image" > /dev/null
}
[ -n "$base" ] || { base=localhost/onoma-base; imported $base; }
[ -n "$build_base" ] || { build_base=localhost/onoma-build-base; imported $build_base python3-venv dash coreutils; }

python3 -m pip config list | sed -n "s/^global\.\([a-z-]*\)='\(.*\)'$/\1 = \2/p" | { printf '[global]\ncache-dir = /cache\n'; sed '/^cache-dir /d'; } > "$scratch/pip.conf"
mkdir -p "$cache"
authorities=/etc/ssl/certs/ca-certificates.crt
build() {
  $buildah bud --quiet --isolation chroot --format docker --file "$here/Dockerfile" --tag "$name" \
    --build-arg BASE="$base" --build-arg BUILD_BASE="$build_base" \
    --build-arg VERSION="$(sed -n 's/^__version__ = "\(.*\)"/\1/p' "$here/../../worker/onoma/__init__.py")" \
    --volume "$scratch/pip.conf:/etc/pip.conf:ro" --volume "$cache:/cache" \
    --volume "$authorities:$authorities:ro" "$here/../.." > /dev/null 2> "$scratch/said"
}
# buildah seals a copy of itself for each step, which the kernel refuses where it is just moving that
# memory. Nothing is wrong with the build then, so it is tried again.
left=3
until build; do
  cat "$scratch/said" >&2
  left=$((left - 1))
  [ "$left" -gt 0 ] && grep -q "sealing memfd copy" "$scratch/said" || exit 1
done
