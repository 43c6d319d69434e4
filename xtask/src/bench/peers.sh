#!/bin/bash
# Fetches what `nospace check` is measured against and prints the command that starts it.
#
# inotify-info is packaged in Debian from 13 (trixie) on, and needs that release's C library: both
# are unpacked beside each other, in the versions that the archive has, and nothing is installed. The
# list of packages is apt's, in a place of its own; apt checks signatures as ever.
set -euo pipefail

packages=(inotify-info libc6 libstdc++6 libgcc-s1)
cache=$(cd "$(dirname "$0")/../../.." && pwd)/.cache/peers
tree=$cache/inotify-info

fetch() {
    mkdir -p "$cache"/apt/{state/lists/partial,cache/archives/partial} "$cache/debs"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main" \
        >"$cache/apt/sources.list"
    local apt=(apt-get -qq
        -o Dir::State="$cache/apt/state" -o Dir::State::status=/dev/null -o Dir::Cache="$cache/apt/cache"
        -o Dir::Etc::sourcelist="$cache/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null
        -o Dir::Etc::preferencesparts=/dev/null -o APT::Architecture=amd64 -o APT::Sandbox::User=root)
    "${apt[@]}" update
    rm -rf "$cache/debs/inotify-info"
    mkdir "$cache/debs/inotify-info"
    (cd "$cache/debs/inotify-info" && "${apt[@]}" download "${packages[@]}")
}

unpack() {
    local deb
    for deb in "$cache"/debs/inotify-info/*.deb; do dpkg -x "$deb" "$tree.new"; done
    [ -x "$tree.new/usr/bin/inotify-info" ]
    (cd "$cache/debs/inotify-info" && echo "fetched $(ls | sed 's/_amd64.deb//' | tr '\n' ' ')") >&2
    mv "$tree.new" "$tree"
}

if [ ! -d "$tree" ]; then
    rm -rf "$tree.new"
    fetch >&2
    unpack
fi
echo "$tree/usr/lib64/ld-linux-x86-64.so.2"
echo --library-path
echo "$tree/usr/lib/x86_64-linux-gnu"
echo "$tree/usr/bin/inotify-info"
