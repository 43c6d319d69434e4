/* What the programs send and crates/bpf reads: build.rs turns every struct of this file into its Rust twin.
 * Fields are __u8, __u16, __u32, __u64 or arrays of them, in an order that leaves no hole; `kind` comes first. */

#define COMM_LEN 16

/* A file table and who holds it, once its last descriptor was seen. */
struct process_record {
	__u32 kind;
	__u32 pid;
	__u32 tid;
	__u32 descriptors;
	__u64 descriptor_limit;
	__u8 comm[COMM_LEN];
};

/* A descriptor that leads to an inotify instance. */
struct instance_record {
	__u32 kind;
	__u32 pid;
	__u32 tid;
	__u32 fd;
	__u64 group;
	__u64 ucounts;
	__u64 watches;
};

/* One link of the chain from a user to the initial namespace: its own counters, its namespace's limits. */
struct user_record {
	__u32 kind;
	__u32 uid;
	__u64 ucounts;
	__u64 parent;
	__u64 user_namespace;
	__u64 instances;
	__u64 watches;
	__u64 max_instances;
	__u64 max_watches;
};

/* Descriptors that a user has registered with epoll, in any user namespace. */
struct epoll_record {
	__u32 kind;
	__u32 uid;
	__u64 watches;
};

/* A watch. The names of its inode and of each directory above follow, own name first, each ended by a NUL. */
struct watch_record {
	__u32 kind;
	__u32 wd;
	__u64 group;
	__u64 inode;
	__u32 device;
	__u32 file_system;
	__u32 mask;
	__u32 links;
	__u32 flags;
	__u32 names_length;
};

/* A traced call. Its path follows, without a NUL. */
struct trace_record {
	__u32 kind;
	__u32 call;
	__u64 time;
	__u32 pid;
	__u32 tid;
	__u32 uid;
	__u32 fd;
	__u64 result;
	__u64 argument;
	__u64 cgroup;
	__u64 descriptor_limit;
	__u64 used;
	__u64 limit;
	__u64 user_namespace;
	__u32 charged_uid;
	__u32 flags;
	__u32 path_length;
	__u32 reserved;
	__u8 comm[COMM_LEN];
};

/* Above the number of every call that is traced. */
#define CALL_NUMBERS 512

/* Functions that can be traced one by one. */
#define FUNCTIONS 40

/* What to trace; set before the programs are loaded. `native` and `compat` give the trace_call of a number, or 0;
 * `functions` that of a function. */
struct trace_config {
	__u32 failed_only;
	__u32 by_pid;
	__u32 pid;
	__u32 by_uid;
	__u32 uid;
	__u32 reserved;
	__u8 native[CALL_NUMBERS];
	__u8 compat[CALL_NUMBERS];
	__u8 functions[FUNCTIONS];
};

enum trace_call {
	CALL_INOTIFY_INIT = 1,
	CALL_INOTIFY_INIT1 = 2,
	CALL_INOTIFY_ADD_WATCH = 3,
	CALL_INOTIFY_RM_WATCH = 4,
	CALL_MKDIR = 5,
	CALL_MKDIRAT = 6,
	CALL_MOUNT = 7,
	CALL_MOVE_MOUNT = 8,
	CALL_UNSHARE = 9,
	CALL_CLONE = 10,
	CALL_EPOLL_CTL = 11,
	CALL_ADD_KEY = 12,
	CALL_KEYCTL = 13,
	CALL_SEMGET = 14,
	CALL_SHMGET = 15,
	CALL_CLONE3 = 16,
	CALL_FORK = 17,
};

/* flags of a traced call */
enum trace_flags {
	TRACE_COUNTED = 1,
	TRACE_HAS_PATH = 2,
	TRACE_PATH_CUT = 4,
};

/* flags of a watch */
enum watch_flags {
	WATCH_NAMED = 1,
	WATCH_UNHASHED = 2,
	WATCH_ROOTED = 4,
};

enum record_kind {
	RECORD_PROCESS = 1,
	RECORD_INSTANCE = 2,
	RECORD_USER = 3,
	RECORD_WATCH = 4,
	RECORD_EPOLL = 5,
	RECORD_TRACE = 6,
};
