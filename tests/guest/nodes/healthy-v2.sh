#!/bin/bash
# A healthy node: cgroup v2, systemd, containerd with the systemd driver, five pods.
set -euo pipefail
. /work/common.sh
start_containerd
start_pod kube-system "etcd-$(hostname)" 297aa23a2f26fdf48fb6fb66882d4d1b etcd=0
start_pod kube-system coredns-5d78c9869d-x7k2p "$(new_uid)" coredns=1
start_pod default web-0 "$(new_uid)" app=12
start_pod default web-1 "$(new_uid)" app=12 sidecar=3
start_pod logging fluent-bit-q9wzl "$(new_uid)" fluent-bit=240
record healthy-v2
