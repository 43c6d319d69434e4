/* Reading the kernel's memory with plain loads.
 *
 * bpf_rdonly_cast (Linux 6.2) makes the verifier take an address for that of one of the kernel's types. A load from a wrong one gives 0, as
 * bpf_probe_read_kernel does, which takes ten times as long. Each read casts anew, and the compiler takes that for a call that may change
 * memory: it neither merges two reads nor moves one over another. */
#pragma once

/* No helper has this number: the loader replaces its calls (btf/casts.rs). Where it cannot, all ids are 0, and the verifier never comes to them. */
static void *(*const rdonly_cast)(const void *, __u32) = (void *)0x7e57;

/* BTF ids of the kernel's types, set before loading. */
const volatile struct type_ids {
	__u32 task_struct;
	__u32 cred;
	__u32 user_struct;
	__u32 user_namespace;
	__u32 ucounts;
	__u32 signal_struct;
	__u32 mm_struct;
	__u32 nsproxy;
	__u32 files_struct;
	__u32 fdtable;
	__u32 file;
	__u32 pid;
} type_ids;

#define TYPE_ID(pointer)                                          \
	_Generic((pointer),                                       \
		struct task_struct *: type_ids.task_struct,       \
		struct cred *: type_ids.cred,                     \
		const struct cred *: type_ids.cred,               \
		struct user_struct *: type_ids.user_struct,       \
		struct user_namespace *: type_ids.user_namespace, \
		struct ucounts *: type_ids.ucounts,               \
		struct signal_struct *: type_ids.signal_struct,   \
		struct mm_struct *: type_ids.mm_struct,           \
		struct nsproxy *: type_ids.nsproxy,               \
		struct files_struct *: type_ids.files_struct,     \
		struct fdtable *: type_ids.fdtable,               \
		struct file *: type_ids.file,                     \
		struct pid *: type_ids.pid,                       \
		default: 0)

/* The field at the end of a chain of pointers: READ_FIELD(task, cred, uid.val). A type that has no id, as those with unions, is read by the helper. */
#define READ_FIELD(pointer, ...)                                                                              \
	({                                                                                              \
		typeof(pointer) __from = (pointer);                                                     \
		__u32 __id = TYPE_ID(__from);                                                           \
		__id ? ___arrow(((typeof(__from))rdonly_cast(__from, __id)), __VA_ARGS__) : BPF_CORE_READ(__from, __VA_ARGS__); \
	})

/* The address in a pointer, to calculate with, which the verifier does not allow with a pointer: in memory it is a number. */
static __always_inline __u64 address_of(const void *pointer)
{
	volatile static __u64 address;

	address = (__u64)pointer;
	return address;
}
