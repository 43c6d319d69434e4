#!/bin/bash
# Builds CRI-O of a version and its pinns from their Go module, once; prints their directory. conmon and runc are Debian's.
#
#   tests/node/crio/build.sh 1.34.0
set -euo pipefail
version=${1:?usage: build.sh 1.X.Y}
[[ $version =~ ^1\.[0-9]+\.[0-9]+(-[a-z0-9.]+)?$ ]] || { echo "crio: $version is no version such as 1.34.0" >&2; exit 3; }
folder=${NOSPACE_CACHE:-$HOME/.cache}/nospace-node/crio-$version
if [ ! -x "$folder/crio" ]; then
    echo "crio: building CRI-O $version" >&2
    . "$(dirname "$(readlink -f "$0")")/../../lab/namespaces.sh"
    install_packages gcc libc6-dev >&2
    source=$(mktemp -d)
    trap 'rm -rf "$source"' EXIT
    theirs=$(go mod download -json "github.com/cri-o/cri-o@v$version" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
    # As the main module, so that its go.sum says what its dependencies are.
    cp -r --no-preserve=mode "$theirs/." "$source"
    mkdir -p "$folder"
    gcc -std=c99 -Os -static -s -o "$folder/pinns" "$source"/pinns/src/*.c
    # Without libseccomp, gpgme and btrfs; none of them watches anything.
    (cd "$source" && CGO_ENABLED=0 go build -trimpath -tags containers_image_openpgp,containers_image_ostree_stub,exclude_graphdriver_btrfs,netgo,osusergo \
        -ldflags "-s -w" -o "$folder/" ./cmd/crio) >&2
fi
echo "$folder"
