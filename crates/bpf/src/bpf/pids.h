/* Pids in the reader's pid namespace, as in its /proc. */
#pragma once

/* Depth of the reader's pid namespace. */
__u32 reader_level;

static __always_inline void set_reader_level(void)
{
	struct task_struct *reader = (void *)bpf_get_current_task();

	reader_level = READ_FIELD(reader, thread_pid, level);
}

/* Of this thread. */
static __always_inline __u32 pid_for_reader(struct task_struct *task)
{
	__u64 numbers;
	__u32 number = 0;

	if (!reader_level) {
		number = READ_FIELD(task, pid);
		/* The verifier allows no load that is for this pointer or that to the stack. */
		barrier_var(number);
		return number;
	}
	numbers = address_of(READ_FIELD(task, thread_pid)) + bpf_core_field_offset(struct pid, numbers);
	bpf_probe_read_kernel(&number, sizeof(number), (void *)(numbers + reader_level * sizeof(struct upid)));
	return number;
}

/* The pid namespace that the process of this pid lives in, the innermost of those in which it has a number. */
static __always_inline struct pid_namespace *pid_namespace_of(struct pid *pid)
{
	__u64 numbers = address_of(pid) + bpf_core_field_offset(pid->numbers);
	__u32 level = READ_FIELD(pid, level);
	struct upid innermost = {};

	bpf_probe_read_kernel(&innermost, sizeof(innermost), (void *)(numbers + level * sizeof(struct upid)));
	return innermost.ns;
}
