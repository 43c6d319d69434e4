/* What the watches of an instance are on: inode, device, and the names from the file system's root.
 *
 * Hook: iter/task_file, as for accounting, to reach the groups that are asked for. Each group's idr leads to its marks,
 * a mark to its inode, the inode to a dentry, the dentry to its names. Runs only when read.
 * Needs: Linux 5.8 with BTF, CAP_BPF and CAP_PERFMON.
 * Without: /proc/PID/fdinfo tells inode, device and file handle, and open_by_handle_at(2) the path where the file system
 * can (not overlayfs as containers mount it, proc, sysfs); a dentry that was evicted can be named only that way.
 *
 * No bpf_loop, which 5.10 lacks: every level of a walk is a global function, which the verifier checks once. What does
 * not fit into the ring is not lost: the program asks to be called again, and goes on behind the last watch sent. */
#include "kernel.h"
#include "records.h"
#include "instance.h"
#include "xarray.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

#define NAME_SPACE 256
#define NAMES_MAX 8192
/* Names are walked in bundles of this size, this many times. */
#define BUNDLE 64

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} ring SEC(".maps");

/* Groups that are asked for; 1 when done. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 20);
	__uint(map_flags, 1 /* BPF_F_NO_PREALLOC */);
	__type(key, __u64);
	__type(value, __u32);
} wanted SEC(".maps");

/* The walk: which one, whose watches, from which number on, and whether the ring was full. */
struct {
	__u64 session;
	__u64 group;
	__u32 next_wd;
	__u32 full;
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

/* Appends up to BUNDLE names. 0 once the root is among them, or no more fits. */
__noinline int append_names(__u64 unused)
{
	for (int i = 0; i < BUNDLE; i++) {
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
	}
	return 1;
}

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
	r->device = BPF_CORE_READ(inode, i_sb, s_dev);
	r->file_system = BPF_CORE_READ(inode, i_sb, s_magic);
	r->mask = BPF_CORE_READ(mark, mask);
	r->links = BPF_CORE_READ(inode, i_nlink);
	r->flags = 0;
	r->names_length = 0;
	dentry = first_alias(inode);
	walk.dentry = (__u64)dentry;
	walk.root = (__u64)BPF_CORE_READ(inode, i_sb, s_root);
	if (dentry) {
		r->flags = WATCH_NAMED;
		if (!BPF_CORE_READ(dentry, d_hash.pprev))
			r->flags |= WATCH_UNHASHED;
		for (int i = 0; i < BUNDLE; i++)
			if (!append_names(0))
				break;
	}
	size = r->names_length;
	if (size > NAMES_MAX + NAME_SPACE)
		return 0;
	if (bpf_ringbuf_output(&ring, &out, sizeof(out.head) + size, 0))
		walk.full = 1;
	else
		walk.next_wd = r->wd + 1;
	return 0;
}

__noinline int visit_leaf(__u64 entry, __u64 base)
{
	for (__u32 i = 0; i < XA_SLOTS && !walk.full; i++) {
		__u64 child;

		if (base + i < walk.next_wd)
			continue;
		child = slot(to_node(entry), i);
		if (child)
			send_watch(child);
	}
	return 0;
}

#define VISIT_LEVEL(name, below)                                                        \
	__noinline int name(__u64 entry, __u64 base)                                    \
	{                                                                               \
		__u32 shift = BPF_CORE_READ(to_node(entry), shift) & 31;                \
                                                                                        \
		if (shift == 0)                                                         \
			return visit_leaf(entry, base);                                 \
		for (__u32 i = 0; i < XA_SLOTS && !walk.full; i++) {                    \
			__u64 child, from = base + ((__u64)i << shift);                 \
                                                                                        \
			if (from + (1ULL << shift) <= walk.next_wd)                     \
				continue;                                               \
			child = slot(to_node(entry), i);                                \
			if (is_node(child))                                             \
				below(child, from);                                     \
		}                                                                       \
		return 0;                                                               \
	}

VISIT_LEVEL(visit_level1, visit_leaf)
VISIT_LEVEL(visit_level2, visit_level1)
VISIT_LEVEL(visit_level3, visit_level2)
VISIT_LEVEL(visit_level4, visit_level3)

/* Numbers have 31 bits, a node resolves 6: the sixth level, at the root, has two children. */
static __always_inline void visit_root(__u64 entry)
{
	__u32 shift = BPF_CORE_READ(to_node(entry), shift);

	if (shift < 30) {
		visit_level4(entry, 0);
		return;
	}
	for (__u32 i = 0; i < 2 && !walk.full; i++) {
		__u64 child = slot(to_node(entry), i);

		if (is_node(child))
			visit_level4(child, (__u64)i << 30);
	}
}

SEC("iter/task_file")
int watches(struct bpf_iter__task_file *ctx)
{
	struct file *file = ctx->file;
	struct fsnotify_group *group;
	__u64 key, head;
	__u32 *state;

	if (!ctx->task || !file || !is_inotify(file, file->f_op))
		return 0;
	group = file->private_data;
	key = (__u64)group;
	state = bpf_map_lookup_elem(&wanted, &key);
	if (!state || *state)
		return 0;
	if (walk.group != key || walk.session != ctx->meta->session_id) {
		walk.group = key;
		walk.session = ctx->meta->session_id;
		walk.next_wd = 0;
	}
	walk.full = 0;
	head = (__u64)BPF_CORE_READ(group, inotify_data.idr.idr_rt.xa_head);
	if (is_node(head))
		visit_root(head);
	/* 1: call again for the same file, when the ring was read. */
	if (walk.full)
		return 1;
	*state = 1;
	return 0;
}
