#!/bin/bash
# Records real nodes on Debian guests: tests/guest/record.sh OUT [NODE...]
# NODE is the name of a script in tests/guest/nodes/, all of them by default. Each leaves
# NODE.tar.zst, the report as text, and the console's log in OUT/NODE. Needs nospace built
# (NOSPACE=path, target/debug/nospace by default).
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. "$here/../lab/tools.sh"
[ $# -ge 1 ] || { echo "usage: tests/guest/record.sh OUT [NODE...]" >&2; exit 3; }
nospace=${NOSPACE:-$here/../../target/debug/nospace}
out=$1
shift
[ $# -gt 0 ] || set -- healthy-v2 watches-v1 shims-v2 docker-podman-v2 crio-v2 cgroup-leak-v1
tools=$(build_tools)
work=$(mktemp -d /tmp/nospace-record.XXXXXX)
trap 'rm -rf "$work"' EXIT
make_image "$tools" "$work"
install "$nospace" "$work/nospace"
for node in "$@"; do
    "$here/guest.sh" "$out/$node" "$here/nodes/$node.sh" \
        "$here/nodes/common.sh" "$work/image.tar" "$tools/cri" "$tools/leaker" "$work/nospace"
done
