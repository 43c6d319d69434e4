#!/bin/bash
# Holds everything in deploy/: rules, chart, package and plugin, then an API server, then a node of real Kubernetes.
#
#   tests/deploy/run.sh [rules|chart|npd|deb|apiserver|node]...     all of them, if none is named
#
# Installs and builds what is missing. As another user than root the last three are skipped, and say so; so is the last on a machine
# without cgroup v1.
set -euo pipefail
cd "$(dirname "$0")/../.."
scripts/prepare deploy
[ $# -gt 0 ] || set -- rules chart npd deb apiserver node
NOSPACE_STATIC=$(realpath "${NOSPACE_STATIC:-$(scripts/static --quiet)}")
export NOSPACE_STATIC
for test; do
    began=$SECONDS code=0
    arguments=()
    [ "$test" != npd ] || arguments=("$NOSPACE_STATIC")
    "tests/deploy/$test.sh" "${arguments[@]}" || code=$?
    # 77: it has said why it cannot run here.
    [ $code = 0 ] || [ $code = 77 ] || exit $code
    echo "deploy: $test: $((SECONDS - began)) s"
done
