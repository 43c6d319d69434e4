#!/bin/bash
# scripts/prepare on machines where something is missing: it names it, and installs nothing.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bash=$(command -v bash)

# has PROGRAM...: a directory that contains only these, and nothing to install with.
has() {
    rm -rf "$work/bin"
    mkdir "$work/bin"
    local program
    for program; do ln -s "$(command -v "$program")" "$work/bin/$program"; done
}
base="dirname sed cut sort head id grep"

# fake PROGRAM TEXT: a program that prints this.
fake() {
    rm -f "$work/bin/$1"
    printf '#!%s\necho "%s"\n' "$bash" "$2" >"$work/bin/$1"
    chmod +x "$work/bin/$1"
}

# says TEXT...: prepare fails, and its message contains each.
says() {
    local code=0 text
    PATH=$work/bin "$bash" scripts/prepare build >"$work/out" 2>&1 || code=$?
    [ $code = 1 ] || { cat "$work/out"; echo "prepare: exit code $code instead of 1"; exit 1; }
    for text; do grep -qF -e "$text" "$work/out" || { cat "$work/out"; echo "prepare does not say: $text"; exit 1; }; done
}

needed=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
has $base
says "cargo is missing" "$needed" rustup.rs
fake cargo "cargo 1.63.0"
fake rustc "rustc 1.63.0 (4b91a6ea7 2022-08-08)"
says "Rust 1.63.0 is too old" "$needed"
fake rustc "rustc 99.0.0 (4b91a6ea7 2050-08-08)"
says "no apt" libelf-dev clang
fake dpkg-query "not-installed"
fake apt-get "must not run"
fake id 1000
says "no sudo" "apt-get install" libelf-dev
! grep -q "must not run" "$work/out" || { echo "prepare ran apt-get"; exit 1; }
echo "scripts/prepare: ok"
