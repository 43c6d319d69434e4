/* What users are charged for fanotify groups and their marks. */
#pragma once

#include "ucounts.h"

static __always_inline bool counts_fanotify(void)
{
	return bpf_core_enum_value_exists(enum ucount_type, UCOUNT_FANOTIFY_GROUPS);
}

static __always_inline bool is_charged_for_fanotify(struct ucounts *u)
{
	return counts_fanotify() && (charged(u, bpf_core_enum_value(enum ucount_type, UCOUNT_FANOTIFY_GROUPS)) ||
				     charged(u, bpf_core_enum_value(enum ucount_type, UCOUNT_FANOTIFY_MARKS)));
}

static __always_inline void read_fanotify_user(struct ucounts *u, struct fanotify_user_record *r)
{
	struct user_namespace *ns = READ_FIELD(u, ns);
	__u32 groups, marks;

	if (!counts_fanotify())
		return;
	groups = bpf_core_enum_value(enum ucount_type, UCOUNT_FANOTIFY_GROUPS);
	marks = bpf_core_enum_value(enum ucount_type, UCOUNT_FANOTIFY_MARKS);
	r->kind = RECORD_FANOTIFY_USER;
	r->uid = READ_FIELD(u, uid.val);
	r->ucounts = (__u64)u;
	r->parent = (__u64)READ_FIELD(ns, ucounts);
	r->user_namespace = READ_FIELD(ns, ns.inum);
	r->groups = charged(u, groups);
	r->marks = charged(u, marks);
	r->max_groups = allowed(ns, groups);
	r->max_marks = allowed(ns, marks);
}
