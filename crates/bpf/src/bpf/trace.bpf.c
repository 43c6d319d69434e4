/* Live inotify calls, and failures of other calls with a misleading errno.
 *
 * The programs run when a call returns. Its arguments are still in the caller's saved registers, so no program at the
 * entry has to save them, and a path was just read, so it is in memory. User space uses the first of these hooks that
 * works:
 *
 * `kprobe_multi`: one kprobe.multi link on the functions of the traced calls. Does not slow down other calls. Linux 6.7 with
 *   CONFIG_FPROBE: older kernels do not count what it misses.
 * `fexit_*`: a program for each of those functions. Does not slow down other calls either. Linux 5.5 with BPF trampolines.
 *   Since 6.0, the kernel takes a tenth of a second to detach each.
 * `sys_exit`: the tracepoint of all calls, through perf, for kernels without tracing of functions. Every other call of
 *   every process takes the kernel's slow exit path and a table lookup. A tracepoint for each call would cost less, but
 *   takes a tenth of a second each to detach, and does not see 32-bit programs. A raw tracepoint takes 15 ns less, but on
 *   7.2 it can be preempted, and then misses the next task on that CPU.
 *
 * `sys_exit` also serves any call that fails with an error that user space asks for (config.any_call).
 *
 * Needs: Linux 5.8 with BTF, CAP_BPF and CAP_PERFMON; for the tracepoint CONFIG_EVENT_TRACING, and to read tracefs once.
 * Without: no trace; strace(1) shows the calls of one program. */
#include "kernel.h"
#include "direct.h"
#include "records.h"
#include "instance.h"
#include "ucounts.h"
#include "rlimits.h"
#include "caller.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

EXPORT(trace_record);

#define RLIMIT_NOFILE 7
#define SHORT_PATH 256
#define LONG_PATH 4096
#define WAKE_AT (128 << 10)

#define EAGAIN 11
#define ENOMEM 12
#define ENFILE 23
#define EMFILE 24
#define ENOSPC 28
#define EDQUOT 122

const volatile struct trace_config config = {};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} ring SEC(".maps");

/* Calls that found the ring buffer full. */
__u64 lost;

/* Set at the end of the trace, since detaching can take seconds. */
volatile __u32 ended;

struct short_record {
	struct trace_record head;
	char path[SHORT_PATH];
};

struct long_record {
	struct trace_record head;
	char path[LONG_PATH];
};

static __always_inline bool is_wanted_caller(void)
{
	if (config.by_pid && config.pid != bpf_get_current_pid_tgid() >> 32)
		return false;
	return !config.by_uid || config.uid == (__u32)bpf_get_current_uid_gid();
}

static __always_inline bool matches_filter(__u32 call, __s64 result)
{
	__u32 error = result < 0 ? -result : 0;

	if (!is_wanted_caller())
		return false;
	if (call <= CALL_INOTIFY_RM_WATCH)
		return error || !config.failed_only;
	return error == ENOSPC || error == EMFILE || error == ENFILE || error == EAGAIN || error == EDQUOT;
}

static __always_inline struct ucounts *ucounts_of_descriptor(struct task_struct *task, __u32 fd)
{
	struct fsnotify_group *group = group_of_descriptor(task, fd);

	return group ? BPF_CORE_READ(group, inotify_data.ucounts) : NULL;
}

/* An instance is charged to the effective uid; the task has the counters of its real uid (since 5.14). */
static __always_inline struct ucounts *ucounts_of_task(struct task_struct *task)
{
	const struct cred *cred = BPF_CORE_READ(task, cred);

	if (!bpf_core_field_exists(cred->ucounts))
		return NULL;
	if (BPF_CORE_READ(cred, uid.val) != BPF_CORE_READ(cred, euid.val))
		return NULL;
	return BPF_CORE_READ(cred, ucounts);
}

/* Fills in the user that is closest to its limit, of the caller and the creators of its user namespaces. */
static __always_inline void fill_count(struct trace_record *r, struct ucounts *u, __u32 type, __u32 counted)
{
	__s64 least = 0x7fffffffffffffffLL;

	for (int i = 0; i < MAX_CHAIN && u; i++) {
		struct user_namespace *ns = BPF_CORE_READ(u, ns);
		__u64 used = charged(u, type), limit = allowed(ns, type);
		__s64 room = limit - used;

		if (room < least) {
			least = room;
			r->used = used;
			r->limit = limit;
			r->charged_uid = BPF_CORE_READ(u, uid.val);
			r->user_namespace = BPF_CORE_READ(ns, ns.inum);
			r->counted = counted;
			r->flags |= TRACE_COUNTED;
		}
		u = BPF_CORE_READ(ns, ucounts);
	}
}

#include "any_call.h"

static __always_inline void fill(struct trace_record *r, __u32 call, __s64 result, __u32 fd, __u64 argument)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u64 id = bpf_get_current_pid_tgid();

	r->kind = RECORD_TRACE;
	r->call = call;
	r->time = bpf_ktime_get_ns();
	r->pid = id >> 32;
	r->tid = id;
	r->uid = BPF_CORE_READ(task, cred, euid.val);
	r->fd = fd;
	r->result = result;
	r->argument = argument;
	r->cgroup = bpf_get_current_cgroup_id();
	r->descriptor_limit = BPF_CORE_READ(task, signal, rlim[RLIMIT_NOFILE].rlim_cur);
	r->used = r->limit = r->user_namespace = 0;
	r->charged_uid = r->flags = r->path_length = 0;
	r->number = r->counted = r->file_system = 0;
	bpf_get_current_comm(r->comm, sizeof(r->comm));
	if (call == CALL_INOTIFY_INIT || call == CALL_INOTIFY_INIT1) {
		fill_count(r, ucounts_of_task(task), bpf_core_enum_value(enum ucount_type, UCOUNT_INOTIFY_INSTANCES),
			   COUNTED_INSTANCES);
		if (result == -EMFILE && files_are_full())
			r->flags |= TRACE_FILES_FULL;
	} else if (call == CALL_INOTIFY_ADD_WATCH)
		fill_count(r, ucounts_of_descriptor(task, fd),
			   bpf_core_enum_value(enum ucount_type, UCOUNT_INOTIFY_WATCHES), COUNTED_WATCHES);
	else if (call == CALL_CLONE || call == CALL_CLONE3 || call == CALL_FORK)
		fill_processes(r, task);
	else if (call == CALL_SEMGET || call == CALL_SHMGET)
		fill_ipc(r, task, call == CALL_SEMGET ? COUNTED_SEMAPHORE_SETS : COUNTED_SEGMENTS);
}

/* The reader polls many times a second. It is woken only when part of the ring is full, since a wakeup for each call would
 * cost the caller more than everything else. */
static __always_inline __u64 wakeup_flags(void)
{
	__u64 filled = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);

	if (filled >= WAKE_AT && filled < WAKE_AT + 2 * sizeof(struct short_record))
		return BPF_RB_FORCE_WAKEUP;
	return BPF_RB_NO_WAKEUP;
}

static __always_inline void count_loss(void)
{
	__sync_fetch_and_add(&lost, 1);
}

/* For the few paths that a short record cannot hold. */
static __always_inline void send_long(__u32 call, __s64 result, __u64 path, __u32 fd, __u64 argument)
{
	struct long_record *r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);
	long size;

	if (!r) {
		count_loss();
		return;
	}
	fill(&r->head, call, result, fd, argument);
	size = bpf_probe_read_user_str(r->path, sizeof(r->path), (void *)path);
	if (size > 0) {
		r->head.flags |= TRACE_HAS_PATH;
		r->head.path_length = size - 1;
		if (size == sizeof(r->path))
			r->head.flags |= TRACE_PATH_TRUNCATED;
	}
	bpf_ringbuf_submit(r, wakeup_flags());
}

__noinline int send(__u32 call, __s64 result, __u64 path, __u32 fd, __u64 argument)
{
	struct short_record *r;
	long size = 0;

	r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);
	if (!r) {
		count_loss();
		return 0;
	}
	if (path)
		size = bpf_probe_read_user_str(r->path, sizeof(r->path), (void *)path);
	if (size == sizeof(r->path)) {
		bpf_ringbuf_discard(r, BPF_RB_NO_WAKEUP);
		send_long(call, result, path, fd, argument);
		return 0;
	}
	fill(&r->head, call, result, fd, argument);
	if (size > 0) {
		r->head.flags |= TRACE_HAS_PATH;
		r->head.path_length = size - 1;
	}
	bpf_ringbuf_submit(r, wakeup_flags());
	return 0;
}

#define NONE (__u32)-1

/* A failed call without a value of its own in trace_call. `what`: its number, and above that what is counted, and above that
 * flags: five arguments are the most. */
__noinline int send_other(__u64 what, __s64 result, __u64 path, __u32 fd, __u64 argument)
{
	struct short_record *r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);
	long size = 0;

	if (!r) {
		count_loss();
		return 0;
	}
	if (path)
		size = bpf_probe_read_user_str(r->path, sizeof(r->path), (void *)path);
	fill(&r->head, CALL_OTHER, result, fd, argument);
	r->head.flags |= what >> 32;
	r->head.number = what & 0xffff;
	if (size > 0) {
		r->head.flags |= TRACE_HAS_PATH;
		r->head.path_length = size - 1;
		if (size == sizeof(r->path))
			r->head.flags |= TRACE_PATH_TRUNCATED;
	}
	fill_other(&r->head, what >> 16 & 0xff, -result);
	bpf_ringbuf_submit(r, wakeup_flags());
	return 0;
}

/* `a`: the first four arguments, as 64-bit numbers for 32-bit programs, too. */
static __always_inline int send_call(__u32 call, __s64 result, const __u64 *a)
{
	__u64 flags = 0;

	switch (call) {
	case CALL_INOTIFY_INIT1:
	case CALL_UNSHARE:
	case CALL_CLONE:
	case CALL_KEYCTL:
	case CALL_SEMGET:
	case CALL_SHMGET:
		return send(call, result, 0, NONE, a[0]);
	case CALL_INOTIFY_ADD_WATCH:
	case CALL_MKDIRAT:
		return send(call, result, a[1], a[0], a[2]);
	case CALL_INOTIFY_RM_WATCH:
	case CALL_EPOLL_CTL:
		return send(call, result, 0, a[0], a[1]);
	case CALL_MKDIR:
		return send(call, result, a[0], NONE, a[1]);
	case CALL_MOUNT:
		return send(call, result, a[1], NONE, a[3]);
	case CALL_MOVE_MOUNT:
		return send(call, result, a[3], a[2], 0);
	case CALL_ADD_KEY:
		return send(call, result, a[1], NONE, 0);
	case CALL_CLONE3:
		/* The flags are the first field of struct clone_args. */
		bpf_probe_read_user(&flags, sizeof(flags), (void *)a[0]);
		return send(call, result, 0, NONE, flags);
	default:
		return send(call, result, 0, NONE, 0);
	}
}

/* A traced call has returned. */
static __noinline int returned(__u32 call, __s64 result)
{
	struct pt_regs *regs;

	if (!matches_filter(call, result))
		return 0;
	regs = saved_registers();
	if (IS_COMPAT((struct task_struct *)bpf_get_current_task())) {
		__u64 arguments[] = COMPAT(regs);

		return send_call(call, result, arguments);
	} else {
		__u64 arguments[] = NATIVE(regs);

		return send_call(call, result, arguments);
	}
}

static __always_inline int send_shape(__u64 what, __s64 result, const __u64 *a, const volatile struct any_call *asked)
{
	__u32 shape = asked->shape, at = asked->argument;
	__u64 path = shape == SHAPE_PATH ? a[0] : shape == SHAPE_FD_PATH ? a[1] : 0;
	__u32 fd = shape == SHAPE_FD || shape == SHAPE_FD_PATH ? (__u32)a[0] : NONE;
	__u64 argument = at == 1 ? a[0] : at == 2 ? a[1] : at == 3 ? a[2] : at == 4 ? a[3] : 0;

	return send_other(what, result, path, fd, argument);
}

/* Another call has failed: reported if this error is one of those that are asked for. */
static __noinline int any_returned(__u64 number, __s64 result, bool compat)
{
	const volatile struct any_call *asked;
	struct pt_regs *regs;
	__u32 errors = 0;
	__u64 what;

	if (number >= CALL_NUMBERS || result >= 0 || !is_wanted_caller())
		return 0;
	asked = compat ? &config.any_compat[number] : &config.any_native[number];
	for (int i = 0; i < ERRORS; i++)
		if (config.errors[i] == -result)
			errors |= 1 << i;
	if (!(asked->errors & errors))
		return 0;
	regs = saved_registers();
	what = number | asked->counted << 16;
	if (compat) {
		__u64 arguments[] = COMPAT(regs);

		return send_shape(what | (__u64)TRACE_COMPAT << 32, result, arguments, asked);
	} else {
		__u64 arguments[] = NATIVE(regs);

		return send_shape(what, result, arguments, asked);
	}
}

SEC("?kretprobe.multi")
int kprobe_multi(struct pt_regs *ctx)
{
	return returned(bpf_get_attach_cookie(ctx), RESULT(ctx));
}

/* Context of fexit for a function whose argument is the saved registers. */
struct function_exit {
	__u64 registers;
	__s64 result;
};

/* A program for each function; user space sets the functions. */
#define FEXIT(n)							\
	SEC("?fexit/" #n) int fexit_##n(struct function_exit *ctx)	\
	{								\
		return ended ? 0 : returned(config.functions[n], ctx->result); \
	}

FEXIT(0) FEXIT(1) FEXIT(2) FEXIT(3) FEXIT(4) FEXIT(5) FEXIT(6) FEXIT(7) FEXIT(8) FEXIT(9)
FEXIT(10) FEXIT(11) FEXIT(12) FEXIT(13) FEXIT(14) FEXIT(15) FEXIT(16) FEXIT(17) FEXIT(18) FEXIT(19)
FEXIT(20) FEXIT(21) FEXIT(22) FEXIT(23) FEXIT(24) FEXIT(25) FEXIT(26) FEXIT(27) FEXIT(28) FEXIT(29)
FEXIT(30) FEXIT(31) FEXIT(32) FEXIT(33) FEXIT(34) FEXIT(35) FEXIT(36) FEXIT(37) FEXIT(38) FEXIT(39)

/* Context of the tracepoint (/sys/kernel/tracing/events/raw_syscalls/sys_exit/format). */
struct call_exit {
	__u64 common;
	__s64 number;
	__s64 result;
};

SEC("?tracepoint/raw_syscalls/sys_exit")
int sys_exit(struct call_exit *ctx)
{
	__u64 number = ctx->number;
	__u32 call;
	bool compat;

	if (number >= CALL_NUMBERS)
		return 0;
	if (!config.any_call && !(config.native[number] | config.compat[number]))
		return 0;
	if (config.any_call && ctx->result >= 0 && !(config.native[number] | config.compat[number]))
		return 0;
	compat = IS_COMPAT((struct task_struct *)bpf_get_current_task());
	call = compat ? config.compat[number] : config.native[number];
	if (call && matches_filter(call, ctx->result))
		return returned(call, ctx->result);
	return config.any_call ? any_returned(number, ctx->result, compat) : 0;
}
