/* Refuses pods the last inotify watches and instances of root, so that the kubelet and the system keep what they need.
 *
 * The programs run before the kernel charges a call, or right after, and only look at the kernel's own counters of the user and
 * at the cgroups of the caller. In doubt they allow the call. They keep no state, so that nothing can be wrong when they start,
 * and nothing is left when they end.
 *
 * A hook is used only if its self-test has shown that it refuses: some attach and never run.
 *
 * watches, `lsm/path_notify`: Linux 5.9 with CONFIG_BPF_LSM, and bpf among the active security modules.
 * watches, `fmod_ret/security_path_notify`: 5.9 with trampolines.
 * instances, `fmod_ret` on the system calls: CONFIG_FUNCTION_ERROR_INJECTION.
 * instances, `lsm/file_alloc_security`, `fmod_ret/security_file_alloc`: inotify_init has no security hook, so that these run
 *   for each file that anybody opens; they go by the number of the call.
 *
 * The kernel skips an `fmod_ret` program where another task was preempted inside of it, so that those hold nothing on preemptible
 * kernels.
 *
 * Needs: BTF, CAP_BPF and CAP_PERFMON. Without: no guard; raise the limits. */
#include "kernel.h"
#include "direct.h"
#include "records.h"
#include "instance.h"
#include "ucounts.h"
#include "caller.h"
#include "cgroups.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

EXPORT(guard_record);

/* Marks of an inode that are looked at, 64 at a time; an inode with more counts as not yet watched. */
#define MAX_MARKS 8192
#define REPORT_INTERVAL 1000000000

#define EMFILE 24
#define ENOSPC 28

volatile struct guard_config config = {};
/* Alone in its section, so that it is at the beginning of the map. */
volatile struct guard_published published SEC(PUBLISHED_SECTION) = {
	.magic = PUBLISHED_MAGIC,
	.version = PUBLISHED_VERSION,
	.size = sizeof(struct guard_published),
};
struct guard_seen seen[GUARD_RESOURCES] = {};
struct guard_counts total = {};

/* Calls that found the ring buffer full. */
__u64 lost;

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct guard_counts);
} pods SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 16);
} ring SEC(".maps");

/* Where a chain of users ends: in the initial namespace. */
static __always_inline struct ucounts *last_link(struct ucounts *u)
{
	struct ucounts *up;

	for (int i = 0; i < MAX_CHAIN && u; i++) {
		up = BPF_CORE_READ(u, ns, ucounts);
		if (!up)
			return u;
		u = up;
	}
	return NULL;
}

/* Whom a new instance of this task is charged to, in the initial namespace. There only root is looked for. */
static __always_inline struct ucounts *charged_for_instance(struct task_struct *task)
{
	const struct cred *cred = BPF_CORE_READ(task, cred);
	struct ucounts *creator = BPF_CORE_READ(cred, user_ns, ucounts);

	if (creator)
		return last_link(creator);
	return BPF_CORE_READ(cred, euid.val) == 0 ? (struct ucounts *)config.account : NULL;
}

#define FOUND 1

/* Looks for the group in 64 marks: FOUND, or the mark after them, or 0. A function of its own, so that the verifier looks at it once. */
__noinline __u64 pass_64_marks(__u64 first, __u64 group)
{
	struct hlist_node *node = (void *)first;
	struct fsnotify_mark *mark;

	for (int i = 0; i < 64 && node; i++) {
		mark = (void *)((__u64)node - bpf_core_field_offset(mark->obj_list));
		if ((__u64)BPF_CORE_READ(mark, group) == group)
			return FOUND;
		node = BPF_CORE_READ(node, next);
	}
	return (__u64)node;
}

static __always_inline bool is_watched(struct inode *inode, struct fsnotify_group *group)
{
	__u64 node = (__u64)BPF_CORE_READ(inode, i_fsnotify_marks, list.first);

	for (int i = 0; i < MAX_MARKS / 64 && node > FOUND; i++)
		node = pass_64_marks(node, (__u64)group);
	return node == FOUND;
}

static __always_inline bool is_guarded(struct ucounts *u)
{
	return u && (__u64)u == config.account;
}

/* How many pods may use: half the limit at least, whatever the reserve. */
static __always_inline __u64 line(__u64 limit, __u64 reserve)
{
	return limit - (reserve < limit / 2 ? reserve : limit / 2);
}

/* The use and the limit of these counters; whether one more is over the line. `charged_already`: what is asked for is part of
 * the use. */
static __always_inline bool is_over(struct ucounts *u, __u32 resource, bool charged_already, __u64 *used, __u64 *limit)
{
	__u32 type = resource == GUARD_WATCHES ? bpf_core_enum_value(enum ucount_type, UCOUNT_INOTIFY_WATCHES) :
						 bpf_core_enum_value(enum ucount_type, UCOUNT_INOTIFY_INSTANCES);

	*used = charged(u, type);
	*limit = allowed(BPF_CORE_READ(u, ns), type);
	return *used + !charged_already > line(*limit, published.reserve[resource & 1]);
}

/* Only their thread has calls of the self-test, so that nobody else writes here. */
static __always_inline bool is_canary(__u32 resource, struct ucounts *u, bool charged_already)
{
	struct guard_seen *s = &seen[resource & 1];
	__u64 used = 0, limit = 0;

	if (!config.canary || (__u32)bpf_get_current_pid_tgid() != config.canary)
		return false;
	if (u)
		is_over(u, resource, charged_already, &used, &limit);
	s->account = (__u64)u;
	s->used = used - (u && charged_already);
	s->limit = limit;
	s->runs++;
	published.tested[resource & 1] = bpf_ktime_get_ns();
	return true;
}

static __always_inline struct guard_counts *counts_of(__u64 pod)
{
	struct guard_counts *counts = bpf_map_lookup_elem(&pods, &pod), none = {};

	if (counts)
		return counts;
	bpf_map_update_elem(&pods, &pod, &none, 1 /* BPF_NOEXIST */);
	return bpf_map_lookup_elem(&pods, &pod);
}

static __always_inline void count(struct guard_counts *counts, __u32 resource, __u32 mode)
{
	__u64 *counter = mode == GUARD_ENFORCE ? &counts->refused[resource & 1] : &counts->would_refuse[resource & 1];

	__sync_fetch_and_add(counter, 1);
}

/* Counts and reports a call that is over the line; whether it is refused. */
static __noinline int take_over(__u32 resource, __u32 mode, __u64 pod, __u64 used, __u64 limit)
{
	struct guard_counts *counts = counts_of(pod);
	__u64 now = bpf_ktime_get_ns();
	struct guard_record *r;

	count(&total, resource, mode);
	if (!counts)
		return mode == GUARD_ENFORCE;
	count(counts, resource, mode);
	if (counts->reported[resource & 1] && now - counts->reported[resource & 1] < REPORT_INTERVAL)
		return mode == GUARD_ENFORCE;
	counts->reported[resource & 1] = now;
	r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);
	if (!r) {
		__sync_fetch_and_add(&lost, 1);
		return mode == GUARD_ENFORCE;
	}
	r->kind = RECORD_GUARD;
	r->resource = resource;
	r->mode = mode;
	r->pid = bpf_get_current_pid_tgid() >> 32;
	r->pod = pod;
	r->used = used;
	r->limit = limit;
	bpf_get_current_comm(r->comm, sizeof(r->comm));
	bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
	return mode == GUARD_ENFORCE;
}

/* Whether to refuse a watch on this inode. The call's first argument is the instance; fanotify and dnotify come here, too, with
 * a descriptor of another kind. */
static __noinline int refuses_watch(__u64 inode)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct pt_regs *regs = saved_registers();
	struct fsnotify_group *group;
	__u64 pod, used, limit;
	__u32 mode = published.mode, fd;
	struct ucounts *u;

	if (!mode && !config.canary)
		return 0;
	if (IS_COMPAT(task)) {
		__u64 arguments[] = COMPAT(regs);

		fd = arguments[0];
	} else {
		__u64 arguments[] = NATIVE(regs);

		fd = arguments[0];
	}
	if (config.canary) {
		group = group_of_descriptor(task, fd);
		if (group && is_canary(GUARD_WATCHES, last_link(BPF_CORE_READ(group, inotify_data.ucounts)), false))
			return 1;
	}
	pod = mode ? pod_of(task, config.by_memory) : 0;
	if (!pod)
		return 0;
	group = group_of_descriptor(task, fd);
	if (!group)
		return 0;
	u = last_link(BPF_CORE_READ(group, inotify_data.ucounts));
	if (!is_guarded(u) || !is_over(u, GUARD_WATCHES, false, &used, &limit))
		return 0;
	/* A change of a watch charges nothing. */
	if (is_watched((struct inode *)inode, group))
		return 0;
	return take_over(GUARD_WATCHES, mode, pod, used, limit);
}

static __noinline int refuses_instance(__u32 charged_already)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u32 mode = published.mode;
	__u64 pod, used, limit;
	struct ucounts *u;

	if (!mode && !config.canary)
		return 0;
	if (config.canary && is_canary(GUARD_INSTANCES, charged_for_instance(task), charged_already))
		return 1;
	pod = mode ? pod_of(task, config.by_memory) : 0;
	if (!pod)
		return 0;
	u = charged_for_instance(task);
	if (!is_guarded(u) || !is_over(u, GUARD_INSTANCES, charged_already, &used, &limit))
		return 0;
	return take_over(GUARD_INSTANCES, mode, pod, used, limit);
}

/* Whether the caller is in inotify_init or inotify_init1. */
static __always_inline bool makes_instance(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct pt_regs *regs = saved_registers();
#if defined(__TARGET_ARCH_x86)
	__u32 number = BPF_CORE_READ(regs, orig_ax);

	if (IS_COMPAT(task))
		return number == 291 || number == 332;
	/* The x32 ABI has the same numbers above this bit. */
	number &= ~0x40000000;
	return number == 253 || number == 294;
#else
	__u32 number = BPF_CORE_READ(regs, syscallno);

	if (IS_COMPAT(task))
		return number == 316 || number == 360;
	return number == 26;
#endif
}

/* Hooks that return an error get no further program: a refusal by somebody else stands. */

static __always_inline int path_notify(__u64 path)
{
	if (refuses_watch((__u64)BPF_CORE_READ((struct path *)path, dentry, d_inode)))
		return -ENOSPC;
	return 0;
}

static __always_inline int file_alloc(void)
{
	if (makes_instance() && refuses_instance(1))
		return -EMFILE;
	return 0;
}

static __always_inline int init(void)
{
	if (refuses_instance(0))
		return -EMFILE;
	return 0;
}

SEC("?lsm/path_notify")
int lsm_path_notify(__u64 *ctx)
{
	return path_notify(ctx[0]);
}

SEC("?fmod_ret/security_path_notify")
int modify_path_notify(__u64 *ctx)
{
	return path_notify(ctx[0]);
}

SEC("?lsm/file_alloc_security")
int lsm_file_alloc(__u64 *ctx)
{
	return file_alloc();
}

SEC("?fmod_ret/security_file_alloc")
int modify_file_alloc(__u64 *ctx)
{
	return file_alloc();
}

#define CALL(name, function)			\
	SEC("?fmod_ret/" #function)		\
	int name(__u64 *ctx)			\
	{					\
		return init();			\
	}

#if defined(__TARGET_ARCH_x86)
CALL(call_init1, __x64_sys_inotify_init1)
/* Without arguments: shared with 32-bit programs. */
CALL(call_init, __do_sys_inotify_init)
CALL(call_init1_compat, __ia32_sys_inotify_init1)
#else
CALL(call_init1, __arm64_sys_inotify_init1)
CALL(call_init, __arm64_sys_inotify_init)
#endif
