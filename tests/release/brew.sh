#!/bin/bash
# Installs a release's formula with Homebrew, where there is one, and uninstalls it. Exits with 77 where there is none.
#
#   tests/release/brew.sh DIRECTORY     what scripts/release has made
#
# The archive is put where brew keeps downloads: neither the formula nor the sum it demands is changed, and nothing need be published.
set -euo pipefail
release=$(realpath "${1:?brew: which directory?}")
. "$(dirname "$0")/../deploy/common.sh"
# GitHub's machines have it, but not in PATH.
brew=$(command -v brew || ls /home/linuxbrew/.linuxbrew/bin/brew 2>/dev/null) || skip "Homebrew: there is no brew here"
prefix=$(dirname "$(dirname "$brew")")

# brew refuses root: it runs as a user who may write to it.
found=
for user in "$(id -un)" "${SUDO_USER-}" "$(stat -Lc %U "$brew")"; do
    { [ "$user" != root ] && home=$(getent passwd "$user" | cut -d: -f6) && [ -n "$home" ]; } || continue
    as_user=()
    [ "$user" = "$(id -un)" ] || as_user=(runuser -u "$user" -- env "HOME=$home")
    if "${as_user[@]}" test -w "$prefix" 2>/dev/null; then found=$user; break; fi
done
[ -n "$found" ] || skip "Homebrew: no user here may write to $prefix"

export HOMEBREW_NO_AUTO_UPDATE=1 HOMEBREW_NO_ANALYTICS=1 HOMEBREW_NO_ENV_HINTS=1 HOMEBREW_NO_INSTALL_CLEANUP=1
name=nospace/release-test/nospace
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The user reads what is in it.
chmod 755 "$work"
install -m 644 -t "$work" "$release"/nospace.rb "$release"/nospace-*.tar.gz
cd /
# ask ARGUMENT...: prints brew's answer. brew ARGUMENT...: puts what it says into $work/log.
ask() { "${as_user[@]}" "$brew" "$@" 2>"$work/log" </dev/null; }
brew() { "${as_user[@]}" "$brew" "$@" >"$work/log" 2>&1 </dev/null; }
said() { cat "$work/log" >&2; fail "$@"; }

if brew list --formula nospace; then skip "Homebrew: nospace is installed already"; fi
taps=$(ask --repository)/Library/Taps/nospace || said "brew --repository"
end() {
    brew uninstall --force $name || true
    "${as_user[@]}" rm -rf "$taps/homebrew-release-test"
    "${as_user[@]}" rmdir "$taps" 2>/dev/null || true
    rm -rf "$work"
}
trap end EXIT
"${as_user[@]}" install -D -m 644 "$work/nospace.rb" "$taps/homebrew-release-test/Formula/nospace.rb"
cached=$(ask --cache --build-from-source $name) || said "brew --cache"
"${as_user[@]}" install -D -m 644 "$work/${cached##*--}" "$cached"

brew install $name || said "brew install"
version=$("$prefix/bin/nospace" --version)
[[ ${cached##*--} == "${version/ /-}-linux-"* ]] || fail "brew install: nospace --version says: $version"
for file in bin/nospace share/man/man1/nospace-check.1 etc/bash_completion.d/nospace share/zsh/site-functions/_nospace share/fish/vendor_completions.d/nospace.fish; do
    [ -s "$prefix/$file" ] || fail "brew install: no $file"
done
# brew downloads what it tests with.
if brew install-bundler-gems --groups=formula_test; then
    brew test $name || said "brew test"
else
    echo "deploy: skipped: brew test: brew cannot download what it tests with" >&2
fi
brew uninstall $name || said "brew uninstall"
[ ! -e "$prefix/bin/nospace" ] || fail "brew uninstall left the program"
passed "Homebrew installs $version from the formula and uninstalls it"
