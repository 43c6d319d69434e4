/* The calling task's registers and descriptors. */
#pragma once

#if defined(__TARGET_ARCH_x86)
#define READ(regs, field) BPF_CORE_READ(regs, field)
#define NATIVE(r) { READ(r, di), READ(r, si), READ(r, dx), READ(r, r10) }
#define COMPAT(r) { READ(r, bx), READ(r, cx), READ(r, dx), READ(r, si) }
#define IS_COMPAT(task) (BPF_CORE_READ(task, thread_info.status) & 2)
#define RESULT(r) (r)->ax
#else
#define READ(regs, field) BPF_CORE_READ(regs, field)
#define NATIVE(r) { READ(r, orig_x0), READ(r, regs[1]), READ(r, regs[2]), READ(r, regs[3]) }
#define COMPAT(r) NATIVE(r)
#define IS_COMPAT(task) (BPF_CORE_READ(task, thread_info.flags) & 1 << 22)
#define RESULT(r) (r)->regs[0]
#endif

#define THREAD_SIZE 16384

/* The caller's registers, on top of its kernel stack; since 5.15 a helper finds them. */
static __always_inline struct pt_regs *saved_registers(void)
{
	struct task_struct *task;

	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return (struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
	task = (struct task_struct *)bpf_get_current_task();
	return (struct pt_regs *)((__u64)BPF_CORE_READ(task, stack) + THREAD_SIZE -
	       bpf_core_type_size(struct pt_regs));
}

static __always_inline struct file *file_of_descriptor(struct task_struct *task, __u32 fd)
{
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd), *file = NULL;

	if (fd < BPF_CORE_READ(table, max_fds))
		bpf_probe_read_kernel(&file, sizeof(file), &files[fd]);
	return file;
}

/* The inotify group behind a descriptor; NULL if it leads to something else. */
static __always_inline struct fsnotify_group *group_of_descriptor(struct task_struct *task, __u32 fd)
{
	struct file *file = file_of_descriptor(task, fd);

	if (!file || !is_inotify(file, BPF_CORE_READ(file, f_op)))
		return NULL;
	return BPF_CORE_READ(file, private_data);
}
