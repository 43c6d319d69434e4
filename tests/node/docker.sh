#!/bin/bash
# Docker, and an image of Debian with systemd and containerd for it, as kind's image of a node has them; from Debian 12, once. Prints their directory:
# root (Docker's files), node.tar (the image's).
#
#   tests/node/docker.sh
#
# If the archive is unreachable, the exit status is 77.
set -euo pipefail
cache=${NOSPACE_CACHE:-$HOME/.cache}/nospace-node
. "$(dirname "$(readlink -f "$0")")/../../scripts/debian.sh"
suite=bookworm
docker=(docker.io libdevmapper1.02.1 tini)
node=systemd,systemd-sysv,dbus,procps,iproute2,containerd,runc,busybox-static,containernetworking-plugins,openssl

to=$cache/docker-$(echo "$suite ${docker[*]} $node" | cksum | cut -d' ' -f1)
if [ ! -e "$to/node.tar" ]; then
    echo "docker: fetching Docker, and making an image" >&2
    mkdir -p "$cache"
    command -v mmdebstrap >/dev/null || { apt_get update && apt_get install -y --no-install-recommends mmdebstrap; }
    fetch_lists "$suite" amd64
    work=$(mktemp -d "$cache/new.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$work/packages" "$work/new/root"
    (cd "$work/packages" && in_debian "$suite" amd64 apt-get download -qq "${docker[@]}" >&2 && for deb in *.deb; do dpkg-deb -x "$deb" "$work/new/root"; done)
    mmdebstrap --quiet --variant=minbase --include="$node" --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*' "$suite" "$work/new/node.tar" >&2
    rm -rf "$to"
    mv -T "$work/new" "$to"
fi
echo "$to"
