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
#include "direct.h"
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
		return READ_FIELD(user, epoll_watches.count);
	if (bpf_core_field_exists(old->epoll_watches.counter))
		return READ_FIELD(old, epoll_watches.counter);
	return 0;
}

static __always_inline void send_epoll(struct task_struct *task)
{
	struct user_struct *user = READ_FIELD(task, cred, user);
	__s64 watches;

	if (!user || (__u64)user == last_epoll_user)
		return;
	watches = epoll_watches(user);
	last_epoll_user = (__u64)user;
	send_record(epoll_record,
		.kind = RECORD_EPOLL,
		.uid = READ_FIELD(user, uid.val),
		.watches = watches > 0 ? watches : 0,
	);
}

static __always_inline __u32 count_mounts(struct mnt_namespace *ns)
{
	struct mnt_namespace___mounts *old = (void *)ns;

	if (bpf_core_field_exists(ns->nr_mounts))
		return READ_FIELD(ns, nr_mounts);
	return READ_FIELD(old, mounts);
}

/* What the ipc and pid namespaces of a process have left. */
static __always_inline void read_room(struct nsproxy *all, struct pid_namespace *pids, struct namespaces_record *r)
{
	struct ipc_namespace *ipc = READ_FIELD(all, ipc_ns);

	if (bpf_core_field_exists(ipc->mq_queues_count)) {
		r->queues = READ_FIELD(ipc, mq_queues_count);
		r->max_queues = READ_FIELD(ipc, mq_queues_max);
	}
	if (bpf_core_field_exists(pids->pid_max)) {
		/* The top bit says that the namespace has not ended (PIDNS_ADDING, include/linux/pid_namespace.h). */
		r->own_pid_namespace = READ_FIELD(pids, ns.inum);
		r->pids = READ_FIELD(pids, pid_allocated) & ~(1u << 31);
		r->pid_max = READ_FIELD(pids, pid_max);
	}
}

static __always_inline void send_namespaces(struct task_struct *task)
{
	/* Null in a task that is exiting. */
	struct nsproxy *all = READ_FIELD(task, nsproxy);
	struct user_namespace *user = READ_FIELD(task, cred, user_ns);
	struct namespaces_record *r;
	/* Not that of its children, which a process can have without living in it, and share the rest with them. */
	struct pid_namespace *pids = pid_namespace_of(READ_FIELD(task, thread_pid));
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
	mnt = READ_FIELD(all, mnt_ns);
	*r = (struct namespaces_record){
		.kind = RECORD_NAMESPACES,
		.pid = pid_for_reader(READ_FIELD(task, group_leader)),
		.tid = pid_for_reader(task),
		.mnt = READ_FIELD(mnt, ns.inum),
		.mounts = count_mounts(mnt),
		.net = READ_FIELD(all, net_ns, ns.inum),
		.pid_namespace = READ_FIELD(all, pid_ns_for_children, ns.inum),
		.user = READ_FIELD(user, ns.inum),
		.ipc = READ_FIELD(all, ipc_ns, ns.inum),
		.uts = READ_FIELD(all, uts_ns, ns.inum),
		.cgroup = READ_FIELD(all, cgroup_ns, ns.inum),
		.level = READ_FIELD(user, level),
	};
	read_room(all, pids, r);
	if (bpf_core_field_exists(all->time_ns))
		r->time = READ_FIELD(all, time_ns, ns.inum);
}

/* The user of a task, if it is charged for anything. Root is always sent. */
static __always_inline void send_user(struct ucounts *u)
{
	if ((__u64)u == last_task_ucounts)
		return;
	last_task_ucounts = (__u64)u;
	if (is_charged_for_fanotify(u))
		send_fanotify_chain((__u64)u);
	if (is_charged_for_inotify(u) || !READ_FIELD(u, uid.val))
		send_chain((__u64)u);
}

/* Sends what is to know of a task. */
static __always_inline void visit_task(struct task_struct *task)
{
	struct ucounts *u = NULL;

	send_epoll(task);
	send_namespaces(task);
	if (bpf_core_field_exists(task->cred->ucounts))
		u = READ_FIELD(task, cred, ucounts);
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
