/* What is counted of calls that are no calls of inotify. */
#pragma once

/* full_fds_bits has a bit for each word of open_fds that is full: this many words are 1,048,576 descriptors. */
#define FULL_WORDS 256

/* Pages as a power of two; set before the programs are loaded. */
const volatile __u32 page_shift;

static __always_inline void set_count(struct trace_record *r, __u32 counted, __u64 used, __u64 limit)
{
	r->counted = counted;
	r->used = used;
	r->limit = limit;
	r->flags |= TRACE_COUNTED;
}

/* Also says whose count it is. */
static __always_inline void set_count_of_user(struct trace_record *r, struct ucounts *u, __u32 counted, __u64 used,
					      __u64 limit)
{
	set_count(r, counted, used, limit);
	r->charged_uid = BPF_CORE_READ(u, uid.val);
	r->user_namespace = BPF_CORE_READ(u, ns, ns.inum);
}

/* The index must be a constant: its offset is one of the kernel's. */
#define own_limit(task, resource) BPF_CORE_READ(task, signal, rlim[resource].rlim_cur)

#define SCHED_DEADLINE 6

/* Where RLIMIT_NPROC has refused. Root and CAP_SYS_RESOURCE are exempt (copy_process, kernel/fork.c); the count has gone down
 * again. */
static __noinline int fill_processes(struct trace_record *r, struct task_struct *task)
{
	struct ucounts *u = NULL;
	__u64 used, limit = own_limit(task, RLIMIT_NPROC);

	if (BPF_CORE_READ(task, policy) == SCHED_DEADLINE)
		r->flags |= TRACE_DEADLINE;
	if (!counts_rlimits() || !bpf_core_field_exists(task->cred->ucounts))
		return 0;
	u = BPF_CORE_READ(task, cred, ucounts);
	used = rlimit_charged(u, UCOUNT_RLIMIT_NPROC);
	if (used < limit || BPF_CORE_READ(u, uid.val) == 0 ||
	    capabilities(task) & (1ull << CAP_SYS_ADMIN | 1ull << CAP_SYS_RESOURCE))
		return 0;
	set_count_of_user(r, u, COUNTED_PROCESSES, used, limit);
	return 0;
}

/* System V IPC, where the number of sets, queues or segments is used up, and not that of semaphores or pages. */
static __noinline int fill_ipc(struct trace_record *r, struct task_struct *task, __u32 counted)
{
	struct ipc_namespace *ns = BPF_CORE_READ(task, nsproxy, ipc_ns);
	int used, limit;

	if (!bpf_core_field_exists(ns->ids))
		return 0;
	if (counted == COUNTED_SEMAPHORE_SETS) {
		used = BPF_CORE_READ(ns, ids[0].in_use);
		limit = BPF_CORE_READ(ns, sem_ctls[3]);
	} else if (counted == COUNTED_MESSAGE_QUEUES) {
		used = BPF_CORE_READ(ns, ids[1].in_use);
		limit = BPF_CORE_READ(ns, msg_ctlmni);
	} else {
		used = BPF_CORE_READ(ns, ids[2].in_use);
		limit = BPF_CORE_READ(ns, shm_ctlmni);
	}
	if (used >= limit)
		set_count(r, counted, used, limit);
	return 0;
}

static __noinline int fill_queues(struct trace_record *r, struct task_struct *task, __u32 error)
{
	struct ipc_namespace *ns = BPF_CORE_READ(task, nsproxy, ipc_ns);
	struct ucounts *u = ucounts_of_task(task);

	if (error == ENOSPC && bpf_core_field_exists(ns->mq_queues_count))
		set_count(r, COUNTED_QUEUES, BPF_CORE_READ(ns, mq_queues_count), BPF_CORE_READ(ns, mq_queues_max));
	else if (error == EMFILE && counts_rlimits() && u)
		set_count_of_user(r, u, COUNTED_QUEUE_BYTES, rlimit_charged(u, UCOUNT_RLIMIT_MSGQUEUE),
				  own_limit(task, RLIMIT_MSGQUEUE));
	return 0;
}

static __always_inline struct ucounts *ucounts_of_fanotify(struct task_struct *task, __u32 fd)
{
	struct file *file = file_of_descriptor(task, fd);
	struct fsnotify_group *group;
	char name[16] = {};

	if (!file || BPF_CORE_READ(file, f_inode, i_sb, s_magic) != ANON_INODE_FS_MAGIC)
		return NULL;
	bpf_probe_read_kernel_str(name, sizeof(name), BPF_CORE_READ(file, f_path.dentry, d_name.name));
	if (name[0] != '[' || name[1] != 'f' || name[2] != 'a' || name[3] != 'n')
		return NULL;
	group = BPF_CORE_READ(file, private_data);
	return BPF_CORE_READ(group, fanotify_data.ucounts);
}

static __noinline int fill_fanotify(struct trace_record *r, struct task_struct *task, __u32 counted)
{
	if (!bpf_core_enum_value_exists(enum ucount_type, UCOUNT_FANOTIFY_GROUPS))
		return 0;
	if (counted == COUNTED_GROUPS)
		fill_count(r, ucounts_of_task(task), bpf_core_enum_value(enum ucount_type, UCOUNT_FANOTIFY_GROUPS),
			   counted);
	else
		fill_count(r, ucounts_of_fanotify(task, r->fd),
			   bpf_core_enum_value(enum ucount_type, UCOUNT_FANOTIFY_MARKS), counted);
	return 0;
}

#define AF_INET 2

static __noinline int fill_socket(struct trace_record *r, struct task_struct *task)
{
	struct file *file = file_of_descriptor(task, r->fd);
	struct socket *socket = file ? BPF_CORE_READ(file, private_data) : NULL;
	struct sock *sock = socket ? BPF_CORE_READ(socket, sk) : NULL;

	if (!sock)
		return 0;
	if (BPF_CORE_READ(sock, __sk_common.skc_num))
		r->flags |= TRACE_BOUND;
	if (BPF_CORE_READ(sock, __sk_common.skc_family) == AF_INET)
		r->flags |= TRACE_IPV4;
	return 0;
}

#define S_IFMT 0170000
#define S_IFREG 0100000
#define S_IFDIR 0040000

/* What kind of file the descriptor is: by the time that user space looks it may be closed. */
static __noinline int fill_file(struct trace_record *r, struct task_struct *task)
{
	struct file *file = file_of_descriptor(task, r->fd);
	struct inode *inode = file ? BPF_CORE_READ(file, f_inode) : NULL;
	__u16 kind;

	if (!inode)
		return 0;
	kind = BPF_CORE_READ(inode, i_mode) & S_IFMT;
	r->file_system = BPF_CORE_READ(inode, i_sb, s_magic);
	if (kind == S_IFREG || kind == S_IFDIR)
		r->flags |= TRACE_REGULAR;
	return 0;
}

/* Whether no descriptor below RLIMIT_NOFILE is free. A global function, and each turn of its loop leaves no trace but `i`, so that the
 * verifier checks it once, turn by turn. */
__noinline int files_are_full(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	unsigned long *full = BPF_CORE_READ(table, full_fds_bits), *open = BPF_CORE_READ(table, open_fds);
	__u64 limit = own_limit(task, RLIMIT_NOFILE), words = limit / 64, whole = words / 64, word = 0, rest;

	if (limit > BPF_CORE_READ(table, max_fds) || whole > FULL_WORDS)
		return false;
	for (__u32 i = 0; i < FULL_WORDS && i < whole; i++) {
		bpf_probe_read_kernel(&word, sizeof(word), &full[i]);
		if (word != ~0ull)
			return false;
	}
	rest = (1ull << (words & 63)) - 1;
	bpf_probe_read_kernel(&word, sizeof(word), &full[whole]);
	if ((word & rest) != rest)
		return false;
	rest = (1ull << (limit & 63)) - 1;
	bpf_probe_read_kernel(&word, sizeof(word), &open[words]);
	return (word & rest) == rest;
}

static __noinline int fill_other(struct trace_record *r, __u32 counted, __u32 error)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	__u64 own = capabilities(task);
	struct mm_struct *mm = BPF_CORE_READ(task, mm);

	if (error == ENOSPC)
		fill_file(r, task);
	if (error == EMFILE && files_are_full())
		r->flags |= TRACE_FILES_FULL;
	if (counted == COUNTED_GROUPS || counted == COUNTED_MARKS)
		fill_fanotify(r, task, counted);
	else if (counted == COUNTED_QUEUES)
		fill_queues(r, task, error);
	else if (counted == COUNTED_MESSAGE_QUEUES)
		fill_ipc(r, task, counted);
	else if (counted == COUNTED_PROCESSES)
		fill_processes(r, task);
	else if (counted == COUNTED_SOCKET)
		fill_socket(r, task);
	else if (counted == COUNTED_MAPPINGS && error == ENOMEM) {
		set_count(r, counted, BPF_CORE_READ(mm, map_count), 0);
		if (own_limit(task, RLIMIT_AS) == RLIM_INFINITY && own_limit(task, RLIMIT_DATA) == RLIM_INFINITY)
			r->flags |= TRACE_UNLIMITED_MEMORY;
	}
	else if (counted == COUNTED_MAPPINGS || counted == COUNTED_LOCKED)
		set_count(r, COUNTED_LOCKED, BPF_CORE_READ(mm, locked_vm) << (page_shift & 31), own_limit(task, RLIMIT_MEMLOCK));
	else if (counted == COUNTED_LOCKED_BY_KERNEL)
		set_count(r, counted, BPF_CORE_READ(task, cred, user, locked_vm.counter) << (page_shift & 31),
			  own_limit(task, RLIMIT_MEMLOCK));
	else if (counted == COUNTED_IN_FLIGHT)
		set_count(r, counted, BPF_CORE_READ(task, cred, user, unix_inflight), own_limit(task, RLIMIT_NOFILE));
	if (counted == COUNTED_IN_FLIGHT ? own & (1ull << CAP_SYS_ADMIN | 1ull << CAP_SYS_RESOURCE)
					 : own & 1ull << CAP_IPC_LOCK)
		r->flags |= TRACE_EXEMPT;
	return 0;
}
