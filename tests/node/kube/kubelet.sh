#!/bin/bash
# Builds the kubelet of a version of Kubernetes once, and prints its directory.
#
#   tests/node/kube/kubelet.sh 1.34.2       `go list -m -versions k8s.io/kubernetes` has them
set -euo pipefail
version=${1:?usage: kubelet.sh 1.X.Y}
[[ $version =~ ^1\.[0-9]+\.[0-9]+(-[a-z0-9.]+)?$ ]] || { echo "kubelet: $version is no version such as 1.34.2" >&2; exit 3; }
here=$(dirname "$(readlink -f "$0")")
folder=${NOSPACE_CACHE:-$HOME/.cache}/nospace-node/kube-$version
if [ ! -x "$folder/kubelet" ]; then
    source=$(mktemp -d)
    trap 'rm -rf "$source"' EXIT
    cp -r "$here/kubelet" "$source/"
    theirs=$(go mod download -json "k8s.io/kubernetes@v$version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
    # Older ones make their context themselves.
    grep -q 'func NewKubeletCommand(ctx' "$theirs/cmd/kubelet/app/server.go" ||
        sed -i 's/context.Background()//; /"context"/d' "$source/kubelet/main.go"
    "$here/versions.sh" "$version" "$source" >&2
    KUBE_SOURCE=$source "$here/build.sh" kubelet >&2
fi
echo "$folder"
