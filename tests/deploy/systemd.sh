#!/bin/bash
# The Debian package on a guest with a real systemd: the agent's unit sees the machine through all that shuts it in, the timer writes its
# file, and both end as they should.
#
#   tests/deploy/systemd.sh [PACKAGE]     what scripts/deb builds, if none is given
#
# Not among those that run.sh runs by itself: software emulation takes minutes. Needs root.
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
    fail "on the guest; its logs are in target/deploy/guest"
}
cat target/deploy/guest/stdout
