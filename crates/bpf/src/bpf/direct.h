/* Reading the kernel's memory.
 *
 * bpf_rdonly_cast (Linux 6.2; used on arm64 from 6.9 on, btf/casts.rs) makes the verifier take an address for that of one of the kernel's
 * types. A load from a wrong one gives 0, as bpf_probe_read_kernel does, which takes ten times as long, and twice as many instructions. So
 * accounting_direct.bpf.c and tables_direct.bpf.c are compiled with DIRECT. Each read casts anew, and the compiler takes that for a call that
 * may change memory: it neither merges two reads nor moves one over another.
 *
 * Two objects and no branch: to remove the half of the code that this kernel does not need takes the verifier longer than all that is saved. */
#pragma once

#ifdef DIRECT

/* The loader replaces calls of this helper, which does not exist, and numbers that stand for types (btf/casts.rs). */
static void *(*const rdonly_cast)(const void *, __u32) = (void *)0x7e57;

#define TYPE(position) (0x7e570000 + (position))
/* A type with unions is left to the helper: the verifier takes the first of their members. */
#define TYPE_OF(pointer)                           \
	_Generic((pointer),                        \
		struct task_struct *: TYPE(0),     \
		struct cred *: TYPE(1),            \
		const struct cred *: TYPE(1),      \
		struct user_struct *: TYPE(2),     \
		struct user_namespace *: TYPE(3),  \
		struct ucounts *: TYPE(4),         \
		struct signal_struct *: TYPE(5),   \
		struct mm_struct *: TYPE(6),       \
		struct nsproxy *: TYPE(7),         \
		struct files_struct *: TYPE(8),    \
		struct fdtable *: TYPE(9),         \
		struct file *: TYPE(10),           \
		struct pid *: TYPE(11),            \
		default: 0)

/* The field at the end of a chain of pointers: READ_FIELD(task, cred, uid.val). */
#define READ_FIELD(pointer, ...)                                                                        \
	({                                                                                              \
		typeof(pointer) __from = (pointer);                                                     \
		TYPE_OF(__from) ? ___arrow(((typeof(__from))rdonly_cast(__from, TYPE_OF(__from))), __VA_ARGS__) \
				: BPF_CORE_READ(__from, __VA_ARGS__);                                   \
	})

/* The address in a pointer, to calculate with, which the verifier does not allow with a pointer: in memory it is a number. */
static __always_inline __u64 address_of(const void *pointer)
{
	volatile static __u64 address;

	address = (__u64)pointer;
	return address;
}

#else

#define READ_FIELD BPF_CORE_READ
#define address_of(pointer) ((__u64)(pointer))

#endif
