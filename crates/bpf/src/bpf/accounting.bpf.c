/* The kernel's own accounting of limits, file tables aside (tables.bpf.c).
 *
 * Hook: iter/task, which visits every thread. It has the counters of users, even of those whose instances have no descriptor (in flight in a
 * socket, registered with io_uring), their epoll watches, limits that it is near to, and its namespaces, also where a security module
 * hides them from root. It runs only when read: nothing is attached to the kernel.
 * iter/bpf_prog finds guards (published.h).
 * Needs: Linux 5.8 with BTF, CAP_BPF and CAP_PERFMON (or CAP_SYS_ADMIN). Users without a descriptor are found only since struct cred has
 * ucounts (5.14).
 * Without: nospace counts via /proc, which shows neither a user's counters nor an instance without a descriptor. */
#include "kernel.h"
#include "records.h"
#include "pids.h"
#include "users.h"
#include "near.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

/* Those of tables.bpf.c, too: both are decoded by the same code. */
EXPORT(instance_record);
EXPORT(epoll_record);
EXPORT(namespaces_record);
EXPORT(features_record);
EXPORT(fanotify_record);
EXPORT(process_record);
EXPORT(user_record);
EXPORT(fanotify_user_record);
EXPORT(published_record);

__u64 session;
__u64 last_task_ucounts;
__u64 last_epoll_user;
__u64 last_namespaces;
__u64 last_user_namespace;
__u64 last_pid_namespace;

/* The total of a percpu_counter, to which each CPU adds in steps of 32. */
static __always_inline __s64 epoll_watches(struct user_struct *user)
{
	struct user_struct___atomic *old = (void *)user;

	if (bpf_core_field_exists(user->epoll_watches.count))
		return BPF_CORE_READ(user, epoll_watches.count);
	if (bpf_core_field_exists(old->epoll_watches.counter))
		return BPF_CORE_READ(old, epoll_watches.counter);
	return 0;
}

static __always_inline void send_epoll(struct task_struct *task)
{
	struct user_struct *user = BPF_CORE_READ(task, cred, user);
	__s64 watches;

	if (!user || (__u64)user == last_epoll_user)
		return;
	watches = epoll_watches(user);
	last_epoll_user = (__u64)user;
	send_record(epoll_record,
		.kind = RECORD_EPOLL,
		.uid = BPF_CORE_READ(user, uid.val),
		.watches = watches > 0 ? watches : 0,
	);
}

static __always_inline __u32 count_mounts(struct mnt_namespace *ns)
{
	struct mnt_namespace___mounts *old = (void *)ns;

	if (bpf_core_field_exists(ns->nr_mounts))
		return BPF_CORE_READ(ns, nr_mounts);
	return BPF_CORE_READ(old, mounts);
}

/* What the ipc and pid namespaces of a process have left. */
static __always_inline void read_room(struct nsproxy *all, struct pid_namespace *pids, struct namespaces_record *r)
{
	struct ipc_namespace *ipc = BPF_CORE_READ(all, ipc_ns);

	if (bpf_core_field_exists(ipc->mq_queues_count)) {
		r->queues = BPF_CORE_READ(ipc, mq_queues_count);
		r->max_queues = BPF_CORE_READ(ipc, mq_queues_max);
	}
	if (bpf_core_field_exists(pids->pid_max)) {
		/* The top bit says that the namespace has not ended (PIDNS_ADDING, include/linux/pid_namespace.h). */
		r->own_pid_namespace = BPF_CORE_READ(pids, ns.inum);
		r->pids = BPF_CORE_READ(pids, pid_allocated) & ~(1u << 31);
		r->pid_max = BPF_CORE_READ(pids, pid_max);
	}
}

static __always_inline void send_namespaces(struct task_struct *task)
{
	/* Null in a task that is exiting. */
	struct nsproxy *all = BPF_CORE_READ(task, nsproxy);
	struct user_namespace *user = BPF_CORE_READ(task, cred, user_ns);
	struct namespaces_record *r;
	/* Not that of its children, which a process can have without living in it, and share the rest with them. */
	struct pid_namespace *pids = pid_namespace_of(BPF_CORE_READ(task, thread_pid));
	struct mnt_namespace *mnt;

	if (!all || ((__u64)all == last_namespaces && (__u64)user == last_user_namespace &&
		     (__u64)pids == last_pid_namespace))
		return;
	last_namespaces = (__u64)all;
	last_user_namespace = (__u64)user;
	last_pid_namespace = (__u64)pids;
	r = next_record(sizeof(*r));
	if (!r)
		return;
	mnt = BPF_CORE_READ(all, mnt_ns);
	*r = (struct namespaces_record){
		.kind = RECORD_NAMESPACES,
		.pid = pid_for_reader(BPF_CORE_READ(task, group_leader, thread_pid)),
		.tid = pid_for_reader(BPF_CORE_READ(task, thread_pid)),
		.mnt = BPF_CORE_READ(mnt, ns.inum),
		.mounts = count_mounts(mnt),
		.net = BPF_CORE_READ(all, net_ns, ns.inum),
		.pid_namespace = BPF_CORE_READ(all, pid_ns_for_children, ns.inum),
		.user = BPF_CORE_READ(user, ns.inum),
		.ipc = BPF_CORE_READ(all, ipc_ns, ns.inum),
		.uts = BPF_CORE_READ(all, uts_ns, ns.inum),
		.cgroup = BPF_CORE_READ(all, cgroup_ns, ns.inum),
		.level = BPF_CORE_READ(user, level),
	};
	read_room(all, pids, r);
	if (bpf_core_field_exists(all->time_ns))
		r->time = BPF_CORE_READ(all, time_ns, ns.inum);
}

/* The user of a task, if it is charged for anything. Root is always sent. */
static __always_inline void send_user(struct ucounts *u)
{
	if ((__u64)u == last_task_ucounts)
		return;
	last_task_ucounts = (__u64)u;
	if (is_charged_for_fanotify(u))
		send_fanotify_chain((__u64)u);
	if (is_charged_for_inotify(u) || !BPF_CORE_READ(u, uid.val))
		send_chain((__u64)u);
}

/* Sends what is to know of a task. */
static __always_inline void visit_task(struct task_struct *task)
{
	struct ucounts *u = NULL;

	send_epoll(task);
	send_namespaces(task);
	if (bpf_core_field_exists(task->cred->ucounts))
		u = BPF_CORE_READ(task, cred, ucounts);
	send_near(task, u);
	if (u)
		send_user(u);
	keep_records();
}

static __always_inline void begin_session(__u64 id)
{
	session = id;
	set_reader_level();
	last_task_ucounts = 0;
	last_epoll_user = 0;
	last_namespaces = 0;
	last_user_namespace = 0;
	last_pid_namespace = 0;
	charges.ucounts = 0;
	send_record(features_record,
		.kind = RECORD_FEATURES,
		.fanotify = counts_fanotify(),
		.rlimits = counts_rlimits(),
		.vmapped_stacks = bpf_core_field_exists(((struct task_struct *)0)->stack_vm_area),
	);
	keep_records();
}

SEC("iter/task")
int tasks(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	if (ctx->meta->session_id != session)
		begin_session(ctx->meta->session_id);
	if (!task)
		return 0;
	if (!has_room(TASK_ROOM))
		return 1;
	visit_task(task);
	return 0;
}

#include "published.h"
