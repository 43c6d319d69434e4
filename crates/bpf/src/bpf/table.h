/* Walking the file table of a task.
 *
 * No lock is held and no reference taken, so another process may close a file while it is read, and its memory may become that of another
 * file. Three things make that safe. All reads are such that a wrong address gives 0 and no fault. The iterator runs within RCU, which keeps
 * the array of a table that grows, a file (or its slab, from 6.7 on) and the nodes of an idr. And what was read through a descriptor counts only
 * if the descriptor still leads to the same file and the same group afterwards: then both were there all along.
 *
 * A call ends after 16 groups or 1,024 descriptors without one, so that it is short; the program then asks to be called again
 * for the same task. A group is visited outside of the loops over descriptors: the kernel allows 8 functions on the stack. */
#pragma once

#define BATCH 64
#define RLIMIT_NOFILE 7

struct {
	/* Of the task: its address, start, and table. */
	__u64 task;
	__u64 start;
	__u64 files;
	__u32 tgid;
	/* First descriptor not visited. */
	__u32 next;
	__u32 unfinished;
	/* Why the walk stopped: the table has ended, or table.next is a group. If neither, it is to go on. */
	__u32 ended;
	__u32 found;
	__u32 reserved;
	struct process_record process;
} table;

/* The files of up to 64 descriptors, and a bit for each descriptor not visited; the lowest is that of table.next. */
struct {
	__u64 files[BATCH];
	__u64 open;
} batch;

/* Nothing after this is read before what precedes it. x86 never does; on arm64 the clock is a helper that has a barrier for reads
 * (read_seqcount_latch_retry), and unlike an atomic operation 5.10 has it. */
static __always_inline void order_reads(void)
{
#if defined(__TARGET_ARCH_arm64)
	bpf_ktime_get_ns();
#endif
}

/* The table of the task that is visited; null if it has another one than at the start, or none since it exits. */
static __always_inline struct fdtable *fd_table(void)
{
	struct task_struct *task = (struct task_struct *)table.task;
	struct files_struct *files = READ_FIELD(task, files);

	if (!files || (__u64)files != table.files)
		return NULL;
	return READ_FIELD(files, fdt);
}

/* Whether descriptor table.next still leads to this file. */
static __always_inline bool still_leads_to(__u64 file)
{
	struct fdtable *fdt;
	__u64 now = 0;

	order_reads();
	fdt = fd_table();
	if (!fdt || table.next >= READ_FIELD(fdt, max_fds))
		return false;
	bpf_probe_read_kernel(&now, sizeof(now), READ_FIELD(fdt, fd) + table.next);
	return now == file;
}

/* What a file is, by its operations: their addresses, learned from the first file of each kind, since kallsyms can lack data symbols. */
__u64 fanotify_fops;
__u64 other_fops[64];

static __always_inline __u64 *other_slot(__u64 ops)
{
	/* Addresses of constants have their differences in the middle; a multiplication brings them to the top. */
	return &other_fops[(ops * 0x9e3779b97f4a7c15ull) >> 58 & 63];
}

static __always_inline __u64 operations(__u64 file)
{
	return address_of(READ_FIELD((struct file *)file, f_op));
}

/* Learns of what kind files with these operations are, if this one is still there when all of it was read. */
__noinline int learn(__u64 address)
{
	struct file *file = (struct file *)address;
	__u64 ops = operations(address);
	union {
		char text[16];
		__u64 words[2];
	} name = {};
	const union {
		char text[16];
		__u64 words[2];
	} fanotify = { .text = "[fanotify]" };
	bool anonymous = READ_FIELD(file, f_inode, i_sb, s_magic) == ANON_INODE_FS_MAGIC;
	long size = bpf_probe_read_kernel_str(name.text, sizeof(name.text),
					      READ_FIELD(file, f_path.dentry, d_name.name));

	if (size <= 0 || !ops || !still_leads_to(address) || operations(address) != ops)
		return 0;
	if (anonymous && size == sizeof("inotify") && name.words[0] == *(const __u64 *)"inotify")
		inotify_fops = ops;
	else if (anonymous && size == sizeof("[fanotify]") && name.words[0] == fanotify.words[0] &&
		 (name.words[1] & 0xffff) == (fanotify.words[1] & 0xffff))
		fanotify_fops = ops;
	else
		*other_slot(ops) = ops;
	return 0;
}

/* Whether the descriptor still leads to this file, and that is of the same kind and the same group. */
static __always_inline bool still_holds(__u64 address, __u64 ops, struct fsnotify_group *group)
{
	struct file *file = (struct file *)address;

	return still_leads_to(address) && operations(address) == ops && READ_FIELD(file, private_data) == group;
}

__u64 last_instance_ucounts;

static __always_inline void visit_instance(__u64 file)
{
	struct fsnotify_group *group = READ_FIELD((struct file *)file, private_data);
	__u64 ucounts = (__u64)READ_FIELD(group, inotify_data.ucounts);
	__u64 head = (__u64)READ_FIELD(group, inotify_data.idr.idr_rt.xa_head);

	if (!still_holds(file, inotify_fops, group))
		return;
	if (ucounts != last_instance_ucounts)
		send_chain(ucounts);
	send_record(instance_record,
		.kind = RECORD_INSTANCE,
		.pid = table.process.pid,
		.tid = table.process.tid,
		.fd = table.next,
		.group = (__u64)group,
		.ucounts = ucounts,
		.watches = count_watches(head),
	);
	if (!still_holds(file, inotify_fops, group) ||
	    (__u64)READ_FIELD(group, inotify_data.ucounts) != ucounts) {
		drop_records();
		return;
	}
	keep_records();
	last_instance_ucounts = ucounts;
}

static __always_inline void visit_fanotify(__u64 file)
{
	struct fsnotify_group *group = READ_FIELD((struct file *)file, private_data);
	__u64 ucounts;

	if (!counts_fanotify())
		return;
	ucounts = (__u64)READ_FIELD(group, fanotify_data.ucounts);
	if (!still_holds(file, fanotify_fops, group))
		return;
	send_fanotify_chain(ucounts);
	send_record(fanotify_record,
		.kind = RECORD_FANOTIFY,
		.pid = table.process.pid,
		.group = (__u64)group,
		.ucounts = ucounts,
	);
	if (still_holds(file, fanotify_fops, group) && (__u64)READ_FIELD(group, fanotify_data.ucounts) == ucounts)
		keep_records();
	else
		drop_records();
}

/* Visits one descriptor. Returns 0 when none is left, or this one is a group. */
__noinline long visit_descriptor(void)
{
	__u64 ops, file;

	if (!batch.open || table.found)
		return 0;
	file = batch.files[table.next & (BATCH - 1)];
	if (file) {
		ops = operations(file);
		if (ops != *other_slot(ops)) {
			if (ops != inotify_fops && ops != fanotify_fops)
				learn(file);
			if (ops && (ops == inotify_fops || ops == fanotify_fops)) {
				table.found = true;
				return 0;
			}
		}
		table.process.descriptors++;
	}
	table.next++;
	batch.open >>= 1;
	return 1;
}

REPEAT_IDLE(visit_descriptors, BATCH / 4, visit_descriptor)

/* Visits the descriptors of one word of the bitmap of open ones. Returns 0 when the walk stops. */
__noinline long visit_batch(void)
{
	struct fdtable *fdt = fd_table();
	__u32 base = table.next & -BATCH;

	if (!fdt || table.next >= READ_FIELD(fdt, max_fds)) {
		table.ended = true;
		return 0;
	}
	batch.open = 0;
	bpf_probe_read_kernel(&batch.open, sizeof(batch.open), READ_FIELD(fdt, open_fds) + base / BATCH);
	batch.open >>= table.next & (BATCH - 1);
	if (batch.open) {
		bpf_probe_read_kernel(batch.files, sizeof(batch.files), READ_FIELD(fdt, fd) + base);
		order_reads();
		/* It has grown, or was freed: none of these may be followed. */
		if (fd_table() != fdt)
			return 1;
		visit_descriptors();
		if (table.found)
			return 0;
	}
	table.next = base + BATCH;
	return 1;
}

REPEAT_FOURS(visit_batches, 4, visit_batch)

/* Visits descriptors up to the first group, and that. Returns 0 when the walk stops. */
__noinline long visit_group(void)
{
	__u64 file;

	table.found = false;
	visit_batches();
	if (!table.found || !has_room(DESCRIPTOR_ROOM))
		return 0;
	file = batch.files[table.next & (BATCH - 1)];
	if (operations(file) == fanotify_fops)
		visit_fanotify(file);
	else
		visit_instance(file);
	table.process.descriptors++;
	table.next++;
	return 1;
}

REPEAT_FOURS(visit_groups, 4, visit_group)

/* Whether this task was being visited when the program asked to be called again. */
static __always_inline bool is_resumed(struct task_struct *task)
{
	return table.unfinished && table.task == (__u64)task && table.start == task->start_time &&
	       table.files == (__u64)READ_FIELD(task, files);
}

/* False if the task has no table, or one that is that of another. */
static __always_inline bool begin_table(struct task_struct *task)
{
	struct task_struct *leader = READ_FIELD(task, group_leader);
	struct process_record *p = &table.process;
	__u64 files = (__u64)READ_FIELD(task, files);

	if (!files || (task->pid != task->tgid && files == (__u64)READ_FIELD(leader, files)))
		return false;
	/* The threads of an exited leader share one table. */
	if (files == table.files && (__u32)task->tgid == table.tgid)
		return false;
	table.task = (__u64)task;
	table.start = task->start_time;
	table.files = files;
	table.tgid = task->tgid;
	table.next = 0;
	table.unfinished = true;
	p->kind = RECORD_PROCESS;
	p->pid = pid_for_reader(leader);
	p->tid = pid_for_reader(task);
	p->descriptors = 0;
	p->descriptor_limit = READ_FIELD(task, signal, rlim[RLIMIT_NOFILE].rlim_cur);
	bpf_core_read(p->comm, sizeof(p->comm), &leader->comm);
	return true;
}

/* Sends what is known of the table, whose task may have exited meanwhile. */
static __always_inline void end_table(void)
{
	struct process_record *r;

	if (!table.unfinished)
		return;
	table.unfinished = false;
	if (!table.process.descriptors)
		return;
	r = next_record(sizeof(*r));
	if (r)
		*r = table.process;
	keep_records();
}

/* Visits descriptors of the table. False if some are left. */
static __always_inline bool visit_table(void)
{
	table.ended = false;
	visit_groups();
	if (!table.ended)
		return false;
	end_table();
	return true;
}
