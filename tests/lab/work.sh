# What a test that starts other machines leaves behind, even if it is killed: nothing; to be sourced.

# own_processes SCRIPT ARGUMENT...: starts the script anew, once, so that everything it starts ends with it. Needs root; does nothing without.
own_processes() {
    if [ -z "${OWN_PROCESSES-}" ] && [ "$(id -u)" = 0 ]; then
        OWN_PROCESSES=1 setpriv --pdeathsig KILL unshare --pid --fork --kill-child --mount-proc "$@"
        exit
    fi
    # The first process of a pid namespace takes no signal that it has no trap for.
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

# own_work KIND: $work, a directory that is removed with this shell. What killed runs left is removed first.
own_work() {
    local left
    for left in /tmp/"$1".*; do
        [ ! -e "$left/lock" ] || flock --nonblock "$left/lock" rm -rf "$left" || true
    done
    work=$(mktemp -d "/tmp/$1.XXXXXX")
    exec {work_lock}>"$work/lock"
    flock "$work_lock"
    trap 'rm -rf "$work"' EXIT
}
