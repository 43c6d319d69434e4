#!/bin/bash
# The Debian package on a guest with a real systemd: the sandboxed agent unit sees the whole machine, the timer writes its file, and
# both stop cleanly.
#
#   tests/deploy/systemd.sh [PACKAGE]     default: the package that scripts/deb builds
#
# run.sh does not include it: software emulation takes minutes. Needs root.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/deploy/common.sh
[ "$(id -u)" = 0 ] || skip "a guest needs root"
package=${1:-$(scripts/deb)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$package" "$work/nospace.deb"
mkdir -p target/deploy/guest
tests/guest/guest.sh target/deploy/guest tests/deploy/on-guest.sh tests/deploy/common.sh "$work/nospace.deb" || {
    cat target/deploy/guest/std* >&2
    fail "on the guest; see its logs in target/deploy/guest"
}
cat target/deploy/guest/stdout
