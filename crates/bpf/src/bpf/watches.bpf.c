/* What the watches of an instance are on: inode, device, and the names from the file system's root.
 *
 * Hook: iter/task_file, as for accounting, to reach the requested groups. Each group's idr leads to its marks, a mark to
 * its inode, the inode to a dentry, the dentry to its names. Runs only when read.
 * Needs: Linux 5.8 with BTF, CAP_BPF and CAP_PERFMON.
 * Without: /proc/PID/fdinfo has inode, device and file handle, and open_by_handle_at(2) finds the path where the file
 * system supports it (not overlayfs as containers mount it, proc, sysfs). An evicted dentry can be named only that way.
 *
 * A file is sent before its first watch, and a directory entry before the first file below it: each once, though thousands of watches may
 * need it. Only names that have changed meanwhile are sent again.
 *
 * Where there is no room for a record, the program asks to be called again, and continues with the watch that it could not send. */
#include "kernel.h"
#include "direct.h"
#include "records.h"
#include "instance.h"
#include "pids.h"
#include "xarray.h"
#include "output.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

EXPORT(watch_record);
EXPORT(file_record);
EXPORT(entry_record);

/* NAME_MAX, and a NUL. */
#define NAME_SPACE 256
/* Batches of 64 entries on a path to send at most. */
#define ENTRY_BATCHES 64

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

/* The walk: iterator session and group, and whether there was no room; `cursor.from` is the watch descriptor to continue at. `entry` is the
 * next one to send on the way to the root; `broken` says that the way ends at one whose name or parent cannot be read. */
struct {
	__u64 session;
	__u64 group;
	__u64 entry;
	__u64 root;
	__u32 full;
	__u32 broken;
} walk;

/* Something that has been sent, by its address. The other fields differ if another file or entry has come to that address since, or if it has
 * another name. */
struct sent {
	__u64 address;
	__u64 session;
	/* Of an entry: the inode's address. Of a file: its number. */
	__u64 inode;
	__u64 entry;
	__u64 parent;
	__u64 name;
};

/* Each address has its set; in a full one a newer address takes the place of an older, which is then sent once more. */
#define SENT_BITS 11
#define SENT_WAYS 4
struct sent sent_files[1 << SENT_BITS][SENT_WAYS];
struct sent sent_entries[1 << SENT_BITS][SENT_WAYS];
__u32 next_way;
/* The directory of the last file that was sent: all above it have been, too. */
struct sent last_directory;
/* The file for which there was no room, and the entry above it that is next. */
struct sent pending_file;
struct sent pending_entry;

/* Addresses of one kind are multiples of its size: all bits of the hash depend on all of theirs (the end of MurmurHash3). */
static __always_inline __u32 sent_set(__u64 address)
{
	address ^= address >> 33;
	address *= 0xff51afd7ed558ccdull;
	address ^= address >> 33;
	address *= 0xc4ceb9fe1a85ec53ull;
	return address >> (64 - SENT_BITS);
}

static __always_inline bool is_same(const struct sent *one, const struct sent *other)
{
	return one->address == other->address && one->session == other->session && one->inode == other->inode &&
	       one->entry == other->entry && one->parent == other->parent && one->name == other->name;
}

static __always_inline bool is_sent(const struct sent *set, const struct sent *one)
{
	for (int i = 0; i < SENT_WAYS; i++)
		if (is_same(&set[i], one))
			return true;
	return false;
}

static __always_inline void add_sent(struct sent *set, const struct sent *one)
{
	__u32 way = next_way++ & (SENT_WAYS - 1);

	/* What an earlier list sent is outdated. */
	for (int i = 0; i < SENT_WAYS; i++)
		if (set[i].session != one->session)
			way = i;
	/* So is, above all, what was sent of this address. */
	for (int i = 0; i < SENT_WAYS; i++)
		if (set[i].address == one->address)
			way = i;
	barrier_var(way);
	set[way & (SENT_WAYS - 1)] = *one;
}

static __always_inline struct sent describe_entry(struct dentry *dentry)
{
	return (struct sent){
		.address = (__u64)dentry,
		.session = walk.session,
		.inode = (__u64)BPF_CORE_READ(dentry, d_inode),
		.entry = (__u64)dentry,
		.parent = (__u64)BPF_CORE_READ(dentry, d_parent),
		.name = BPF_CORE_READ(dentry, d_name.hash_len),
	};
}

/* Null if the watch has been removed meanwhile. */
static __always_inline struct inode *watched_inode(struct fsnotify_mark *mark)
{
	struct fsnotify_mark_connector *connector = BPF_CORE_READ(mark, connector);
	__u64 obj = (__u64)BPF_CORE_READ(connector, obj), first = 0;

	if (!connector || !obj)
		return NULL;
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

/* Sends the entry of this description with its name; without a name it leads nowhere. False if there is no room. */
static __always_inline bool send_entry(const struct sent *entry)
{
	struct entry_record *r = next_record(sizeof(*r) + NAME_SPACE);
	struct dentry *dentry = (struct dentry *)entry->address;
	const unsigned char *name = BPF_CORE_READ(dentry, d_name.name);
	bool is_top = entry->parent == entry->address;
	long size;

	if (!r)
		return false;
	size = bpf_probe_read_kernel_str(r + 1, NAME_SPACE, name);
	/* Without its NUL; all that lead to a root have a name. */
	size = size > 1 ? size - 1 : 0;
	walk.broken = !size;
	*r = (struct entry_record){
		.kind = RECORD_ENTRY,
		.flags = (is_top ? ENTRY_TOP : 0) | (is_top && size && entry->address == walk.root ? ENTRY_ROOT : 0),
		.address = entry->address,
		.parent = size ? entry->parent : 0,
		.name_length = size,
	};
	output.end -= NAME_SPACE - ((size + 7) & ~7);
	return true;
}

/* Sends the entry walk.entry, unless that has been done, and goes on to its parent. Returns 0 after the last, or when there is no room. */
__noinline long visit_entry(void)
{
	struct sent entry = describe_entry((struct dentry *)walk.entry);
	struct sent *known = sent_entries[sent_set(walk.entry) & ((1 << SENT_BITS) - 1)];

	if (!is_sent(known, &entry)) {
		if (!send_entry(&entry)) {
			walk.full = 1;
			return 0;
		}
		if (walk.broken)
			return 0;
		add_sent(known, &entry);
	}
	walk.entry = entry.parent;
	walk.broken = !entry.parent;
	return entry.parent != entry.address && entry.parent;
}

REPEAT(visit_entries, visit_entry)

/* Whether part of what leads to this file has been sent, and the rest is still where it was. */
static __always_inline bool is_pending(const struct sent *file)
{
	struct sent entry;

	if (!is_same(&pending_file, file))
		return false;
	entry = describe_entry((struct dentry *)pending_entry.address);
	return is_same(&pending_entry, &entry);
}

/* Sends the file, and what leads to it, unless that has been done. False if there is no room. */
static __always_inline bool send_file(struct inode *inode)
{
	struct dentry *dentry = first_alias(inode);
	struct sent *known = sent_files[sent_set((__u64)inode) & ((1 << SENT_BITS) - 1)];
	bool removed = dentry && !BPF_CORE_READ(dentry, d_hash.pprev), above;
	struct sent file = {
		.address = (__u64)inode,
		/* The lowest bit of a session's number is free: it says whether the file has been removed. */
		.session = walk.session << 1 | removed,
		.inode = BPF_CORE_READ(inode, i_ino),
		.entry = (__u64)dentry,
		.parent = dentry ? (__u64)BPF_CORE_READ(dentry, d_parent) : 0,
		.name = dentry ? BPF_CORE_READ(dentry, d_name.hash_len) : 0,
	};
	struct sent directory;

	if (is_sent(known, &file))
		return true;
	walk.broken = 0;
	if (dentry) {
		directory = describe_entry((struct dentry *)file.parent);
		walk.root = (__u64)BPF_CORE_READ(inode, i_sb, s_root);
		if (is_pending(&file)) {
			walk.entry = pending_entry.address;
			above = true;
		} else {
			walk.entry = (__u64)dentry;
			above = visit_entry() && !is_same(&last_directory, &directory);
		}
		if (above)
			for (int i = 0; i < ENTRY_BATCHES; i++)
				if (!visit_entries())
					break;
		if (walk.full) {
			pending_file = file;
			pending_entry = describe_entry((struct dentry *)walk.entry);
			return false;
		}
		if (!walk.broken)
			last_directory = directory;
	}
	if (!has_room(sizeof(struct file_record)))
		return false;
	send_record(file_record,
		.kind = RECORD_FILE,
		.flags = removed ? FILE_REMOVED : 0,
		.address = (__u64)inode,
		.inode = file.inode,
		.entry = (__u64)dentry,
		.device = BPF_CORE_READ(inode, i_sb, s_dev),
		.file_system = BPF_CORE_READ(inode, i_sb, s_magic),
	);
	if (!walk.broken)
		add_sent(known, &file);
	return true;
}

/* `address`: of its inotify_inode_mark. */
__noinline int send_watch(__u64 address, __u32 wd)
{
	struct inotify_inode_mark *watch = (struct inotify_inode_mark *)address;
	struct fsnotify_mark *mark = &watch->fsn_mark;
	struct inode *inode;

	if ((__u64)BPF_CORE_READ(mark, group) != walk.group)
		return 0;
	inode = watched_inode(mark);
	if (!inode)
		return 0;
	if (!has_room(sizeof(struct watch_record)) || !send_file(inode) || !has_room(sizeof(struct watch_record))) {
		walk.full = 1;
		return 0;
	}
	send_record(watch_record,
		.kind = RECORD_WATCH,
		.wd = wd,
		.group = walk.group,
		.file = (__u64)inode,
		.mask = BPF_CORE_READ(mark, mask),
	);
	return 0;
}

/* Visits one slot. Returns 0 when none is left or there is no room. */
__noinline long visit_slot(void)
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
		send_watch(child, wd);
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
	bool again;

	if (!task || !file || !is_inotify(file, file->f_op))
		return 0;
	group = file->private_data;
	key = (__u64)group;
	request = bpf_map_lookup_elem(&requests, &key);
	if (!request || request->done || request->fd != ctx->fd)
		return 0;
	if (!walk.session)
		set_reader_level();
	if (request->pid != pid_for_reader(task->group_leader))
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
		/* 1: call again for the same file, after the output was read, or for the next 262,144 slots. */
		again = visit_262144_slots() || walk.full;
		keep_records();
		if (again)
			return 1;
	}
	request->done = 1;
	return 0;
}
