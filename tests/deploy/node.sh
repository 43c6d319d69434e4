#!/bin/bash
# Deploys nospace from deploy/ on a real Kubernetes node (tests/node/host.sh): the tutorial of a cluster, image, manifests, Prometheus with the rules,
# dashboard.
# on-node.sh contains the checks.
#
#   tests/deploy/node.sh
#
# Needs root and cgroup v1. Logs are in target/deploy.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/deploy/common.sh
[ "$(id -u)" = 0 ] || skip "running a node needs root"
scripts/prepare deploy
NOSPACE_STATIC=$(realpath "${NOSPACE_STATIC:-$(scripts/static --quiet)}")
export NOSPACE_STATIC
IMAGE_FILE=$(realpath "$(scripts/image)")
HELM=$(tests/deploy/tool.sh helm)
tests/node/kube/build.sh kube-controller-manager kube-scheduler >/dev/null
export IMAGE_FILE HELM NODE_LOGS=$PWD/target/deploy
mkdir -p "$NODE_LOGS"
exec tests/node/host.sh tests/deploy/on-node.sh
