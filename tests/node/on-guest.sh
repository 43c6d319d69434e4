#!/bin/bash
# Runs on the guest, in /work: starts the node and runs the story.
set -euo pipefail
cd /work
export WORK=/work KUBE=/work/kube NODE_NAME=guest-1 ADDRESS=10.77.0.1 NODE_CTL=/work/ctl.sh NODE_PATIENCE=6
. ./tools.sh
. ./ctl.sh
. ./start.sh
trap 'mkdir -p out/log; for p in etcd kube-apiserver containerd kubelet; do cp "$(log $p)" out/log/; done' EXIT
hostname guest-1
ip link add node0 type dummy
ip address add $ADDRESS/24 dev node0
ip link set node0 up
ip route add default via 10.77.0.254 dev node0
if [ -d /run/systemd/system ]; then
    export SYSTEMD_CGROUP=true
    systemctl stop containerd
else
    make_layout
fi
make_image tools /work nospace
SECONDS=0
start_node
KUBE_VERSION=$(kubelet --version | sed 's/.* v//') && export KUBE_VERSION
say "Ready after $SECONDS s"
/work/nospace record out/healthy.tar.zst
./nospace-story --nospace /work/nospace --table out/table.md node $(cat acts)
