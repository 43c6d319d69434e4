#!/bin/bash
# Builds kubelet, kube-apiserver and kubectl from Debian bookworm's source package (1.20.2, typical of nodes with cgroup v1), and
# etcd like build.sh, once, and prints their directory.
#
#   tests/node/kube/debian.sh
#
# Installs golang-1.19 and the other build dependencies, but not Debian's package itself.
set -euo pipefail
here=$(dirname "$(readlink -f "$0")")
version=1.20.2
folder=${NOSPACE_CACHE:-$HOME/.cache}/nospace-node/kube-$version
programs=(kubelet kube-apiserver kubectl)

# Debian's source repository, independent of the machine's own apt sources.
fetch() {
    mkdir -p "$work/lists/partial"
    echo "deb-src http://deb.debian.org/debian bookworm main" >"$work/sources.list"
    local lists=(-o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$work/lists"
        -o APT::Sandbox::User=root)
    apt-get -qq "${lists[@]}" update
    (cd "$work" && apt-get -qq "${lists[@]}" source --download-only kubernetes)
    dpkg-source --no-check -x "$work"/kubernetes_*.dsc "$work/source" >&2
    ls "$work"/kubernetes_*really$version*.dsc >/dev/null || { echo "kube: bookworm now has a different version" >&2; exit 1; }
}

# GOPATH mode, as this release requires; generated files first.
build() {
    export GOPATH=$work/go GO111MODULE=off CGO_ENABLED=0 PATH=/usr/lib/go-1.19/bin:$PATH GOFLAGS=
    mkdir -p "$GOPATH/src/k8s.io"
    ln -s "$work/source" "$GOPATH/src/k8s.io/kubernetes"
    cd "$GOPATH/src/k8s.io/kubernetes"
    export KUBE_GIT_VERSION=v$version KUBE_GIT_COMMIT=0000000000000000000000000000000000000000 KUBE_GIT_TREE_STATE=clean
    make generated_files >&2
    local flags="-s -w" package
    for package in k8s.io/kubernetes/vendor/k8s.io/component-base/version k8s.io/kubernetes/vendor/k8s.io/client-go/pkg/version; do
        flags+=" -X $package.gitVersion=v$version -X $package.gitMajor=1 -X $package.gitMinor=20"
    done
    go build -trimpath -ldflags "$flags" -o "$work/bin/" "${programs[@]/#/k8s.io/kubernetes/cmd/}"
}

if [ ! -x "$folder/kubelet" ]; then
    . /etc/os-release
    [ "${VERSION_CODENAME-}" = bookworm ] || { echo "kube: the source package is built on Debian bookworm only" >&2; exit 77; }
    echo "kube: building ${programs[*]} $version" >&2
    . "$here/../../../scripts/debian.sh"
    apt_get install -y --no-install-recommends golang-1.19-go rsync jq dpkg-dev make
    work=$(mktemp -d /var/tmp/nospace-kube.XXXXXX)
    trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
    fetch
    (build)
    mkdir -p "$folder"
    mv "$work"/bin/* "$folder/"
fi
[ -x "$folder/etcd" ] || cp "$("$here/build.sh" etcd)/etcd" "$folder/"
echo "$folder"
