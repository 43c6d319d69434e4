#!/bin/bash
# Every document of `nospace tune --for`, judged by what reads it: the format's own tool or schema, or else a parser and its fields.
#
#   tests/formats/run.sh [NOSPACE]     default: target/debug/nospace, built if it is not there
#
# Tools come from PyPI, the Go module proxy and Debian, into a cache. Without any of them this fails: no format goes unchecked.
set -euo pipefail
cd "$(dirname "$0")/../.."
. scripts/debian.sh
cache=${NOSPACE_CACHE:-$HOME/.cache}/nospace-formats
nospace=${1:-target/debug/nospace}
scripts/prepare deploy
[ $# -gt 0 ] || cargo build --quiet -p nospace
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$cache"

tools=$cache/python-$(sha256sum tests/formats/requirements.txt | cut -c1-16)
if [ ! -e "$tools/ready" ]; then
    echo "formats: installing tests/formats/requirements.txt"
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check -r tests/formats/requirements.txt
    touch "$tools/ready"
fi

# module PATH VERSION FILE: a file of a Go module; $1@$2 is downloaded, nothing is built.
module() {
    local dir
    dir=$(cd "$work" && GOFLAGS=-mod=mod go mod download -json "$1@$2" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
    [ -e "$dir/$3" ] || { echo "formats: $1@$2 has no $3" >&2; exit 1; }
    echo "$dir/$3"
}
eksctl=$(module github.com/weaveworks/eksctl v0.215.0 pkg/apis/eksctl.io/v1alpha5/assets/schema.json)
karpenter=$(module github.com/aws/karpenter-provider-aws v1.13.0 pkg/apis/crds/karpenter.k8s.aws_ec2nodeclasses.yaml)
ignition=$cache/ignition-validate-2.24.0
if [ ! -x "$ignition" ]; then
    echo "formats: building ignition-validate"
    (cd "$work" && GOBIN=$work CGO_ENABLED=0 go install github.com/coreos/ignition/v2/validate@v2.24.0)
    mv "$work/validate" "$ignition"
fi
if ! command -v nix-instantiate >/dev/null; then
    [ "$(id -u)" = 0 ] || { echo "formats: nix-instantiate is missing: apt-get install nix-bin" >&2; exit 1; }
    apt_get update
    apt_get install -y --no-install-recommends nix-bin
fi
cloud_init=$cache/cloud-init-schema.json
if [ ! -s "$cloud_init" ]; then
    (cd "$work" && chmod 755 . && apt-get download -qq cloud-init 2>/dev/null && dpkg-deb -x cloud-init_*.deb unpacked)
    cp "$(find "$work/unpacked" -name schema-cloud-config-v1.json)" "$cloud_init"
fi

# Two keys as usual, and more of those that only some platforms take.
values=(--max-user-instances 8192 --max-user-watches 1048576 --set fs.mount-max=200000 --set kernel.pty.max=8192)
small=(--max-user-instances 8192 --max-user-watches 1048576)
formats=$({ "$nospace" tune --for nothing 2>&1 || true; } | sed -n 's/.*possible values: \(.*\)]/\1/p' | tr -d ,)
[ -n "$formats" ] || { echo "formats: nospace tune --for names no formats" >&2; exit 1; }
for format in $formats; do
    case $format in
    auto | gke | aks) "$nospace" tune --for "$format" "${small[@]}" >"$work/$format" 2>"$work/$format.err" ;;
    *) "$nospace" tune --for "$format" "${values[@]}" >"$work/$format" 2>"$work/$format.err" ;;
    esac
    "$nospace" tune --for "$format" "${small[@]}" -o json >"$work/$format.json"
done
NIX_STATE_DIR=$work/nix/state NIX_STORE_DIR=$work/nix/store NIX_CONFIG='build-users-group =' nix-instantiate --eval --strict --json "$work/nixos" >"$work/nixos.value"
cp "$work/ansible" "$work/ansible.yaml"
ANSIBLE_LOCALHOST_WARNING=False "$tools/bin/ansible-playbook" --syntax-check -i localhost, "$work/ansible.yaml" >/dev/null
"$ignition" "$work/ignition"
EKSCTL=$eksctl KARPENTER=$karpenter IGNITION=$ignition CLOUD_INIT=$cloud_init SCHEMA=docs/schema/tune-for.schema.json \
    "$tools/bin/python" tests/formats/judge.py "$work" $formats
