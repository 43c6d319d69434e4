# A node in its own namespaces; to be sourced. The sourcing script runs twice: `outside` creates the
# namespaces and runs it again with INSIDE=1 and $WORK, a directory that is deleted with the node.
# The script must define a function `say` for messages.

. "${BASH_SOURCE[0]%/*}/../../scripts/debian.sh"

cgroups=/sys/fs/cgroup

# Exits if this user or host cannot run such a node.
need_host() {
    [ "$(id -u)" = 0 ] || { say "needs root"; exit 77; }
    [ -d "$cgroups/memory" ] || { say "needs a host with cgroup v1"; exit 77; }
}

install_packages() {
    local missing
    missing=$(for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || echo "$package"
    done)
    [ -n "$missing" ] || return 0
    apt_get update
    # shellcheck disable=SC2086
    apt_get install -y --no-install-recommends $missing
}

# A cgroup for the node in each hierarchy, which this shell enters.
enter_cgroups() {
    local hierarchy
    for hierarchy in "$cgroups"/*/; do
        mkdir "$hierarchy/$node"
        if [ -e "$hierarchy/cpuset.cpus" ]; then
            cat "$hierarchy/cpuset.cpus" >"$hierarchy/$node/cpuset.cpus"
            cat "$hierarchy/cpuset.mems" >"$hierarchy/$node/cpuset.mems"
        fi
        echo "$BASHPID" >"$hierarchy/$node/cgroup.procs"
    done
}

# Removes what killed nodes left behind; one that is still shutting down is left to the next run.
remove_stale() {
    local left
    for left in "$cgroups"/*/"$kind"-* /tmp/"$kind"-*; do
        case $left in
        /tmp/*) [ -d "/proc/$(basename "${left%.*}" | tr -dc 0-9)" ] || { put_limits_back "$left" && rm -rf "$left"; } ;;
        *) [ -d "/proc/${left##*-}" ] || find "$left" -depth -type d -exec rmdir {} + ;;
        esac 2>/dev/null || true
    done
}

limits=/proc/sys/fs/inotify

# The host's inotify limits, which some nodes change; after a node was killed, the next one restores them.
keep_limits() {
    mkdir "$WORK/limits"
    cp "$limits"/max_user_{watches,instances} "$WORK/limits/"
}

put_limits_back() { # WORK
    local kept
    for kept in "$1"/limits/*; do
        [ ! -e "$kept" ] || cmp -s "$kept" "$limits/${kept##*/}" || cat "$kept" >"$limits/${kept##*/}"
    done
}

clean_up() {
    put_limits_back "$WORK"
    rm -rf "$WORK"
    # Processes killed with the pid namespace may take a moment to leave their cgroup.
    for _ in $(seq 50); do
        find "$cgroups"/*/"$node" -depth -type d -exec rmdir {} + 2>/dev/null && return
        sleep 0.1
    done
    say "some of $cgroups/*/$node could not be removed"
}

# outside KIND [OPTION-OF-UNSHARE...] -- COMMAND...: runs this script with COMMAND as its arguments, inside.
outside() {
    kind=$1
    shift
    local options=()
    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    shift
    remove_stale
    node=$kind-$$
    WORK=$(mktemp -d "/tmp/$node.XXXXXX")
    [ "$kind" != nospace-node ] || keep_limits
    trap clean_up EXIT
    export WORK INSIDE=1
    # If this shell is killed, unshare dies with it, and the node with unshare.
    (enter_cgroups; exec setpriv --pdeathsig KILL unshare --mount --propagation private --uts \
        --cgroup --pid --fork --kill-child --mount-proc "${options[@]}" "$0" "$@")
}

# own_mounts DIRECTORY...: the node's own cgroups and DIRECTORYs, and an empty /mnt: a recording contains only this node.
own_mounts() {
    local hierarchies name own
    hierarchies=$(cd "$cgroups" && echo *)
    umount -l "$cgroups"
    mount -t tmpfs -o mode=755 cgroup "$cgroups"
    for name in $hierarchies; do
        mkdir "$cgroups/$name"
        case $name in
        unified) mount -t cgroup2 cgroup2 "$cgroups/$name" ;;
        systemd) mount -t cgroup -o none,name=systemd cgroup "$cgroups/$name" ;;
        *) mount -t cgroup -o "$name" cgroup "$cgroups/$name" ;;
        esac
    done
    {
        findmnt -rno TARGET | grep '^/mnt/' || true
        findmnt -rno TARGET -t cgroup,cgroup2 | grep -v "^$cgroups/" || true
    } | xargs -r -n1 umount -l
    for own; do
        mkdir -p "$own"
        mount -t tmpfs -o mode=755 node "$own"
    done
}

# own_overlays DIRECTORY...: the node's writes go to a tmpfs on top of the host's directories.
own_overlays() {
    local own upper
    mkdir -p "$WORK/overlay"
    mount -t tmpfs overlay "$WORK/overlay"
    for own; do
        upper=$WORK/overlay$own
        mkdir -p "$upper/up" "$upper/work"
        mount -t overlay -o "lowerdir=$own,upperdir=$upper/up,workdir=$upper/work" overlay "$own"
    done
}
