/* Processes that have used most of a limit. */
#pragma once

#include "output.h"
#include "rlimits.h"
#include "ucounts.h"

/* In percent: as much is worth a word (core::report::thresholds). */
#define NEAR_PERCENT 80
/* Smaller limits are a sandbox's. */
#define DELIBERATE 16
#define UNLIMITED (~0ull)

/* Of one user: read once for all its processes that follow each other. */
struct {
	__u64 ucounts;
	__u64 user_namespace;
	__u64 processes;
	__u64 queue_bytes;
	__u64 locked_bytes;
	__u64 kernel_locked_bytes;
	__u32 uid;
} charges;

/* Of one process; global, for a global function takes no pointer on 5.10. */
struct near_record near;
__u64 near_capabilities;

/* vm.max_map_count, 0 to leave mappings out, and the size of a page as a power of two. Set before each reading. */
__u32 max_mappings;
__u32 page_shift;

static __always_inline bool has_any(__u64 mask)
{
	return near_capabilities & mask;
}

/* A global function, so that the verifier checks it once. */
__noinline int send_if_most(enum near_limit kind, __u64 used, __u64 limit)
{
	struct near_record *r;

	/* A limit that is too large to be multiplied is none. */
	if (limit < DELIBERATE || limit > UNLIMITED >> 8 || used * 100 < limit * NEAR_PERCENT)
		return 0;
	near.limit_kind = kind;
	near.used = used;
	near.limit = limit;
	r = next_record(sizeof(*r));
	if (r)
		*r = near;
	return 0;
}

/* Sends that `used` is most of `limit`. */
static __always_inline void send_if_near(enum near_limit kind, __u64 used, __u64 limit)
{
	if (used)
		send_if_most(kind, used, limit);
}

static __always_inline __u64 pages(__u64 number)
{
	return number << (page_shift & 31);
}

/* What is charged against rlimits, where the kernel counts that. One branch for all three: removing one that this kernel does not need takes the verifier long. */
static __always_inline void read_rlimits(struct ucounts *u)
{
	__u64 array;
	__u32 width;

	if (bpf_core_field_exists(u->rlimit)) {
		array = (__u64)u + bpf_core_field_offset(u->rlimit);
		width = bpf_core_field_size(u->rlimit[0]);
		charges.processes = read_element(array, bpf_core_enum_value(enum rlimit_type, UCOUNT_RLIMIT_NPROC), width);
		charges.queue_bytes = read_element(array, bpf_core_enum_value(enum rlimit_type, UCOUNT_RLIMIT_MSGQUEUE), width);
		charges.locked_bytes = read_element(array, bpf_core_enum_value(enum rlimit_type, UCOUNT_RLIMIT_MEMLOCK), width);
	} else {
		charges.processes = charged(u, bpf_core_enum_value(enum ucount_type___rlimits, UCOUNT_RLIMIT_NPROC___old));
		charges.queue_bytes = charged(u, bpf_core_enum_value(enum ucount_type___rlimits, UCOUNT_RLIMIT_MSGQUEUE___old));
		charges.locked_bytes = charged(u, bpf_core_enum_value(enum ucount_type___rlimits, UCOUNT_RLIMIT_MEMLOCK___old));
	}
}

static __always_inline void read_charges(struct user_struct *user, struct ucounts *u)
{
	if ((__u64)u == charges.ucounts)
		return;
	charges.ucounts = (__u64)u;
	charges.uid = READ_FIELD(u, uid.val);
	charges.user_namespace = READ_FIELD(u, ns, ns.inum);
	read_rlimits(u);
	charges.kernel_locked_bytes = pages(READ_FIELD(user, locked_vm.counter));
}

/* What a user is charged for, against the limits of its process. `u` is null before 5.14. */
static __always_inline void send_near_of_user(struct task_struct *task, struct ucounts *u)
{
	struct signal_struct *signal = READ_FIELD(task, signal);
	__u64 memory = READ_FIELD(signal, rlim[RLIMIT_MEMLOCK].rlim_cur);

	read_charges(READ_FIELD(task, cred, user), u);
	near.uid = charges.uid;
	near.user_namespace = charges.user_namespace;
	/* Root of the initial user namespace is never refused (copy_process, kernel/fork.c). */
	if (charges.uid != 0 && !has_any(1ull << CAP_SYS_ADMIN | 1ull << CAP_SYS_RESOURCE))
		send_if_near(NEAR_PROCESSES, charges.processes,
			      READ_FIELD(signal, rlim[RLIMIT_NPROC].rlim_cur));
	send_if_near(NEAR_QUEUE_BYTES, charges.queue_bytes, READ_FIELD(signal, rlim[RLIMIT_MSGQUEUE].rlim_cur));
	if (has_any(1ull << CAP_IPC_LOCK))
		return;
	send_if_near(NEAR_LOCKED_BY_USER, charges.locked_bytes, memory);
	send_if_near(NEAR_LOCKED_BY_KERNEL, charges.kernel_locked_bytes, memory);
}

/* Limits of a process, which a user has as many of as processes; a kernel thread has none. */
static __always_inline void send_near(struct task_struct *task, struct ucounts *u)
{
	struct mm_struct *mm = READ_FIELD(task, mm);

	if (!mm || task->pid != task->tgid)
		return;
	near.kind = RECORD_NEAR;
	near.pid = pid_for_reader(task);
	near.uid = READ_FIELD(task, cred, uid.val);
	near.user_namespace = READ_FIELD(task, cred, user_ns, ns.inum);
	near_capabilities = capabilities(task);
	if (!has_any(1ull << CAP_IPC_LOCK))
		send_if_near(NEAR_LOCKED, pages(READ_FIELD(mm, locked_vm)),
			      READ_FIELD(task, signal, rlim[RLIMIT_MEMLOCK].rlim_cur));
	send_if_near(NEAR_MAPPINGS, READ_FIELD(mm, map_count), max_mappings);
	if (u && counts_rlimits())
		send_near_of_user(task, u);
}
