/* The kernel's own accounting of inotify and of other limits.
 *
 * Hooks: iter/task_file visits every open file of every process, including those of threads that called
 * unshare(CLONE_FILES), and so every instance with a descriptor. iter/task finds the counters of users whose instances
 * have none (in flight in a socket, registered with io_uring), every user's epoll watches and fanotify groups, processes near a limit
 * of theirs, and every namespace, also of processes that a security module hides from root. Both run only when read:
 * nothing is attached to the kernel.
 * Needs: Linux 5.8 with BTF, CAP_BPF and CAP_PERFMON (or CAP_SYS_ADMIN). iter/task finds users only since struct cred has
 * ucounts (5.14).
 * Without: nospace counts via /proc, which shows neither a user's counters nor an instance without a descriptor. */
#include "kernel.h"
#include "records.h"
#include "instance.h"
#include "pids.h"
#include "ucounts.h"
#include "idr.h"
#include "fanotify.h"
#include "near.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

EXPORT(instance_record);
EXPORT(epoll_record);
EXPORT(namespaces_record);
EXPORT(features_record);
EXPORT(fanotify_record);

#define RLIMIT_NOFILE 7

/* The file table being visited. Updated only after a step whose output fitted, since the kernel repeats the others. */
struct {
	__u64 files;
	__u64 last_ucounts;
	/* Pid of its task in the initial pid namespace, which is faster to read than that in the reader's. */
	__u32 task;
	__u32 reserved;
	struct process_record process;
} table;

__u64 last_task_ucounts;
__u64 last_epoll_user;
__u64 last_namespaces;
__u64 last_user_namespace;
__u64 last_pid_namespace;

/* User namespaces nest 32 deep (kernel/user_namespace.c). */
#define MAX_CHAIN 33

/* A user, and its chain of creators of enclosing user namespaces, which each charge counts against, too. */
struct user_record chain[MAX_CHAIN];

/* Fills in one link; a global function, so that the verifier checks it once. */
__noinline int read_link(__u64 ucounts, __u32 index)
{
	if (index < MAX_CHAIN)
		read_user((struct ucounts *)ucounts, &chain[index]);
	return 0;
}

/* Fills `chain`; returns the number of links. */
__noinline int read_chain(__u64 ucounts)
{
	__u32 i;

	for (i = 0; i < MAX_CHAIN && ucounts; i++) {
		read_link(ucounts, i);
		ucounts = chain[i].parent;
	}
	return i;
}

struct fanotify_user_record fanotify_chain[MAX_CHAIN];

/* Fills in one link; a global function, so that the verifier checks it once. */
__noinline int read_fanotify_link(__u64 ucounts, __u32 index)
{
	if (index < MAX_CHAIN)
		read_fanotify_user((struct ucounts *)ucounts, &fanotify_chain[index]);
	return 0;
}

/* Fills `fanotify_chain`; returns the number of links. */
__noinline int read_fanotify_chain(__u64 ucounts)
{
	__u32 i;

	for (i = 0; i < MAX_CHAIN && ucounts; i++) {
		read_fanotify_link(ucounts, i);
		ucounts = fanotify_chain[i].parent;
	}
	return i;
}

/* Writes what a user and its chain are charged for fanotify. False if the output was full. */
static __always_inline bool write_fanotify_chain(struct seq_file *seq, __u64 ucounts)
{
	__u64 links = (__u32)read_fanotify_chain(ucounts);

	barrier_var(links);
	if (links > MAX_CHAIN)
		return false;
	return !bpf_seq_write(seq, fanotify_chain, links * sizeof(fanotify_chain[0]));
}

static __always_inline bool write_fanotify(struct seq_file *seq, struct fsnotify_group *group, __u32 pid)
{
	struct fanotify_record r = {
		.kind = RECORD_FANOTIFY,
		.pid = pid,
		.group = (__u64)group,
	};

	if (!counts_fanotify())
		return true;
	r.ucounts = (__u64)BPF_CORE_READ(group, fanotify_data.ucounts);
	if (!write_fanotify_chain(seq, r.ucounts))
		return false;
	return !bpf_seq_write(seq, &r, sizeof(r));
}

/* Writes the chain of a user. False if the output was full. */
static __always_inline bool write_chain(struct seq_file *seq, __u64 ucounts)
{
	__u64 links = (__u32)read_chain(ucounts);

	/* Keeps the compiler from using another copy than the one checked below. */
	barrier_var(links);
	if (links > MAX_CHAIN)
		return false;
	return !bpf_seq_write(seq, chain, links * sizeof(chain[0]));
}

static __always_inline bool write_instance(struct seq_file *seq, struct fsnotify_group *group, __u32 fd, __u32 pid,
					   __u32 tid)
{
	struct ucounts *u = BPF_CORE_READ(group, inotify_data.ucounts);
	struct instance_record r = {
		.kind = RECORD_INSTANCE,
		.pid = pid,
		.tid = tid,
		.fd = fd,
		.group = (__u64)group,
		.ucounts = (__u64)u,
		.watches = count_watches(group),
	};

	if ((__u64)u != table.last_ucounts && !write_chain(seq, (__u64)u))
		return false;
	if (bpf_seq_write(seq, &r, sizeof(r)))
		return false;
	table.last_ucounts = (__u64)u;
	return true;
}

static __always_inline void begin_table(struct task_struct *task, __u64 files, __u32 pid, __u32 tid)
{
	struct process_record *p = &table.process;

	table.files = files;
	table.task = task->pid;
	p->kind = RECORD_PROCESS;
	p->pid = pid;
	p->tid = tid;
	p->descriptors = 0;
	p->descriptor_limit = BPF_CORE_READ(task, signal, rlim[RLIMIT_NOFILE].rlim_cur);
	bpf_probe_read_kernel(p->comm, sizeof(p->comm), &task->group_leader->comm);
}

SEC("iter/task_file")
int descriptors(struct bpf_iter__task_file *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	__u32 pid, tid;
	__u64 files;
	bool fresh;

	if (ctx->meta->seq_num == 0) {
		set_reader_level();
		table.files = 0;
		table.last_ucounts = 0;
	}
	if (!task || !file) {
		if (table.files)
			bpf_seq_write(seq, &table.process, sizeof(table.process));
		return 0;
	}
	files = (__u64)task->files;
	fresh = files != table.files || task->pid != table.task;
	pid = table.process.pid;
	tid = table.process.tid;
	if (fresh) {
		tid = pid_for_reader(task->thread_pid);
		pid = pid_for_reader(task->group_leader->thread_pid);
		/* The threads of an exited leader share one table. */
		if (files == table.files && pid == table.process.pid)
			return 0;
		if (table.files && bpf_seq_write(seq, &table.process, sizeof(table.process)))
			return 0;
	}
	if (is_inotify(file, file->f_op) && !write_instance(seq, file->private_data, ctx->fd, pid, tid))
		return 0;
	if (is_fanotify(file) && !write_fanotify(seq, file->private_data, pid))
		return 0;
	if (fresh)
		begin_table(task, files, pid, tid);
	table.process.descriptors++;
	return 0;
}

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

static __always_inline void write_epoll(struct seq_file *seq, struct task_struct *task)
{
	struct user_struct *user = BPF_CORE_READ(task, cred, user);
	struct epoll_record r = { .kind = RECORD_EPOLL };
	__s64 watches;

	if (!user || (__u64)user == last_epoll_user)
		return;
	watches = epoll_watches(user);
	r.uid = BPF_CORE_READ(user, uid.val);
	r.watches = watches > 0 ? watches : 0;
	if (!bpf_seq_write(seq, &r, sizeof(r)))
		last_epoll_user = (__u64)user;
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

static __always_inline void write_namespaces(struct seq_file *seq, struct task_struct *task)
{
	/* Null in a task that is exiting. */
	struct nsproxy *all = BPF_CORE_READ(task, nsproxy);
	struct user_namespace *user = BPF_CORE_READ(task, cred, user_ns);
	struct namespaces_record r = { .kind = RECORD_NAMESPACES };
	/* Not that of its children, which a process can have without living in it, and share the rest with them. */
	struct pid_namespace *pids = pid_namespace_of(task->thread_pid);
	struct mnt_namespace *mnt;

	if (!all || ((__u64)all == last_namespaces && (__u64)user == last_user_namespace &&
		     (__u64)pids == last_pid_namespace))
		return;
	mnt = BPF_CORE_READ(all, mnt_ns);
	r.pid = pid_for_reader(task->group_leader->thread_pid);
	r.mnt = BPF_CORE_READ(mnt, ns.inum);
	r.mounts = count_mounts(mnt);
	r.net = BPF_CORE_READ(all, net_ns, ns.inum);
	r.pid_namespace = BPF_CORE_READ(all, pid_ns_for_children, ns.inum);
	r.user = BPF_CORE_READ(user, ns.inum);
	r.ipc = BPF_CORE_READ(all, ipc_ns, ns.inum);
	r.uts = BPF_CORE_READ(all, uts_ns, ns.inum);
	r.cgroup = BPF_CORE_READ(all, cgroup_ns, ns.inum);
	r.level = BPF_CORE_READ(user, level);
	read_room(all, pids, &r);
	if (bpf_core_field_exists(all->time_ns))
		r.time = BPF_CORE_READ(all, time_ns, ns.inum);
	if (bpf_seq_write(seq, &r, sizeof(r)))
		return;
	last_namespaces = (__u64)all;
	last_user_namespace = (__u64)user;
	last_pid_namespace = (__u64)pids;
}

static __always_inline void write_features(struct seq_file *seq)
{
	struct features_record r = {
		.kind = RECORD_FEATURES,
		.fanotify = counts_fanotify(),
		.rlimits = counts_rlimits(),
	};

	bpf_seq_write(seq, &r, sizeof(r));
}

SEC("iter/task")
int users(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct user_record *own = &chain[0];
	struct ucounts *u = NULL;

	if (ctx->meta->seq_num == 0) {
		set_reader_level();
		last_task_ucounts = 0;
		last_epoll_user = 0;
		last_namespaces = 0;
		last_user_namespace = 0;
		last_pid_namespace = 0;
		charges.ucounts = 0;
		write_features(ctx->meta->seq);
	}
	if (!task)
		return 0;
	write_epoll(ctx->meta->seq, task);
	write_namespaces(ctx->meta->seq, task);
	if (bpf_core_field_exists(task->cred->ucounts))
		u = BPF_CORE_READ(task, cred, ucounts);
	write_near(ctx->meta->seq, task, u);
	if (!u || (__u64)u == last_task_ucounts)
		return 0;
	if (counts_fanotify()) {
		read_fanotify_link((__u64)u, 0);
		if ((fanotify_chain[0].groups || fanotify_chain[0].marks) &&
		    !write_fanotify_chain(ctx->meta->seq, (__u64)u))
			return 0;
	}
	read_link((__u64)u, 0);
	/* Root is always reported, even without a charge. */
	if ((!own->instances && !own->watches && own->uid) || write_chain(ctx->meta->seq, (__u64)u))
		last_task_ucounts = (__u64)u;
	return 0;
}
