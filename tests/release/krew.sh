#!/bin/bash
# Installs a release's kubectl plugin with krew, from an index and from its manifest, and uninstalls it.
#
#   tests/release/krew.sh DIRECTORY     what scripts/release has made
set -euo pipefail
release=$(realpath "${1:?krew: which directory?}")
cd "$(dirname "$0")/../.."
. tests/deploy/common.sh
. tests/release/serve.sh
version=$(sed -n 's/^  version: v//p' "$release/nospace.krew.yaml")
case $(uname -m) in x86_64) arch=amd64 ;; aarch64) arch=arm64 ;; esac
tar=nospace-$version-linux-$arch.tar.gz
krew=$(tests/deploy/tool.sh krew)
kube=$(tests/node/kube/build.sh kubectl)
work=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$work"' EXIT

mkdir -p "$work"/{bin,home,index/plugins}
ln -s "$krew"/* "$kube/kubectl" "$work/bin/"
ln -s "$release" "$work/release"
serve "$work" "$work/http"
# An index like krew's own: a git repository. Only the address that archives are downloaded from differs from the release's.
sed "s#uri: .*/#uri: http://127.0.0.1:$port/release/#" "$release/nospace.krew.yaml" >"$work/index/plugins/nospace.yaml"
git -C "$work/index" init --quiet
git -C "$work/index" add plugins
git -C "$work/index" -c user.name=nospace -c user.email=nospace@localhost commit --quiet -m nospace

export HOME=$work/home KREW_ROOT=$work/krew KREW_DEFAULT_INDEX_URI=$work/index KREW_NO_UPGRADE_CHECK=1 PATH=$work/bin:$work/krew/bin:$PATH
# krew ARGUMENT...: what it says is in $work/log.
krew() { kubectl krew "$@" >"$work/log" 2>&1 </dev/null; }
said() { cat "$work/log" >&2; fail "$@"; }
# installed: the plugin runs. uninstalled: uninstalls it; nothing of it is left.
installed() { [ "$(kubectl nospace --version)" = "nospace $version" ] || fail "krew: kubectl nospace says: $(kubectl nospace --version 2>&1)"; }
uninstalled() {
    krew uninstall nospace || said "krew uninstall"
    [ -z "$(find "$KREW_ROOT/store" "$KREW_ROOT/receipts" "$KREW_ROOT/bin" -name '*nospace*')" ] || fail "krew uninstall left something"
}

krew update || said "krew update"
krew search nospace || said "krew search"
grep -qF "$(sed -n 's/^  shortDescription: //p' "$release/nospace.krew.yaml")" "$work/log" || said "krew search cuts the short description"
krew install nospace || said "krew install"
installed
uninstalled
krew install --manifest-url="http://127.0.0.1:$port/index/plugins/nospace.yaml" || said "krew install --manifest-url"
installed
uninstalled

# The manifest as released, with the archive beside it.
krew install --manifest="$release/nospace.krew.yaml" --archive="$release/$tar" || said "krew install --manifest"
installed
uninstalled
cp "$release/$tar" "$work/$tar"
printf x >>"$work/$tar"
if krew install --manifest="$release/nospace.krew.yaml" --archive="$work/$tar"; then fail "krew installed an archive with a wrong sum"; fi
grep -q "checksum does not match" "$work/log" || said "krew refuses an archive with a wrong sum for another reason"

# What krew's index demands of a plugin, among it that the archive for each architecture installs and has a license.
validate-krew-manifest -manifest "$work/index/plugins/nospace.yaml" >"$work/log" 2>&1 || said "krew's index would refuse the plugin"
passed "krew installs and uninstalls the plugin, and its index would take it"
