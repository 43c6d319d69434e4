#!/bin/bash
# Builds containerd, its shim and ctr of a version from their Go module, and a runc new enough for user namespaces, once; prints their directory.
#
#   tests/node/containerd/build.sh 2.4.2       1.7.0 or later; `go list -m -versions github.com/containerd/containerd/v2` has them
set -euo pipefail
version=${1:?usage: build.sh X.Y.Z}
runc=1.5.3
case $version in
1.*) module=github.com/containerd/containerd ;;
*) module=github.com/containerd/containerd/v2 ;;
esac
[[ $version =~ ^(1\.[789]|2\.[0-9]+)\.[0-9]+(-[a-z0-9.]+)?$ ]] || { echo "containerd: $version is no version such as 2.4.2" >&2; exit 3; }
folder=${NOSPACE_CACHE:-$HOME/.cache}/nospace-node/containerd-$version-runc-$runc

# install LINKER-FLAGS VERSION PROGRAM... into the folder; as a dependency, since 1.7's module has replacements.
install() {
    local flags="-s -w $1" version=$2
    shift 2
    (
        cd "$(mktemp -d -p "$work")"
        go mod init lab
        go get "${@/%/@v$version}"
        GOBIN=$folder go install -trimpath -tags seccomp,netgo,osusergo -ldflags "$flags" "$@"
    ) >&2
}

if [ ! -x "$folder/runc" ]; then
    echo "containerd: building containerd $version and runc $runc" >&2
    mkdir -p "$folder"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    programs=(containerd containerd-shim-runc-v2 ctr)
    CGO_ENABLED=0 install "-X $module/version.Version=v$version" "$version" "${programs[@]/#/$module/cmd/}"
    . "$(dirname "$(readlink -f "$0")")/../../lab/namespaces.sh"
    install_packages gcc libc6-dev libseccomp-dev pkg-config
    install "-X main.version=$runc -extldflags -static" "$runc" github.com/opencontainers/runc
fi
echo "$folder"
