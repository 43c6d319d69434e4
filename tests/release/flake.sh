#!/bin/bash
# Evaluates the Nix flake of the last commit against nixpkgs: all that its package is built from is found. It is not built. Exits with 77 where
# there is no nixpkgs.
#
#   tests/release/flake.sh
#
# $NOSPACE_NIXPKGS: a directory with a nixpkgs flake, instead of the one that flake.nix names.
set -euo pipefail
cd "$(dirname "$0")/../.."
. tests/deploy/common.sh
. scripts/debian.sh
if ! command -v nix >/dev/null; then
    [ "$(id -u)" = 0 ] || skip "Nix flake: nix is missing: apt-get install nix-bin"
    apt_get update
    apt_get install -y --no-install-recommends nix-bin
fi
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
nixpkgs=$(sed -n 's/.*inputs\.nixpkgs\.url = "\(.*\)".*/\1/p' flake.nix)
if [ -n "${NOSPACE_NIXPKGS-}" ]; then nixpkgs=path:$(realpath "$NOSPACE_NIXPKGS"); fi
work=$(mktemp -d)
# What is in a store cannot be written to.
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
mkdir "$work/source"
git archive HEAD | tar -xf - -C "$work/source"
export HOME=$work/home NIX_STATE_DIR=$work/state NIX_STORE_DIR=$work/store NIX_LOG_DIR=$work/log
export NIX_CONFIG="experimental-features = nix-command flakes
build-users-group =
substituters ="
# nix_eval ATTRIBUTE: prints it; what nix says is in $work/said.
nix_eval() { nix eval --raw "path:$work/source#$1" --override-input nixpkgs "$nixpkgs" --no-write-lock-file 2>"$work/said"; }

timeout 600 nix flake metadata "$nixpkgs" >"$work/said" 2>&1 </dev/null || skip "Nix flake: no $nixpkgs here: $(tail -1 "$work/said")"
for system in x86_64-linux aarch64-linux; do
    package=packages.$system.default
    derivation=$(nix_eval "$package.drvPath") || {
        if grep -q "requires Nix" "$work/said"; then skip "Nix flake: $(nix --version) is too old for $nixpkgs"; fi
        cat "$work/said" >&2
        fail "Nix flake: $package cannot be evaluated"
    }
    [[ "$derivation" == *-nospace-$version.drv ]] || fail "Nix flake: $package is $derivation"
    [ "$(nix_eval "$package.meta.mainProgram")" = nospace ] || fail "Nix flake: nix run would not run nospace"
done
passed "the Nix flake evaluates for both architectures"
