#!/bin/bash
# Fetches Linux for user mode, from Debian, once; prints its directory: linux (the kernel, a program), modules, and the C library that it
# needs.
#
#   tests/uml/kernel.sh [6.12|7.2]
#
# If the archive is unreachable, the exit status is 77.
set -euo pipefail
cache=${XDG_CACHE_HOME:-$HOME/.cache}/nospace-uml
. "$(dirname "$(readlink -f "$0")")/../../scripts/debian.sh"
release=${1:-6.12}
modules="loop overlay veth dummy"
case $release in
6.12) suite=trixie ;;
7.2) suite=sid ;;
*) echo "usage: tests/uml/kernel.sh [6.12|7.2]" >&2; exit 3 ;;
esac

to=$cache/$release-$(echo "$modules" | cksum | cut -d' ' -f1)
if [ ! -e "$to/linux" ]; then
    mkdir -p "$cache"
    fetch_lists "$suite" amd64
    work=$(mktemp -d "$cache/new.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    mkdir "$work/packages"
    # Another release has taken its place there.
    package=$(in_debian "$suite" amd64 apt-cache show --no-all-versions user-mode-linux | sed -n 's/^Version: //p')
    [[ $package == "$release"* ]] || { echo "uml: Debian $suite has Linux $package in user mode now, and not $release" >&2; exit 1; }
    (cd "$work/packages" && in_debian "$suite" amd64 apt-get download -qq user-mode-linux libc6 >&2 && for deb in *.deb; do dpkg-deb -x "$deb" .; done)
    mkdir -p "$work/new/modules" "$work/new/libc"
    for module in $modules; do
        find "$work/packages/usr/lib/uml/modules" -name "$module.ko" -exec cp {} "$work/new/modules/" \;
    done
    find "$work/packages/usr/lib/x86_64-linux-gnu" -maxdepth 1 -type f -name '*.so*' -exec cp {} "$work/new/libc/" \;
    cp "$work/packages/usr/bin/linux.uml" "$work/new/linux"
    rm -rf "$to"
    mv -T "$work/new" "$to"
fi
echo "$to"
