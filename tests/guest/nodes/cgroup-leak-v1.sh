#!/bin/bash
# cgroup v1, 62,500 memory cgroups: all but some are removed, and live on by a page each.
# append: systemd.unified_cgroup_hierarchy=0 rcupdate.rcu_expedited=1
set -euo pipefail
. /work/common.sh
start_containerd cgroupfs
start_pod default web-0 "$(new_uid)" app=12
mount -t tmpfs -o nr_inodes=100k pages /mnt
leaker /sys/fs/cgroup/memory /mnt 62500
record cgroup-leak-v1
