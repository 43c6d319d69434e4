#!/bin/bash
# Runs a script on Linux in user mode: a kernel of its own, as a process of this machine, with cgroup v2 only, one processor and no eBPF. The script
# sees this machine's files, but what it writes stays there, except below OUT. Nothing of it is seen by this machine's kernel.
#
#   tests/uml/uml.sh KERNEL OUT SCRIPT [ARGUMENT...]
#
# KERNEL: the directory that kernel.sh has printed. OUT: a directory outside of /tmp, /run and /dev; it gets what SCRIPT wrote there. SCRIPT has
# this environment, and its status is this one's. MEMORY: of the machine, 4G by default. Needs root.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
kernel=$1 out=$(readlink -f "$2")
shift 2
[ "$(id -u)" = 0 ] || { echo "uml: needs root" >&2; exit 77; }

[ "$(uname -m)" = x86_64 ] || { echo "uml: Debian has Linux for user mode on x86-64 only" >&2; exit 77; }
case $out/ in
/tmp/* | /run/* | /dev/*) echo "uml: $out is another one there: take a directory outside of /tmp, /run and /dev" >&2; exit 3 ;;
esac

trap 'rm -f "$out"/.{status,uml}' EXIT
rm -f "$out"/.{status,uml}
# The environment may hold secrets.
install -m 600 /dev/null "$out/.uml"
{ export -p && echo 'run() {' && printf '%q ' "$@" && echo && echo '}'; } >"$out/.uml"
# The kernel is linked against a newer C library than this machine's, which everything there takes then.
ended=0
TMPDIR=/dev/shm unshare --mount --propagation private busybox sh -c '
    for library in "$0"/libc/*; do
        there=/lib/x86_64-linux-gnu/${library##*/}
        [ ! -e "$there" ] || busybox mount --bind "$library" "$there"
    done
    exec "$0/linux" "$@"' "$kernel" \
    rootfstype=hostfs rootflags=/ ro mem="${MEMORY:-4G}" init="$here/init.sh" con=null con0=null,fd:1 quiet \
    UML_OUT="$out" UML_KERNEL="$kernel" </dev/null || ended=$?
[ -e "$out/.status" ] || { echo "uml: the machine ended with $ended before the script did" >&2; exit 1; }
exit "$(cat "$out/.status")"
