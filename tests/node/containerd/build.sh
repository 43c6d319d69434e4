#!/bin/bash
# Builds containerd, its shim and ctr of a version from their Go module, and a runc new enough for user namespaces, once; prints their directory.
#
#   tests/node/containerd/build.sh 2.4.2       2.0.0 or later; `go list -m -versions github.com/containerd/containerd/v2` has them
set -euo pipefail
version=${1:?usage: build.sh 2.X.Y}
runc=1.5.3
module=github.com/containerd/containerd/v2
[[ $version =~ ^2\.[0-9]+\.[0-9]+(-[a-z0-9.]+)?$ ]] || { echo "containerd: $version is no version such as 2.4.2" >&2; exit 3; }
folder=${NOSPACE_CACHE:-$HOME/.cache}/nospace-node/containerd-$version-runc-$runc

# install LINKER-FLAGS PROGRAM@VERSION... into the folder.
install() {
    GOBIN=$folder go install -trimpath -tags seccomp,netgo,osusergo -ldflags "-s -w $1" "${@:2}" >&2
}

if [ ! -x "$folder/runc" ]; then
    echo "containerd: building containerd $version and runc $runc" >&2
    mkdir -p "$folder"
    programs=(containerd containerd-shim-runc-v2 ctr)
    programs=("${programs[@]/#/$module/cmd/}")
    CGO_ENABLED=0 install "-X $module/version.Version=v$version" "${programs[@]/%/@v$version}"
    . "$(dirname "$(readlink -f "$0")")/../../lab/namespaces.sh"
    install_packages gcc libc6-dev libseccomp-dev pkg-config
    install "-X main.version=$runc -extldflags -static" "github.com/opencontainers/runc@v$runc"
fi
echo "$folder"
