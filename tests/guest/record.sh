#!/bin/bash
# Re-records the nodes in tests/nodes/ on Debian guests: tests/guest/record.sh [NODE...]
# NODE is the name of a script in tests/guest/nodes/; default: all. The archive goes to
# tests/nodes/NODE/node.tar.zst; the text report, the script's output and the console log go to
# target/guest/NODE. Needs nospace built (NOSPACE=path, target/debug/nospace by default).
# Then run UPDATE=1 cargo test -p nospace --test nodes, and review the changes.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
. "$here/../lab/tools.sh"
top=$(readlink -f "$here/../..")
nospace=${NOSPACE:-$top/target/debug/nospace}
[ $# -gt 0 ] || set -- healthy-v2 watches-v1 watches-v2 shims-v2 docker-podman-v2 crio-v2 cgroup-leak-v1
tools=$(build_tools)
work=$(mktemp -d /tmp/nospace-record.XXXXXX)
trap 'rm -rf "$work"' EXIT
make_image "$tools" "$work"
install "$nospace" "$work/nospace"
for node in "$@"; do
    out=$top/target/guest/$node
    "$here/guest.sh" "$out" "$here/nodes/$node.sh" \
        "$here/nodes/common.sh" "$work/image.tar" "$tools/cri" "$tools/leaker" "$work/nospace"
    mkdir -p "$top/tests/nodes/$node"
    cp "$out/$node.tar.zst" "$top/tests/nodes/$node/node.tar.zst"
done
