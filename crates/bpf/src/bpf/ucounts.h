/* A user's inotify counters and limits in `struct ucounts` (kernel/ucount.c). */
#pragma once

/* A user, and the creators of the user namespaces around it: the deepest of these has level 33, the initial one 0
 * (kernel/user_namespace.c). */
#define MAX_CHAIN 34
/* As many, in fours. */
#define CHAIN_FOURS 9

/* An element of ucount[] or ucount_max[]: int before 5.14, long since. */
static __always_inline __u64 read_element(__u64 array, __u32 index, __u32 width)
{
	__u64 element = 0;

	bpf_probe_read_kernel(&element, width, (void *)(array + index * width));
	return element;
}

static __always_inline __u64 charged(struct ucounts *u, __u32 type)
{
	return read_element((__u64)u + bpf_core_field_offset(u->ucount), type, bpf_core_field_size(u->ucount[0]));
}

static __always_inline __u64 allowed(struct user_namespace *ns, __u32 type)
{
	return read_element((__u64)ns + bpf_core_field_offset(ns->ucount_max), type,
			 bpf_core_field_size(ns->ucount_max[0]));
}

static __always_inline void read_user(struct ucounts *u, struct user_record *r)
{
	__u32 instances = bpf_core_enum_value(enum ucount_type, UCOUNT_INOTIFY_INSTANCES);
	__u32 watches = bpf_core_enum_value(enum ucount_type, UCOUNT_INOTIFY_WATCHES);
	struct user_namespace *ns = READ_FIELD(u, ns);

	r->kind = RECORD_USER;
	r->uid = READ_FIELD(u, uid.val);
	r->ucounts = (__u64)u;
	r->parent = (__u64)READ_FIELD(ns, ucounts);
	r->user_namespace = READ_FIELD(ns, ns.inum);
	r->instances = charged(u, instances);
	r->watches = charged(u, watches);
	r->max_instances = allowed(ns, instances);
	r->max_watches = allowed(ns, watches);
}

static __always_inline bool is_charged_for_inotify(struct ucounts *u)
{
	return charged(u, bpf_core_enum_value(enum ucount_type, UCOUNT_INOTIFY_INSTANCES)) ||
	       charged(u, bpf_core_enum_value(enum ucount_type, UCOUNT_INOTIFY_WATCHES));
}
