# Shared by the lab and the guest scripts; to be sourced.

image=docker.io/nospace/lab:1

# Builds the CRI client and the watcher, once per version of their sources, for $GOARCH if it is set. Prints their directory.
build_tools() {
    local here version tools
    here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
    version=$(cat "$here"/go.sum "$here"/*/main.go | sha256sum | cut -c1-16)
    tools=${XDG_CACHE_HOME:-$HOME/.cache}/nospace-lab/$version${GOARCH:+-$GOARCH}
    if [ ! -d "$tools" ]; then
        mkdir -p "$tools.$$"
        (cd "$here" && CGO_ENABLED=0 go build -buildvcs=false -o "$tools.$$/" ./...) >&2
        mv -T "$tools.$$" "$tools"
    fi
    echo "$tools"
}

# A docker-archive of one layer, busybox, the watcher and other static programs: make_image TOOLS DIRECTORY
# [PROGRAM...] makes DIRECTORY/image.tar, for this machine's architecture. Its command sleeps, so that it serves as the pause image too.
make_image() {
    local tools=$1 work=$2
    shift 2
    local root=$work/root
    mkdir -p "$root"/{bin,proc,dev,sys,tmp}
    cp /bin/busybox "$tools/watcher" "$@" "$root/bin/"
    ln -s busybox "$root/bin/sleep"
    tar -C "$root" --owner=0 --group=0 -cf "$work/layer.tar" .
    local digest architecture=amd64
    [ "$(uname -m)" != aarch64 ] || architecture=arm64
    digest=$(sha256sum "$work/layer.tar" | cut -d' ' -f1)
    cat >"$work/config.json" <<END
{"architecture": "$architecture", "os": "linux", "config": {"Cmd": ["/bin/sleep", "100000"]},
 "rootfs": {"type": "layers", "diff_ids": ["sha256:$digest"]}}
END
    cat >"$work/manifest.json" <<END
[{"Config": "config.json", "RepoTags": ["$image"], "Layers": ["layer.tar"]}]
END
    tar -C "$work" -cf "$work/image.tar" manifest.json config.json layer.tar
}
