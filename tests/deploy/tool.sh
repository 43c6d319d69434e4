#!/bin/bash
# Builds a tool that the deploy tests need, once, and prints its path. Nothing else changes on the machine.
#
#   tests/deploy/tool.sh helm|nfpm|krew|crds
#
# `krew` is a directory with kubectl-krew, and with validate-krew-manifest, which krew's index checks plugins with.
# `crds` is a directory with the Prometheus operator's custom resource definitions, generated from its Go types.
set -euo pipefail
cd "$(dirname "$0")"
cache=${NOSPACE_CACHE:-$HOME/.cache}/nospace-deploy
helm=v4.3.1
nfpm=v2.45.2
krew=v0.4.4
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
nfpm)
    tool=$cache/nfpm-$nfpm
    if [ ! -x "$tool" ]; then
        echo "deploy: building nfpm $nfpm" >&2
        work=$(mktemp -d "$cache/.XXXXXX")
        trap 'rm -rf "$work"' EXIT
        GOBIN=$work CGO_ENABLED=0 go install -trimpath -ldflags '-s -w' "github.com/goreleaser/nfpm/v2/cmd/nfpm@$nfpm" >&2
        mv "$work/nfpm" "$tool"
    fi
    ;;
krew)
    tool=$cache/krew-$krew
    if [ ! -d "$tool" ]; then
        echo "deploy: building krew $krew" >&2
        work=$(mktemp -d "$cache/.XXXXXX")
        trap 'rm -rf "$work"' EXIT
        GOBIN=$work CGO_ENABLED=0 go install -trimpath -ldflags '-s -w' "sigs.k8s.io/krew/cmd/krew@$krew" \
            "sigs.k8s.io/krew/cmd/validate-krew-manifest@$krew" >&2
        mv "$work/krew" "$work/kubectl-krew"
        mv -T "$work" "$tool"
    fi
    ;;
crds)
    tool=$cache/crds-$(cat crds/go.sum | sha256sum | cut -c1-16)
    if [ ! -d "$tool" ]; then
        echo "deploy: generating the operator's CRDs" >&2
        work=$(mktemp -d "$cache/.XXXXXX")
        (cd crds && go tool controller-gen crd output:crd:dir="$work" \
            paths=github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1) >&2
        mv -T "$work" "$tool"
    fi
    ;;
*) sed -n '4s/^#   /usage: /p' "$(basename "$0")" >&2; exit 3 ;;
esac
echo "$tool"
