/* fanotify groups among open files, and what their users are charged for. */
#pragma once

/* Addresses of file operations that were recognized: fanotify's, and the latest of other anonymous inodes. */
const void *fanotify_fops;
const void *other_fops[4];
__u32 next_other;

/* `file` must be one that the program can read directly: this runs for every open file. */
static __always_inline bool is_fanotify(struct file *file)
{
	union {
		char text[16];
		__u64 words[2];
	} name = {};
	const union {
		char text[16];
		__u64 words[2];
	} wanted = { .text = "[fanotify]" };
	const void *ops = file->f_op;
	long size;

	if (fanotify_fops)
		return ops == fanotify_fops;
	if (file->f_inode->i_sb->s_magic != ANON_INODE_FS_MAGIC)
		return false;
	if (ops == inotify_fops || ops == other_fops[0] || ops == other_fops[1] || ops == other_fops[2] ||
	    ops == other_fops[3])
		return false;
	size = bpf_probe_read_kernel_str(name.text, sizeof(name.text),
					 BPF_CORE_READ(file, f_path.dentry, d_name.name));
	if (size == sizeof("[fanotify]") && name.words[0] == wanted.words[0] &&
	    (name.words[1] & 0xffff) == (wanted.words[1] & 0xffff)) {
		fanotify_fops = ops;
		return true;
	}
	other_fops[next_other++ & 3] = ops;
	return false;
}

static __always_inline void read_fanotify_user(struct ucounts *u, struct fanotify_user_record *r)
{
	struct user_namespace *ns = BPF_CORE_READ(u, ns);
	__u32 groups, marks;

	if (!bpf_core_enum_value_exists(enum ucount_type, UCOUNT_FANOTIFY_GROUPS))
		return;
	groups = bpf_core_enum_value(enum ucount_type, UCOUNT_FANOTIFY_GROUPS);
	marks = bpf_core_enum_value(enum ucount_type, UCOUNT_FANOTIFY_MARKS);
	r->kind = RECORD_FANOTIFY_USER;
	r->uid = BPF_CORE_READ(u, uid.val);
	r->ucounts = (__u64)u;
	r->parent = (__u64)BPF_CORE_READ(ns, ucounts);
	r->user_namespace = BPF_CORE_READ(ns, ns.inum);
	r->groups = charged(u, groups);
	r->marks = charged(u, marks);
	r->max_groups = allowed(ns, groups);
	r->max_marks = allowed(ns, marks);
}
