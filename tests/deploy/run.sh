#!/bin/bash
# Tests everything in deploy/: rules, chart, package and plugin, then with an API server, then on a real Kubernetes node.
#
#   tests/deploy/run.sh [rules|chart|npd|deb|apiserver|node]...     default: all
#
# Installs and builds what is missing. Without root, the last three are skipped with a message; so is the last on a machine
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
    # 77: skipped; the test has said why.
    [ $code = 0 ] || [ $code = 77 ] || exit $code
    echo "deploy: $test: $((SECONDS - began)) s"
done
