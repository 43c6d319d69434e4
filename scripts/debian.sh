# Debian's packages, for this machine and from other releases; to be sourced.

# apt_get ARGUMENT...: this machine's apt-get. While another apt has a lock, it waits for up to five minutes: apt's own time-out is not for its lists.
apt_get() {
    local until=$((SECONDS + 300)) root=() status said
    [ "$(id -u)" = 0 ] || root=(sudo)
    while :; do
        status=0
        said=$("${root[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -o DPkg::Lock::Timeout=300 -qq "$@" 2>&1 >/dev/null) || status=$?
        [[ $status != 0 && $said == *"Could not get lock"* && $SECONDS -lt $until ]] || break
        sleep "${APT_PAUSE:-2}"
    done
    [ -z "$said" ] || echo "$said" >&2
    return $status
}

# The rest leaves this machine's own apt alone: $cache is where its state and downloads are kept.

# in_debian SUITE ARCHITECTURES COMMAND...: apt-get or apt-cache for that release and those architectures, the first as native.
in_debian() {
    local suite=$1 architectures=$2 dir=$cache/apt/$1 base=http://deb.debian.org/debian options=()
    case $suite in *-security) base=http://deb.debian.org/debian-security ;; esac
    [ "$architectures" = "$(dpkg --print-architecture)" ] || dir=$dir-${architectures// /-}
    mkdir -p "$dir"/{lists/partial,archives/partial}
    [ -e "$dir/sources.list" ] || echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $base $suite main" >"$dir/sources.list"
    for one in $architectures; do options+=(-o "APT::Architectures::=$one"); done
    # One at a time: apt would give up at once.
    flock "$dir/sources.list" "$3" -o Dir::Etc::sourcelist="$dir/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$dir/lists" \
        -o Dir::State::status=/dev/null -o Dir::Cache="$dir" -o APT::Sandbox::User=root -o APT::Architecture="${architectures%% *}" \
        "${options[@]}" "${@:4}"
}

# fetch_lists SUITE ARCHITECTURES: exits with 77 if the archive is unreachable; apt itself only warns.
fetch_lists() {
    in_debian "$1" "$2" apt-get update -qq -o APT::Update::Error-Mode=any >&2 ||
        { echo "nospace: SKIPPED: packages of Debian $1: Debian's archive is unreachable" >&2; return 77; }
}
