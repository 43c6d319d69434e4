/* Walking the nodes of an xarray, which an idr consists of (include/linux/xarray.h).
 *
 * 5.10 has no bpf_loop, and its verifier simulates every iteration of a loop. So a walk is one global function that takes
 * a step and keeps its position in memory, and more global functions that repeat it. The verifier checks each function
 * once, and each loop of 64 calls: a tenth of the cost of nested loops, and verification is most of the load time. */
#pragma once

#define XA_SLOTS 64
/* Indices have 31 bits and a node resolves 6: six levels, counted from 1. */
#define XA_LEVELS 8

/* A node on the path from the root. */
struct xa_level {
	__u64 node;
	/* The first index below it. */
	__u32 base;
	__u32 shift;
	/* The next slot to visit. */
	__u32 next;
	/* Entries not visited yet. */
	__u32 left;
};

struct {
	struct xa_level levels[XA_LEVELS];
	/* 0: the walk has ended. */
	__u32 depth;
	/* Indices below this one are skipped. */
	__u32 from;
} cursor;

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

/* Continues below the inner node `entry`. */
static __always_inline void descend(__u64 entry, __u32 base)
{
	struct xa_node *node = to_node(entry);
	__u32 depth = cursor.depth + 1;
	struct xa_level *level;

	if (depth >= XA_LEVELS)
		return;
	barrier_var(depth);
	level = &cursor.levels[depth & (XA_LEVELS - 1)];
	level->node = (__u64)node;
	level->base = base;
	level->shift = READ_FIELD(node, shift) & 31;
	level->next = cursor.from > base ? (cursor.from - base) >> level->shift : 0;
	level->left = READ_FIELD(node, count);
	cursor.depth = depth;
}

static __always_inline struct xa_level *deepest(void)
{
	return &cursor.levels[cursor.depth & (XA_LEVELS - 1)];
}

/* Calls `step` up to four times `fours`, which REPEAT has as 64; returns 0 as soon as `step` does. The verifier goes through every call: written this way, each costs it 3 instructions; in a
 * plain loop with an int, 12. With more than 4 calls in a row it would take longer, since it follows all paths of calls to see how deep they go. */
#define FOUR_TIMES(step) (step() && step() && step() && step())
#define REPEAT_FOURS(name, fours, step)                 \
	__noinline long name(void)                      \
	{                                               \
		_Pragma("nounroll")                     \
		for (long i = 0; i < (fours); i++)      \
			if (!FOUR_TIMES(step))          \
				return 0;               \
		return 1;                               \
	}
#define REPEAT(name, step) REPEAT_FOURS(name, 16, step)

/* The same for a step that does nothing once it has returned 0: it is called up to three more times, and the verifier has a quarter of the branches to follow. */
#define REPEAT_IDLE(name, fours, step)                  \
	__noinline long name(void)                      \
	{                                               \
		_Pragma("nounroll")                     \
		for (long i = 0; i < (fours); i++) {    \
			step();                         \
			step();                         \
			step();                         \
			if (!step())                    \
				return 0;               \
		}                                       \
		return 1;                               \
	}
