/* What the watches of an instance are on: inode, device, and the names from the file system's root.
 *
 * Hook: iter/task_file, as for accounting, to reach the requested groups. Each group's idr leads to its marks, a mark to
 * its inode, the inode to a dentry, the dentry to its names. Runs only when read.
 * Needs: Linux 5.8 with BTF, CAP_BPF and CAP_PERFMON.
 * Without: /proc/PID/fdinfo has inode, device and file handle, and open_by_handle_at(2) finds the path where the file
 * system supports it (not overlayfs as containers mount it, proc, sysfs). An evicted dentry can be named only that way.
 *
 * What does not fit into the ring is not lost: the program asks to be called again, and continues after the last watch
 * sent. */
#include "kernel.h"
#include "records.h"
#include "instance.h"
#include "pids.h"
#include "xarray.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define NAME_SPACE 256
#define NAMES_MAX 8192
/* Batches of 64 names to walk at most. */
#define NAME_BATCHES 64

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} ring SEC(".maps");

/* A group whose watches to list. */
struct request {
	/* Its descriptor: a group found at another one is a new group at the address of a released one. */
	__u32 pid;
	__u32 fd;
	__u32 done;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	/* The kernel clears a bucket for each entry at load time. The reader sends more requests in batches. */
	__uint(max_entries, 1 << 14);
	__uint(map_flags, 1 /* BPF_F_NO_PREALLOC */);
	__type(key, __u64);
	__type(value, struct request);
} requests SEC(".maps");

/* The walk: iterator session and group, and whether the ring was full; `cursor.from` is the watch descriptor to continue at. */
struct {
	__u64 session;
	__u64 group;
	__u32 full;
	__u32 reserved;
	__u64 dentry;
	__u64 root;
} walk;

struct {
	struct watch_record head;
	__u8 names[NAMES_MAX + NAME_SPACE];
} out;

static __always_inline struct inode *watched_inode(struct fsnotify_mark *mark)
{
	struct fsnotify_mark_connector *connector = BPF_CORE_READ(mark, connector);
	__u64 obj = (__u64)BPF_CORE_READ(connector, obj), first = 0;

	/* The address of inode->i_fsnotify_marks until 6.1, the inode itself from 6.12 on. */
	bpf_probe_read_kernel(&first, sizeof(first), (void *)obj);
	if (first == (__u64)connector)
		obj -= bpf_core_field_offset(struct inode, i_fsnotify_marks);
	return (struct inode *)obj;
}

static __always_inline struct dentry *first_alias(struct inode *inode)
{
	__u64 alias = (__u64)BPF_CORE_READ(inode, i_dentry.first);

	if (!alias)
		return NULL;
	if (bpf_core_field_exists(struct dentry, d_u))
		return (struct dentry *)(alias - bpf_core_field_offset(struct dentry, d_u));
	return (struct dentry *)(alias - bpf_core_field_offset(struct dentry___anonymous, d_alias));
}

/* Appends a name. Returns 0 after the root, or when no more fits. */
__noinline int append_name(void)
{
	struct dentry *dentry = (struct dentry *)walk.dentry, *parent = BPF_CORE_READ(dentry, d_parent);
	__u32 length = out.head.names_length;
	long size;

	if (length >= NAMES_MAX)
		return 0;
	barrier_var(length);
	size = bpf_probe_read_kernel_str(&out.names[length & (NAMES_MAX - 1)], NAME_SPACE,
					 BPF_CORE_READ(dentry, d_name.name));
	if (size <= 0)
		return 0;
	out.head.names_length += size;
	if (parent == dentry) {
		if (walk.dentry == walk.root)
			out.head.flags |= WATCH_ROOTED;
		return 0;
	}
	walk.dentry = (__u64)parent;
	return 1;
}

REPEAT(append_names, append_name)

__noinline int send_watch(__u64 entry)
{
	struct inotify_inode_mark *watch = (struct inotify_inode_mark *)entry;
	struct fsnotify_mark *mark = &watch->fsn_mark;
	struct watch_record *r = &out.head;
	struct dentry *dentry;
	struct inode *inode;
	__u32 size;

	if ((__u64)BPF_CORE_READ(mark, group) != walk.group)
		return 0;
	inode = watched_inode(mark);
	r->kind = RECORD_WATCH;
	r->wd = BPF_CORE_READ(watch, wd);
	r->group = walk.group;
	r->inode = BPF_CORE_READ(inode, i_ino);
	r->address = (__u64)inode;
	r->device = BPF_CORE_READ(inode, i_sb, s_dev);
	r->file_system = BPF_CORE_READ(inode, i_sb, s_magic);
	r->mask = BPF_CORE_READ(mark, mask);
	r->flags = 0;
	r->names_length = 0;
	dentry = first_alias(inode);
	walk.dentry = (__u64)dentry;
	walk.root = (__u64)BPF_CORE_READ(inode, i_sb, s_root);
	if (dentry) {
		r->flags = WATCH_NAMED;
		if (!BPF_CORE_READ(dentry, d_hash.pprev))
			r->flags |= WATCH_UNHASHED;
		for (int i = 0; i < NAME_BATCHES; i++)
			if (!append_names())
				break;
	}
	size = r->names_length;
	if (size > NAMES_MAX + NAME_SPACE)
		return 0;
	if (bpf_ringbuf_output(&ring, &out, sizeof(out.head) + size, 0))
		walk.full = 1;
	return 0;
}

/* Visits one slot. Returns 0 when none is left or the ring is full. */
__noinline int visit_slot(void)
{
	struct xa_level *level = deepest();
	__u64 child;
	__u32 wd;

	if (!cursor.depth)
		return 0;
	if (level->next >= XA_SLOTS) {
		cursor.depth--;
		return 1;
	}
	wd = level->base + (level->next << level->shift);
	child = slot(level->node, level->next);
	level->next++;
	if (level->shift && is_node(child)) {
		descend(child, wd);
		return 1;
	}
	if (!level->shift && child)
		send_watch(child);
	if (walk.full)
		return 0;
	cursor.from = wd + (1 << level->shift);
	return 1;
}

REPEAT(visit_64_slots, visit_slot)
REPEAT(visit_4096_slots, visit_64_slots)
REPEAT(visit_262144_slots, visit_4096_slots)

SEC("iter/task_file")
int watches(struct bpf_iter__task_file *ctx)
{
	struct task_struct *task = ctx->task;
	struct file *file = ctx->file;
	struct fsnotify_group *group;
	struct request *request;
	__u64 key, head;

	if (!task || !file || !is_inotify(file, file->f_op))
		return 0;
	group = file->private_data;
	key = (__u64)group;
	request = bpf_map_lookup_elem(&requests, &key);
	if (!request || request->done || request->fd != ctx->fd)
		return 0;
	if (!walk.session)
		set_reader_level();
	if (request->pid != pid_for_reader(task->group_leader->thread_pid))
		return 0;
	if (walk.group != key || walk.session != ctx->meta->session_id) {
		walk.group = key;
		walk.session = ctx->meta->session_id;
		cursor.from = 0;
	}
	walk.full = 0;
	cursor.depth = 0;
	head = (__u64)BPF_CORE_READ(group, inotify_data.idr.idr_rt.xa_head);
	if (is_node(head)) {
		descend(head, 0);
		/* 1: call again for the same file, after the ring was read, or for the next 262,144 slots. */
		if (visit_262144_slots() || walk.full)
			return 1;
	}
	request->done = 1;
	return 0;
}
