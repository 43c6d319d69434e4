#!/bin/bash
# Tests nospace against real Kubernetes: one command per level.
#
#   tests/node/run.sh cadvisor           the kubelet's cAdvisor, in user namespaces with their own limits
#   tests/node/run.sh api [ACT...]       nospace agent and a kube-apiserver with etcd, in namespaces on this machine
#   tests/node/run.sh cluster            nospace cluster and a kube-apiserver with etcd: rights, the pod proxy, 1,000 nodes by KWOK
#   tests/node/run.sh host [ACT...]      a node in namespaces on this machine, with cgroup v1
#   tests/node/run.sh debian [ACT...]    the same with Kubernetes 1.20 from Debian's source package
#   tests/node/run.sh guest [ACT...]     a node on a Debian guest, with systemd and cgroup v2
#   tests/node/run.sh arm64 [ACT...]     a node on a Debian guest on arm64, emulated, with cgroup v2 and without systemd
#   tests/node/run.sh uml [ACT...]       a node on Linux in user mode, with cgroup v2 and without eBPF; LINUX=6.12 (as usual) or 7.2
#   tests/node/run.sh nested             a node in a container of Docker, as kind makes one, on Linux in user mode; from inside and from outside
#   tests/node/run.sh edge               a node of KubeEdge 1.20: edgecore with cloudcore and an API server, on Linux in user mode
#   tests/node/run.sh layouts [LAYOUT...]  nodes laid out as by K3s, RKE2, MicroK8s and k0s, in namespaces on this machine
#
# With CONTAINERD=X.Y.Z (1.7.Z or 2.Y.Z), host, debian, guest, uml, nested, edge and layouts use that containerd, and a runc that has user namespaces, instead of
# Debian's. With KUBELET=1.X.Y, host and uml use that kubelet; the API server stays the current one. With CRIO=1.34.0 their runtime is that CRI-O, with
# Debian's conmon and runc.
#
# Installs and builds what is missing: the Kubernetes programs once (about ten minutes), into ~/.cache/nospace-node, containerd (three), and KubeEdge
# (six). Prints each claim and what really happened; the same table and the logs go to target/node/LEVEL, or LEVEL-containerd-X.Y.Z. Needs root.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
top=$(readlink -f "$here/../..")
level=${1-}
case $level in
cadvisor | api | cluster | host | debian | guest | arm64 | uml | nested | edge | layouts) shift ;;
*) sed -n '4,14s/^#   /usage: /p' "$0" >&2; exit 3 ;;
esac
case ${CRIO:+$level} in '' | host | uml) ;; *) echo "node: CRI-O runs on host and uml alone" >&2; exit 3 ;; esac
[ $level != arm64 ] || [ -z "${CONTAINERD:-}${KUBELET:-}" ] || { echo "node: arm64 has Debian's containerd and the current kubelet only" >&2; exit 3; }
[ "$(id -u)" = 0 ] || { echo "node: needs root" >&2; exit 77; }

"$top/scripts/prepare" test
target=$(uname -m)-unknown-linux-gnu
[ $level != arm64 ] || target=aarch64-unknown-linux-gnu
NOSPACE_STATIC=$(cd "$top" && realpath "$(scripts/static --target "$target" --quiet)")
export NOSPACE_STATIC
story=${CARGO_TARGET_DIR:-$top/target}/$target
case $level in
arm64)
    (cd "$top" && scripts/static --target "$target" build --quiet --package nospace-story)
    story+=/release/nospace-story
    ;;
*)
    (cd "$top" && RUSTFLAGS=-Ctarget-feature=+crt-static cargo build --quiet --target "$target" --package nospace-story)
    story+=/debug/nospace-story
    ;;
esac
case $level in uml | nested | edge) export LINUX=${LINUX:-6.12} ;; esac
out=$top/target/node/$level${LINUX:+-$LINUX}${KUBELET:+-kubelet-$KUBELET}${CONTAINERD:+-containerd-$CONTAINERD}${CRIO:+-crio-$CRIO}
mkdir -p "$out"

# As the last of this shell, so that whoever ends it ends that.
case $level in
cadvisor)
    kube=$("$here/kube/build.sh" cadvisor)
    exec "$story" --nospace "$NOSPACE_STATIC" --table "$out/table.md" cadvisor "$kube/cadvisor"
    ;;
api)
    NODE_LOGS=$out exec "$here/api.sh" "$story" --nospace "$NOSPACE_STATIC" --table "$out/table.md" api "$@"
    ;;
cluster)
    (. "$here/../lab/namespaces.sh" && install_packages jq python3)
    KWOK=$("$here/kube/kwok.sh") && export KWOK
    NODE_LOGS=$out exec "$here/api.sh" "$here/cluster.sh" "$NOSPACE_STATIC" 1000
    ;;
host | debian)
    [ $level = host ] || export KUBE_FROM=debian
    NODE_LOGS=$out exec "$here/host.sh" "$story" --nospace "$NOSPACE_STATIC" --table "$out/table.md" node "$@"
    ;;
layouts) NOSPACE=$NOSPACE_STATIC exec "$here/layouts.sh" "$@" > >(tee "$out/table.md") ;;
nested) NODE_LOGS=$out exec "$here/nested.sh" > >(tee "$out/table.md") ;;
edge) NODE_LOGS=$out exec "$here/edge.sh" > >(tee "$out/table.md") ;;
guest) exec "$here/guest.sh" "$out" "$story" "$@" ;;
arm64) GUEST_ARCH=arm64 exec "$here/guest.sh" "$out" "$story" "$@" ;;
uml) NODE_LOGS=$out exec "$here/uml.sh" "$story" --nospace "$NOSPACE_STATIC" --table "$out/table.md" node "$@" ;;
esac
