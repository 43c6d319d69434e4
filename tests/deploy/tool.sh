#!/bin/bash
# Builds a tool that the tests of deploy/ need, once, and prints where it is. Nothing else of the machine is changed.
#
#   tests/deploy/tool.sh helm|crds
#
# `crds` is a folder with the custom resource definitions of the Prometheus operator, made from its Go types.
set -euo pipefail
cd "$(dirname "$0")"
cache=${NOSPACE_CACHE:-$HOME/.cache}/nospace-deploy
helm=v4.3.1
mkdir -p "$cache"

case ${1-} in
helm)
    tool=$cache/helm-$helm
    if [ ! -x "$tool" ]; then
        echo "deploy: building helm $helm" >&2
        work=$(mktemp -d "$cache/.XXXXXX")
        trap 'rm -rf "$work"' EXIT
        GOBIN=$work CGO_ENABLED=0 go install -trimpath -ldflags '-s -w' "helm.sh/helm/v4/cmd/helm@$helm" >&2
        mv "$work/helm" "$tool"
    fi
    ;;
crds)
    tool=$cache/crds-$(cat crds/go.sum | sha256sum | cut -c1-16)
    if [ ! -d "$tool" ]; then
        echo "deploy: making the operator's definitions" >&2
        work=$(mktemp -d "$cache/.XXXXXX")
        (cd crds && go tool controller-gen crd output:crd:dir="$work" \
            paths=github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1) >&2
        mv -T "$work" "$tool"
    fi
    ;;
*) sed -n '4s/^#   /usage: /p' "$0" >&2; exit 3 ;;
esac
echo "$tool"
