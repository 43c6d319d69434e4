#!/bin/bash
# Regenerates go.mod for a version of Kubernetes, with its staging modules pinned to the same release.
#
#   tests/node/kube/versions.sh 1.36.3 [DIRECTORY]
#
# DIRECTORY: where the programs are, this one by default.
set -euo pipefail
version=${1:?usage: versions.sh 1.X.Y [DIRECTORY]}
cd "${2:-$(dirname "$0")}"
theirs=$(go mod download -json "k8s.io/kubernetes@v$version" | sed -n 's/^\t"GoMod": "\(.*\)",$/\1/p')
rm -f go.mod go.sum
{
    printf 'module nospace/tests/node/kube\n\n'
    grep '^go ' "$theirs"
    printf '\nrequire k8s.io/kubernetes v%s\n\nreplace (\n' "$version"
    sed -n "s|^\t\(k8s.io/[a-z-]*\) => ./staging/.*|\t\1 => \1 v0.${version#1.}|p" "$theirs"
    echo ')'
} >go.mod
go mod tidy
