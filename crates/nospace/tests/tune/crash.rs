//! Whenever it is killed, the old file is there or the new one, and what was before is known.

use crate::lab::run;

/// Kills nospace when it enters its Nth call that could change something, for every N there is.
const KILL: &str = r#"
command -v strace >/dev/null || { echo "skipped: strace is not installed (apt-get install strace)"; exit 0; }
calls=?write,?writev,?pwrite64,?openat,?openat2,?rename,?renameat,?renameat2,?unlink,?unlinkat,?fsync,?fdatasync
calls=$calls,?mkdir,?mkdirat,?rmdir,?fchmod,?flock,?close,?ftruncate
new='# Written by nospace tune. `nospace tune --revert` takes it back.
# before: fs.inotify.max_user_instances = 128
fs.inotify.max_user_instances = 8192
# before: fs.inotify.max_user_watches = 8192
fs.inotify.max_user_watches = 524288'
# What it does elsewhere differs from run to run, and changes nothing.
paths="-P /run/nospace-tune.lock -P /etc -P /etc/sysctl.d -P $file -P /etc/sysctl.d/.zz-nospace.conf.new -P /run/nospace
    -P /proc/sys/fs/inotify/max_user_instances -P /proc/sys/fs/inotify/max_user_watches"
# A regular file is emptied when it is opened for writing; a value of the kernel is not.
unempty() { [ -s value/instances ] || echo "$1" >value/instances; [ -s value/watches ] || echo "$2" >value/watches; }
contents() { if [ -e $file ]; then cat $file; fi; }
# $1: what the file was, $2: what it shall be; the rest: the command.
kill_everywhere() {
    old=$1; wanted=$2; shift 2
    reset
    strace -qq -f $paths -e "trace=$calls" -o log "$nospace" "$@" >/dev/null
    same "$(contents)" "$wanted"
    # Each call with its number among its like: strace counts each kind apart, in each thread.
    thread=$(awk '/flock\(/ { print $1; exit }' log)
    awk -v thread="$thread" '$1 == thread && split($2, call, "(") > 1 { print call[1], ++seen[call[1]] }' log >steps
    grep -q flock steps || fail "no lock in the log"
    states=
    while read -r call at <&3; do
        reset
        code=0
        strace -qq -f -o /dev/null $paths -e "trace=$call" -e "inject=$call:signal=SIGKILL:when=$at" "$nospace" "$@" \
            >/dev/null 2>&1 || code=$?
        [ "$code" = 137 ] || fail "$call $at did not kill it: $code"
        now=$(contents)
        [ "$now" = "$old" ] || [ "$now" = "$wanted" ] || fail "killed at $call $at the file is: $now"
        others=$(ls -A /etc/sysctl.d | grep -v -e '^zz-nospace.conf$' -e '^\.zz-nospace.conf.new$' || true)
        same "$others" ""
        check
        states="$states$([ "$now" = "$old" ] && echo o || echo n)"
        # The next run ends what this one began, and leaves nothing lying about.
        "$nospace" "$@" >said || fail "after $call $at: $(cat said)"
        same "$(contents)" "$wanted"
        same "$(ls -A /etc/sysctl.d)" "$([ -z "$wanted" ] || echo zz-nospace.conf)"
    done 3<steps
    # Some were killed before the step that counts, some after it.
    case $states in *o*n*) ;; *) fail "the file was never seen old and then new: $states" ;; esac
    echo "$states"
}
"#;

pub fn apply() -> anyhow::Result<()> {
    let script = r#"
        reset() { rm -f $file /etc/sysctl.d/.zz*; rm -rf /run/nospace; echo 128 >value/instances; echo 8192 >value/watches; }
        # Whatever is live can be taken back: the file knows what was before.
        check() {
            unempty 128 8192
            case $(live) in
            "128 8192") ;;
            *) same "$(contents)" "$new" ;;
            esac
        }
        kill_everywhere "" "$new" --no-ebpf tune --apply --max-user-instances=8192 --max-user-watches=524288
    "#;
    run(&format!("{KILL}{script}")).map(drop)
}

pub fn revert() -> anyhow::Result<()> {
    let script = r#"
        reset() { rm -f /etc/sysctl.d/.zz*; echo "$new" >$file; echo 8192 >value/instances; echo 524288 >value/watches; }
        # Without the file, everything is back already.
        check() { unempty 8192 524288; [ -e $file ] || same "$(live)" "128 8192"; }
        kill_everywhere "$new" "" --no-ebpf tune --revert
        same "$(live)" "128 8192"
    "#;
    run(&format!("{KILL}{script}")).map(drop)
}

/// A machine that loses power has what was synced: the new contents before the new name, and that before the kernel's value.
pub fn order() -> anyhow::Result<()> {
    let script = r#"
        strace -qq -y -e trace=fsync,renameat,renameat2,rename,write -o log "$nospace" --no-ebpf tune --apply --max-user-instances=8192 --max-user-watches=524288 >/dev/null
        grep -o -e '^fsync([^)]*' -e '^rename[a-z0-9]*(' -e '^write([^)]*max_user_[a-z]*>' log | sed 's/[0-9]*<//; s/>.*//' >order
        same "$(cat order)" "fsync(/etc/sysctl.d/.zz-nospace.conf.new
renameat(
fsync(/etc/sysctl.d
write(/proc/sys/fs/inotify/max_user_instances
write(/proc/sys/fs/inotify/max_user_watches"
    "#;
    run(&format!("{KILL}{script}")).map(drop)
}
