#!/bin/sh
# Installs nospace from a release: one static program, checked against the release's SHA256SUMS.
#
#   curl -fsSL https://github.com/nospace/nospace/releases/latest/download/install.sh | sh
#
# Into /usr/local/bin as root, else into ~/.local/bin. $NOSPACE_DIR: another directory. $NOSPACE_URL: another place to download from.
set -eu
url=${NOSPACE_URL:-https://github.com/nospace/nospace/releases/latest/download}

fail() {
    echo "install: $*" >&2
    exit 1
}

[ "$(uname -s)" = Linux ] || fail "nospace runs on Linux, this is $(uname -s)"
case $(uname -m) in
x86_64) arch=amd64 ;;
aarch64) arch=arm64 ;;
*) fail "there is no release for $(uname -m); build it from source" ;;
esac
if [ "$(id -u)" = 0 ]; then dir=/usr/local/bin; else dir=$HOME/.local/bin; fi
dir=${NOSPACE_DIR:-$dir}

if command -v curl >/dev/null; then
    get() { curl -fsSL --retry 3 -o "$2" "$1"; }
elif command -v wget >/dev/null; then
    get() { wget -q -O "$2" "$1"; }
else
    fail "curl or wget is needed"
fi
command -v sha256sum >/dev/null || fail "sha256sum is needed"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
get "$url/SHA256SUMS" "$work/SHA256SUMS" || fail "cannot download $url/SHA256SUMS"
file=$(sed -n "s/^[0-9a-f]\{64\}  \(nospace-[^/]*-linux-$arch\.tar\.gz\)\$/\1/p" "$work/SHA256SUMS" | head -n 1)
[ -n "$file" ] || fail "this release has no program for $arch"
get "$url/$file" "$work/$file" || fail "cannot download $url/$file"
(cd "$work" && grep -F "  $file" SHA256SUMS | sha256sum -c - >/dev/null 2>&1) ||
    fail "$file does not match SHA256SUMS: it is damaged or was replaced. Nothing was installed"
tar -xzf "$work/$file" -C "$work"
mkdir -p "$dir"
# In one step, so that a running nospace is not overwritten.
cp "$work/${file%.tar.gz}/nospace" "$dir/.nospace.new"
chmod 755 "$dir/.nospace.new"
mv "$dir/.nospace.new" "$dir/nospace"
echo "installed $("$dir/nospace" --version) as $dir/nospace"
case :$PATH: in
*:"$dir":*) ;;
*) echo "$dir is not in your PATH: run $dir/nospace, or add it" ;;
esac
