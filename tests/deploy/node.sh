#!/bin/bash
# A node of real Kubernetes (tests/node/host.sh) gets nospace as deploy/ has it: the image, the manifests, Prometheus with the rules, the
# dashboard. on-node.sh says what is held there.
#
#   tests/deploy/node.sh
#
# Needs root and cgroup v1. Logs are in target/deploy.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/deploy/common.sh
[ "$(id -u)" = 0 ] || skip "a node needs root"
scripts/prepare deploy
NOSPACE_STATIC=$(realpath "${NOSPACE_STATIC:-$(scripts/static --quiet)}")
export NOSPACE_STATIC
IMAGE_FILE=$(realpath "$(scripts/image)")
tests/node/kube/build.sh kube-controller-manager kube-scheduler >/dev/null
export IMAGE_FILE NODE_LOGS=$PWD/target/deploy
mkdir -p "$NODE_LOGS"
exec tests/node/host.sh tests/deploy/on-node.sh
