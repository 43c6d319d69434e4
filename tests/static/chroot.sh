#!/bin/bash
# Tests that the static nospace runs with nothing but /proc and /sys: in an empty chroot, in its own mount namespace,
# so that nothing changes on the host.
#
#   tests/static/chroot.sh [NOSPACE]     default: the binary that scripts/static builds
#
# Needs root. With NOSPACE_NEEDS_EBPF=1 the test fails if the kernel's own accounting cannot be read.
set -euo pipefail
cd "$(dirname "$0")/../.."
nospace=$(realpath "${1:-target/$(uname -m)-unknown-linux-gnu/release/nospace}")

if [ "${2-}" != inside ]; then
    [ "$(id -u)" = 0 ] || { echo "static: skipped: a chroot needs root"; exit 0; }
    exec unshare --mount --propagation private "$0" "$nospace" inside
fi

fail() { echo "static: FAILED: $*" >&2; exit 1; }

# Mounted on a directory that every machine has; invisible outside the namespace.
root=/mnt
mount -t tmpfs -o size=64m nospace-test $root
mkdir $root/proc $root/sys
mount --rbind /proc $root/proc
mount --rbind /sys $root/sys
cp "$nospace" $root/nospace

in_chroot() { # NAME CODES ARGUMENT...: standard output in /NAME, the exit code one of CODES
    local name=$1 codes=$2 code=0
    shift 2
    env -i "$(command -v chroot)" $root /nospace "$@" >"$root/$name" 2>"$root/$name.err" || code=$?
    [[ " $codes " == *" $code "* ]] || fail "nospace $* exited with $code: $(tail -n 3 "$root/$name.err")"
}

in_chroot version 0 --version
# 3: without eBPF a process that a security module hides from root leaves the answer open.
answers="0 1 2 3"
[ -z "${NOSPACE_NEEDS_EBPF-}" ] || answers="0 1 2"
in_chroot check "$answers" check -o json
collector=$(grep -A 2 '"name": "inotify"' $root/check)
if [ -n "${NOSPACE_NEEDS_EBPF-}" ]; then
    grep -q '"provenance": "exact"' <<<"$collector" || fail "its figures are not the kernel's: $collector"
    in_chroot trace 0 trace --duration 0.2 -o json
    grep -q '"last":true' $root/trace || fail "trace printed no final summary"
fi
in_chroot counted "0 1 2 3" check --no-ebpf -o json
grep -A 2 '"name": "inotify"' $root/counted | grep -q '"provenance": "estimated"' || fail "--no-ebpf is not marked as an estimate"
in_chroot watches 0 watches -o json
in_chroot record 0 record /node.tar.zst
in_chroot replayed "$answers" check --from /node.tar.zst
in_chroot page 0 explain inotify-watches
grep -q inotify $root/page || fail "no page on a cause"
echo "static: $(sed 1q $root/version) runs in an empty chroot"
