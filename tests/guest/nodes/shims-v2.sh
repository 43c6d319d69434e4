#!/bin/bash
# The default 128 instances used up by containerd's shims: on cgroup v2 each holds one for every
# container that it serves. One pod has six containers, so its shim holds seven.
set -euo pipefail
. /work/common.sh
start_containerd
start_pod default api-7c9d8b6f5-2xkqv "$(new_uid)" app=4 proxy=2 metrics=1 cache=0 reloader=2 agent=1
refusals() { journalctl -u containerd -o cat | grep 'failed to create inotify fd' || true; }
for n in $(seq 40); do
    [ -z "$(refusals)" ] || break
    start_pod default "worker-$n" "$(new_uid)" app=0 proxy=0 || true
done
refusals >/work/out/containerd.log
[ -s /work/out/containerd.log ]
record shims-v2
