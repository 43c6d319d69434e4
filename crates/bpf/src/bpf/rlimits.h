/* What the kernel counts of a user against resource limits, and who is exempt. */
#pragma once

#define CAP_IPC_LOCK 14
#define CAP_SYS_ADMIN 21
#define CAP_SYS_RESOURCE 24

#define RLIM_INFINITY (~0ull)
#define RLIMIT_DATA 2
#define RLIMIT_NPROC 6
#define RLIMIT_MEMLOCK 8
#define RLIMIT_AS 9
#define RLIMIT_MSGQUEUE 12

/* PROC_USER_INIT_INO (include/linux/proc_ns.h). */
#define INITIAL_USER_NAMESPACE 4026531837u

static __always_inline bool counts_rlimits(void)
{
	struct ucounts *u = NULL;

	return bpf_core_field_exists(u->rlimit) ||
	       bpf_core_enum_value_exists(enum ucount_type___rlimits, UCOUNT_RLIMIT_NPROC___old);
}

/* A user's count of what an rlimit limits. */
#define rlimit_charged(u, name)                                                                                        \
	({                                                                                                             \
		__u64 __count = 0;                                                                                     \
		if (bpf_core_field_exists((u)->rlimit))                                                                \
			__count = read_element((__u64)(u) + bpf_core_field_offset((u)->rlimit),                        \
					       bpf_core_enum_value(enum rlimit_type, name),                            \
					       bpf_core_field_size((u)->rlimit[0]));                                   \
		else if (bpf_core_enum_value_exists(enum ucount_type___rlimits, name##___old))                         \
			__count = charged(u, bpf_core_enum_value(enum ucount_type___rlimits, name##___old));           \
		__count;                                                                                               \
	})

static __always_inline __u64 capabilities(struct task_struct *task)
{
	const struct cred *cred = READ_FIELD(task, cred);
	__u64 effective = 0;

	/* Of another user namespace none counts: the kernel asks for those of the initial one. */
	if (READ_FIELD(cred, user_ns, ns.inum) != INITIAL_USER_NAMESPACE)
		return 0;
	bpf_core_read(&effective, sizeof(effective), &cred->cap_effective);
	return effective;
}
