#!/bin/bash
# cgroup v2 alone, the kernel's own limit of watches used up by one log shipper.
set -euo pipefail
. /work/common.sh
start_containerd
start_pod kube-system "etcd-$(hostname)" 297aa23a2f26fdf48fb6fb66882d4d1b etcd=0
start_pod default web-0 "$(new_uid)" app=12
start_pod logging promtail-h4wzq "$(new_uid)" promtail=30000
until grep -q 'no space left' /var/log/pods/logging_promtail*/promtail/0.log; do sleep 1; done
record watches-v2
