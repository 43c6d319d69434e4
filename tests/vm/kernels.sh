#!/bin/bash
# Fetches Debian's kernels for tests/vm/vm.sh: exact packages, with its own apt state.
#
#   tests/vm/kernels.sh [amd64|arm64]      prints one directory per line, each with vmlinuz and the modules that tests need
#
# Downloads are cached in ~/.cache/nospace-vm and reused without contacting the archive.
# If the archive is unreachable, the suite is skipped with a message, and the exit status is 77.
set -euo pipefail

modules="overlay loop quota_tree quota_v2"
cache=${XDG_CACHE_HOME:-$HOME/.cache}/nospace-vm
. "$(dirname "$0")/../../scripts/debian.sh"
arch=${1:-amd64}
# Suite, and its kernel or the metapackage that names it.
case $arch in
amd64)
    suites="bullseye-security:linux-image-cloud-amd64
bookworm:linux-image-cloud-amd64
bookworm-backports:linux-image-cloud-amd64
trixie-backports:linux-image-7.2.12+deb13-cloud-amd64"
    ;;
arm64)
    suites="bookworm:linux-image-cloud-arm64
bookworm-backports:linux-image-cloud-arm64"
    ;;
*) echo "usage: tests/vm/kernels.sh [amd64|arm64]" >&2; exit 2 ;;
esac

fetch() { # SUITE PACKAGE
    local known package parts to version work
    mkdir -p "$cache"
    known=$cache/$1
    [ "$arch" = amd64 ] || known+=-$arch
    if to=$(cat "$known" 2>/dev/null) && [ -e "$to/vmlinuz" ] && [ -e "$to/loop.ko" ]; then
        echo "$to"
        return
    fi
    fetch_lists "$1" "$arch"
    package=$2
    [ "$2" != "linux-image-cloud-$arch" ] || package=$(in_debian "$1" "$arch" apt-cache show --no-all-versions "$2" | sed -n 's/^Depends: \(linux-image-[^ ,]*\).*/\1/p')
    [ -n "$package" ] || { echo "vm: $1 has no $2" >&2; return 1; }
    to=$cache/$package
    if [ ! -e "$to/loop.ko" ]; then
        work=$(mktemp -d)
        # Since 7.0 the image package only depends on two others.
        version=${package#linux-image-}
        parts=$package
        [ "$1" != trixie-backports ] || parts="linux-binary-$version linux-modules-$version"
        # shellcheck disable=SC2086
        (cd "$work" && in_debian "$1" "$arch" apt-get download -qq $parts >&2 && for deb in *.deb; do dpkg-deb -x "$deb" .; done)
        mkdir -p "$to"
        find "$work" -name 'vmlinuz*' -type f -exec cp {} "$to/vmlinuz" \;
        for name in $modules; do
            find "$work" -name "$name.ko*" | while read -r module; do
                case $module in
                *.xz) xz -dc "$module" ;;
                *.zst) zstd -qdc "$module" ;;
                *) cat "$module" ;;
                esac >"$to/$name.ko"
            done
        done
        rm -rf "$work"
    fi
    [ -e "$to/vmlinuz" ] || { echo "vm: no kernel in $parts of $1" >&2; return 1; }
    echo "$to" | tee "$known"
}

skipped=0
for line in $suites; do
    code=0
    # In a subshell, where set -e is effective.
    (fetch "${line%%:*}" "${line##*:}") & wait $! || code=$?
    case $code in
    0) ;;
    77) skipped=77 ;;
    *) exit $code ;;
    esac
done
exit $skipped
