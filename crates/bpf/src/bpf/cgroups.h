/* Which pod a task belongs to, by its cgroups. */
#pragma once

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct kernfs_node {
	__u64 id;
};

struct cgroup;

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
};

enum cgroup_subsys_id {
	memory_cgrp_id,
};

/* Of a task: its cgroup in each hierarchy of cgroup v1, by controller, and the one of cgroup v2. */
struct css_set {
	struct cgroup_subsys_state *subsys[16];
	struct cgroup *dfl_cgrp;
};

/* A flavor, so that the other objects need nothing of cgroups. */
struct task_struct___cgroups {
	struct css_set *cgroups;
};

#pragma clang attribute pop

/* Deeper than the cgroups of any container in a container; what lies deeper has no policy. */
#define MAX_CGROUPS 24

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, enum guard_policy);
} policies SEC(".maps");

static __always_inline struct cgroup *cgroup_of(struct task_struct *task, bool by_memory)
{
	struct css_set *set = BPF_CORE_READ((struct task_struct___cgroups *)task, cgroups);
	struct cgroup_subsys_state *css = NULL;
	__u64 at;

	if (!by_memory)
		return BPF_CORE_READ(set, dfl_cgrp);
	if (!bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id))
		return NULL;
	at = (__u64)set + bpf_core_field_offset(set->subsys) +
	     sizeof(css) * bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);
	bpf_probe_read_kernel(&css, sizeof(css), (void *)at);
	return css ? BPF_CORE_READ(css, cgroup) : NULL;
}

/* Id of the cgroup of the task's pod; 0 if it is in none, or the pod is exempt. */
static __always_inline __u64 pod_of(struct task_struct *task, bool by_memory)
{
	struct cgroup *cgroup = cgroup_of(task, by_memory);
	struct cgroup_subsys_state *parent;
	__u64 id, child = 0;
	enum guard_policy *policy;

	for (int i = 0; i < MAX_CGROUPS && cgroup; i++) {
		id = BPF_CORE_READ(cgroup, kn, id);
		policy = bpf_map_lookup_elem(&policies, &id);
		if (policy)
			return *policy == POLICY_EXEMPT ? 0 : child ? child : id;
		child = id;
		parent = BPF_CORE_READ(cgroup, self.parent);
		cgroup = parent ? BPF_CORE_READ(parent, cgroup) : NULL;
	}
	return 0;
}
