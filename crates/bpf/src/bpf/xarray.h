/* Reading the nodes of an xarray, which an idr is made of (include/linux/xarray.h).
 *
 * 5.10 has no bpf_loop, and a verifier that goes through a loop as often as it may run. So a walk is one global function
 * that takes a step, and keeps its way in memory; more global functions repeat it. The verifier looks at each once, or
 * at a call 64 times: that is a tenth of what nested loops cost, and loading costs more than all else. */
#pragma once

#define XA_SLOTS 64
/* Numbers have 31 bits, a node resolves 6: six levels, the first of them 1. */
#define XA_LEVELS 8

/* A node on the way from the root. */
struct xa_level {
	__u64 node;
	/* The first number below it. */
	__u32 base;
	__u32 shift;
	/* The slot whose turn it is. */
	__u32 next;
	/* Entries that were not met yet. */
	__u32 left;
};

struct {
	struct xa_level levels[XA_LEVELS];
	/* 0: the walk is over. */
	__u32 depth;
	/* Numbers below this one are passed over. */
	__u32 from;
} way;

/* xarray marks a pointer to an inner node with the low bits 10 (xa_is_node, include/linux/xarray.h). */
static __always_inline bool is_node(__u64 entry)
{
	return (entry & 3) == 2;
}

static __always_inline struct xa_node *to_node(__u64 entry)
{
	return (struct xa_node *)(entry - 2);
}

static __always_inline __u64 slot(__u64 node, __u32 i)
{
	__u64 entry = 0;

	bpf_probe_read_kernel(&entry, sizeof(entry),
			      (void *)(node + bpf_core_field_offset(struct xa_node, slots) + i * sizeof(entry)));
	return entry;
}

/* Goes on below the inner node `entry`. */
static __always_inline void descend(__u64 entry, __u32 base)
{
	struct xa_node *node = to_node(entry);
	__u32 depth = way.depth + 1;
	struct xa_level *level;

	if (depth >= XA_LEVELS)
		return;
	barrier_var(depth);
	level = &way.levels[depth & (XA_LEVELS - 1)];
	level->node = (__u64)node;
	level->base = base;
	level->shift = BPF_CORE_READ(node, shift) & 31;
	level->next = way.from > base ? (way.from - base) >> level->shift : 0;
	level->left = BPF_CORE_READ(node, count);
	way.depth = depth;
}

static __always_inline struct xa_level *deepest(void)
{
	return &way.levels[way.depth & (XA_LEVELS - 1)];
}

/* Does `step` up to 64 times, until it returns 0; then returns that. */
#define REPEAT(name, step)                              \
	__noinline int name(void)               \
	{                                               \
		for (int i = 0; i < 64; i++)            \
			if (!step())                   \
				return 0;               \
		return 1;                               \
	}
