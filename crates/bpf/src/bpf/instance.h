/* Tells inotify instances from other open files. */
#pragma once

/* The address of inotify_fops, learnt from the first instance: kallsyms may lack data symbols. */
const void *inotify_fops;

static __always_inline bool is_inotify(struct file *file)
{
	const void *ops = file->f_op;
	union {
		char text[16];
		__u64 word;
	} name = {};
	long size;

	if (inotify_fops)
		return ops == inotify_fops;
	if (BPF_CORE_READ(file, f_inode, i_sb, s_magic) != ANON_INODE_FS_MAGIC)
		return false;
	size = bpf_probe_read_kernel_str(name.text, sizeof(name.text),
					 BPF_CORE_READ(file, f_path.dentry, d_name.name));
	if (size != sizeof("inotify") || name.word != *(const __u64 *)"inotify")
		return false;
	inotify_fops = ops;
	return true;
}
