#!/bin/sh
# Makes a root file system that an image can stand on, of Debian's packages: Python and what it needs, nothing more.
#     base.sh FILE.tar [PACKAGE ...]
# Packages are unpacked and not set up, so that there is no shell and no package manager to be set up with.
# Needs mmdebstrap and root. RELEASE picks another Debian; its Python has to be 3.11 or newer.
set -eu
output=$1; shift
packages=python3,libstdc++6,ca-certificates,tzdata,netbase
for package in "$@"; do packages=$packages,$package; done

# What the packages' own scripts would do: users, authorities, and modules that are compiled,
# because nothing can be written beside them later.
users='printf "root:x:0:0:root:/root:/sbin/nologin\nonoma:x:65532:65532:onoma:/tmp:/sbin/nologin\n" > "$1/etc/passwd"'
groups='printf "root:x:0:\nonoma:x:65532:\n" > "$1/etc/group"'
authorities='cat "$1"/usr/share/ca-certificates/mozilla/*.crt > "$1/etc/ssl/certs/ca-certificates.crt"'
compile='chroot "$1" python3 -m compileall -q -j 2 --invalidation-mode unchecked-hash /usr/lib/python3.* > /dev/null'

mmdebstrap --quiet --variant=extract --include="$packages" \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/lintian/*' \
  --extract-hook="$users" --extract-hook="$groups" \
  --extract-hook="$authorities" --extract-hook="$compile" \
  "${RELEASE:-bookworm}" "$output"
