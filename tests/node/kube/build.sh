#!/bin/bash
# Builds Kubernetes programs and etcd once, and prints their directory.
#
#   tests/node/kube/build.sh PROGRAM...
#
# The directory is ${NOSPACE_CACHE:-~/.cache}/nospace-node/kube-VERSION, or kube-VERSION-GOARCH if $GOARCH is set; missing programs are rebuilt.
# $KUBE_SOURCE: a directory like this one.
set -euo pipefail
cd "${KUBE_SOURCE:-$(dirname "$0")}"
version=$(sed -n 's/^require k8s.io\/kubernetes v//p; s/^\tk8s.io\/kubernetes v//p' go.mod | head -1)
folder=${NOSPACE_CACHE:-$HOME/.cache}/nospace-node/kube-$version${GOARCH:+-$GOARCH}
minor=${version#1.}
flags="-s -w"
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
    flags+=" -X $package.gitVersion=v$version -X $package.gitMajor=1 -X $package.gitMinor=${minor%%.*}"
    flags+=" -X $package.gitTreeState=clean -X $package.gitCommit=0000000000000000000000000000000000000000"
done
mkdir -p "$folder"
work=$(mktemp -d "$folder/.XXXXXX")
trap 'rm -rf "$work"' EXIT
for program; do
    [ -x "$folder/$program" ] && continue
    echo "kube: building $program $version${GOARCH:+ for $GOARCH}" >&2
    CGO_ENABLED=0 go build -trimpath -ldflags "$flags" -o "$work/$program" "./$program"
    mv "$work/$program" "$folder/$program"
done
echo "$folder"
