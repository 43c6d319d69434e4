//! The table.

use nospace_core::cause::Cause;
use rustix::io::Errno;

/// What a command can know of a refusal.
#[derive(Clone, Copy)]
pub enum Knows {
    /// Which limit it was.
    Cause,
    /// Nothing, and why.
    Nothing(#[allow(dead_code, reason = "read by people")] &'static str),
}

/// A refusal.
pub struct Row {
    pub name: &'static str,
    /// `None` where nospace has no code for it.
    pub cause: Option<Cause>,
    pub errno: Errno,
    /// How the holder is started, and the namespaces that it enters.
    pub holder: &'static [&'static str],
    pub enters: &'static [&'static str],
    /// Run there, as root of the host.
    pub script: Option<&'static str>,
    /// The holder's orders before.
    pub orders: &'static [&'static str],
    pub exhaust: &'static str,
    /// Whether `check` looks from the host, or from where the holder is.
    pub from_host: bool,
    pub check: Knows,
    pub trace: Knows,
    /// What a program that was refused says.
    pub explain: (&'static str, Knows),
}

const NO_CODE: Knows = Knows::Nothing("nospace has no code for it");
const ONE_CALL: Knows = Knows::Nothing("nothing is held once the call has failed");
const NO_LIMIT: Knows = Knows::Nothing("no limit was reached: the caller lacks a right");

const PLAIN: Row = Row {
    name: "",
    cause: None,
    errno: Errno::NOSPC,
    holder: &["--instances=0"],
    enters: &[],
    script: None,
    orders: &[],
    exhaust: "",
    from_host: false,
    check: Knows::Cause,
    trace: Knows::Cause,
    explain: ("", Knows::Cause),
};

pub const TABLE: &[Row] = &[
    Row {
        name: "fanotify groups",
        cause: Some(Cause::Fanotify),
        errno: Errno::MFILE,
        holder: &["--user-namespace=840000", "--instances=0"],
        orders: &["sysctl user user/max_fanotify_groups 3"],
        exhaust: "fanotify groups",
        from_host: true,
        explain: ("fanotify_init: Too many open files", Knows::Cause),
        ..PLAIN
    },
    Row {
        name: "fanotify marks",
        cause: Some(Cause::Fanotify),
        holder: &["--user-namespace=840100", "--instances=0"],
        orders: &["sysctl user user/max_fanotify_marks 3"],
        exhaust: "fanotify marks",
        from_host: true,
        explain: ("fanotify_mark: No space left on device", Knows::Cause),
        ..PLAIN
    },
    Row {
        name: "ptys",
        cause: Some(Cause::Ptys),
        enters: &["mnt"],
        script: Some("mount -t devpts -o newinstance,ptmxmode=0666,max=2 nospace-test /mnt"),
        exhaust: "ptys /mnt/ptmx",
        explain: ("open /dev/ptmx: no space left on device", Knows::Cause),
        ..PLAIN
    },
    Row {
        name: "message queue bytes",
        cause: Some(Cause::PosixMqueue),
        errno: Errno::MFILE,
        // Queues outlive a holder that is killed, but not their namespace.
        enters: &["ipc"],
        orders: &["rlimit msgqueue 100000", "become 1899999050"],
        exhaust: "mqueues 1024",
        explain: ("mq_open: Too many open files", Knows::Cause),
        ..PLAIN
    },
    Row {
        name: "message queues",
        cause: Some(Cause::PosixMqueue),
        enters: &["ipc"],
        orders: &["sysctl ipc fs/mqueue/queues_max 2", "become 1899999051"],
        exhaust: "mqueues 64",
        explain: ("mq_open failed: No space left on device", Knows::Cause),
        ..PLAIN
    },
    Row {
        name: "aio",
        cause: Some(Cause::Aio),
        errno: Errno::AGAIN,
        exhaust: "aio",
        check: ONE_CALL,
        explain: (
            "InnoDB: io_setup() failed with EAGAIN after 5 attempts.",
            Knows::Cause,
        ),
        ..PLAIN
    },
    Row {
        name: "mappings",
        cause: Some(Cause::MaxMapCount),
        errno: Errno::NOMEM,
        exhaust: "mappings",
        explain: ("java.lang.OutOfMemoryError: Map failed", Knows::Cause),
        ..PLAIN
    },
    Row {
        name: "huge pages",
        cause: Some(Cause::Hugepages),
        errno: Errno::NOMEM,
        exhaust: "huge-pages",
        check: Knows::Nothing("a machine without a pool of huge pages has none to use up"),
        explain: (
            "mmap: Cannot allocate memory: could not allocate huge pages (MAP_HUGETLB)",
            Knows::Cause,
        ),
        ..PLAIN
    },
    Row {
        name: "locked memory",
        cause: Some(Cause::Memlock),
        errno: Errno::NOMEM,
        holder: &["--uid=1899999052", "--instances=0"],
        orders: &["rlimit memlock 65536"],
        exhaust: "locked 4096",
        explain: (
            "mlock: Cannot allocate memory: RLIMIT_MEMLOCK may be too low",
            Knows::Cause,
        ),
        ..PLAIN
    },
    Row {
        name: "io_uring",
        cause: Some(Cause::Memlock),
        errno: Errno::NOMEM,
        holder: &["--uid=1899999053", "--instances=0"],
        orders: &["rlimit memlock 4096"],
        exhaust: "io-uring",
        check: ONE_CALL,
        explain: (
            "io_uring_queue_init() failed with ENOMEM: try larger memory locked limit, ulimit -l",
            Knows::Cause,
        ),
        ..PLAIN
    },
    Row {
        name: "BPF map",
        cause: Some(Cause::BpfMap),
        errno: Errno::TOOBIG,
        exhaust: "bpf-map",
        check: Knows::Nothing("the kernel does not show how full a map is"),
        explain: (
            "update: key too big for map: argument list too long: bpf map update failed",
            Knows::Cause,
        ),
        ..PLAIN
    },
    Row {
        name: "pipe size",
        errno: Errno::PERM,
        holder: &["--uid=1899999054", "--instances=0"],
        exhaust: "pipe-size",
        check: NO_LIMIT,
        trace: NO_LIMIT,
        explain: ("fcntl(F_SETPIPE_SZ): Operation not permitted", NO_LIMIT),
        ..PLAIN
    },
    Row {
        name: "processes of a user",
        cause: Some(Cause::Pids),
        errno: Errno::AGAIN,
        holder: &["--uid=1899999055", "--instances=0"],
        orders: &["rlimit nproc 30"],
        exhaust: "processes",
        explain: ("fork: Resource temporarily unavailable", Knows::Cause),
        ..PLAIN
    },
    Row {
        name: "pid namespace",
        cause: Some(Cause::Pids),
        errno: Errno::AGAIN,
        holder: &["--pid-namespace", "--instances=0"],
        orders: &["sysctl pid kernel/pid_max 400"],
        exhaust: "processes",
        from_host: true,
        explain: (
            "bash: fork: retry: Resource temporarily unavailable",
            Knows::Cause,
        ),
        ..PLAIN
    },
    Row {
        name: "open files",
        cause: Some(Cause::ProcessFiles),
        errno: Errno::MFILE,
        orders: &["rlimit nofile 150"],
        exhaust: "files",
        explain: ("accept4: too many open files", Knows::Cause),
        ..PLAIN
    },
    Row {
        name: "descriptors in flight",
        cause: Some(Cause::UnixInFlight),
        errno: Errno::TOOMANYREFS,
        holder: &["--uid=1899999056", "--instances=0"],
        orders: &["rlimit nofile 64"],
        exhaust: "in-flight",
        check: Knows::Nothing("nothing that check reads counts them"),
        explain: ("sendmsg: Too many references: cannot splice", Knows::Cause),
        ..PLAIN
    },
    Row {
        name: "local ports",
        cause: Some(Cause::EphemeralPorts),
        errno: Errno::ADDRNOTAVAIL,
        enters: &["net"],
        script: Some("ip link set lo up"),
        orders: &["sysctl net net/ipv4/ip_local_port_range 40000,40003"],
        exhaust: "connections",
        explain: (
            "dial tcp 10.0.0.1:80: connect: cannot assign requested address",
            Knows::Cause,
        ),
        ..PLAIN
    },
    Row {
        name: "queued signals",
        errno: Errno::AGAIN,
        holder: &["--uid=1899999057", "--instances=0"],
        orders: &["rlimit sigpending 0"],
        exhaust: "timers",
        check: NO_CODE,
        explain: ("timer_create: Resource temporarily unavailable", NO_CODE),
        ..PLAIN
    },
    Row {
        name: "System V queues",
        cause: Some(Cause::SysvMessages),
        enters: &["ipc"],
        orders: &["sysctl ipc kernel/msgmni 2"],
        exhaust: "queues",
        explain: (
            "ipcmk: create message queue failed: No space left on device",
            Knows::Cause,
        ),
        ..PLAIN
    },
    Row {
        name: "keys",
        cause: Some(Cause::Keys),
        errno: Errno::DQUOT,
        holder: &["--uid=1899999058", "--instances=0"],
        exhaust: "keys 1",
        explain: ("add_key: Disk quota exceeded", Knows::Cause),
        ..PLAIN
    },
    Row {
        name: "hardware breakpoints",
        exhaust: "breakpoints",
        check: NO_CODE,
        explain: (
            "perf_event_open(PERF_TYPE_BREAKPOINT): No space left on device",
            NO_CODE,
        ),
        ..PLAIN
    },
    Row {
        name: "inodes of a tmpfs",
        cause: Some(Cause::DiskSpace),
        enters: &["mnt"],
        script: Some("mount -t tmpfs -o size=1m,nr_inodes=20 nospace-test /mnt"),
        exhaust: "inodes /mnt",
        explain: (
            "touch: cannot touch '/mnt/x': No space left on device",
            Knows::Cause,
        ),
        ..PLAIN
    },
    Row {
        name: "nested user namespaces",
        cause: Some(Cause::NamespaceLimit),
        exhaust: "user-namespaces-deep",
        from_host: true,
        explain: (
            "unshare: unshare failed: No space left on device",
            Knows::Cause,
        ),
        ..PLAIN
    },
    Row {
        name: "seccomp filters",
        errno: Errno::NOMEM,
        exhaust: "filters",
        check: NO_CODE,
        explain: ("seccomp: Cannot allocate memory", NO_CODE),
        ..PLAIN
    },
    Row {
        name: "datagrams",
        errno: Errno::AGAIN,
        exhaust: "datagrams",
        check: NO_CODE,
        trace: Knows::Nothing(
            "EAGAIN of a socket that does not block is how it says that it is busy",
        ),
        explain: ("send: Resource temporarily unavailable", NO_CODE),
        ..PLAIN
    },
    Row {
        name: "multicast memberships",
        errno: Errno::NOBUFS,
        enters: &["net"],
        script: Some("ip link set lo up"),
        exhaust: "memberships",
        check: NO_CODE,
        explain: (
            "setsockopt(IP_ADD_MEMBERSHIP): No buffer space available",
            NO_CODE,
        ),
        ..PLAIN
    },
];
