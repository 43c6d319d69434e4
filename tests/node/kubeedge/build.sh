#!/bin/bash
# Builds edgecore and cloudcore of a version of KubeEdge from their Go modules, once; prints their directory, which has KubeEdge's custom resources in crds/.
#
#   tests/node/kubeedge/build.sh 1.20.0
#
# KubeEdge's module takes its modules `api` and `beehive` from its own repository. `api` is published in the same version; `beehive`, which passes
# messages between edgecore's modules, last in 1.13.0: it lacks a function, a few names, and the right parent of an answer.
set -euo pipefail
version=${1:?usage: build.sh 1.20.0}
[[ $version =~ ^1\.[0-9]+\.[0-9]+$ ]] || { echo "kubeedge: $version is no version such as 1.20.0" >&2; exit 3; }
folder=${NOSPACE_CACHE:-$HOME/.cache}/nospace-node/kubeedge-$version

# module NAME VERSION TO: copies it, since it is changed.
module() {
    local theirs
    theirs=$(go mod download -json "github.com/kubeedge/$1@v$2" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
    cp -r --no-preserve=mode "$theirs" "$3"
}

if [ ! -x "$folder/cloudcore" ]; then
    echo "kubeedge: building KubeEdge $version" >&2
    . "$(dirname "$(readlink -f "$0")")/../../lab/namespaces.sh"
    install_packages gcc libc6-dev >&2
    source=$(mktemp -d)
    trap 'rm -rf "$source"' EXIT
    module kubeedge "$version" "$source/kubeedge"
    module beehive 1.13.0 "$source/beehive"
    sed -i 's/NewMessage(message\.Header\.ParentID)/NewMessage(message.GetID())/' "$source/beehive/pkg/core/model/message.go"
    cat >"$source/beehive/pkg/core/model/later.go" <<'END'
package model

const (
	ResourceTypeEvent    = "event"
	ResourceTypeSaAccess = "serviceaccountaccess"
	ResourceTypeCSR      = "certificatesigningrequest"
	ResourceTypeK8sCA    = "k8s/ca.crt"
)
END
    cat >"$source/beehive/pkg/core/later.go" <<'END'
package core

// The feature gate moduleRestart is off.
func EnableModuleRestart() {}

func IsModuleRestartEnabled() bool { return false }
END
    mkdir -p "$folder/crds"
    cp "$source"/kubeedge/build/crds/*/*.yaml "$folder/crds/"
    (
        # As the main module, since it has replacements; its vendor directory is not in it.
        cd "$source/kubeedge"
        rm -rf vendor
        go mod edit -replace "github.com/kubeedge/api=github.com/kubeedge/api@v$version" -replace github.com/kubeedge/beehive=../beehive
        # edgecore's database is SQLite, in C.
        GOWORK=off GOFLAGS=-mod=mod CGO_ENABLED=1 go build -buildvcs=false -trimpath -tags netgo,osusergo,sqlite_omit_load_extension \
            -ldflags "-s -w -extldflags -static" -o "$folder/" ./edge/cmd/edgecore ./cloud/cmd/cloudcore
    ) >&2
fi
echo "$folder"
