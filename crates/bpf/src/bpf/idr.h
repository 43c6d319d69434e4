/* Number of watches of a group: the entries of its idr, which assigns the watch descriptors.
 *
 * Summing xa_node.count over the leaves takes 0.3 ms for 100,000 watches; walking the list of marks takes 5.5 ms, and
 * parsing fdinfo 170 ms. */
#pragma once

#include "xarray.h"

__u64 watch_sum;

/* Visits one slot. Returns 0 when none is left. */
__noinline long count_slot(void)
{
	struct xa_level *level = deepest();
	__u64 child;

	if (!cursor.depth)
		return 0;
	if (!level->shift) {
		watch_sum += level->left;
		cursor.depth--;
		return 1;
	}
	if (level->next >= XA_SLOTS || !level->left) {
		cursor.depth--;
		return 1;
	}
	child = slot(level->node, level->next);
	level->next++;
	if (is_node(child)) {
		level->left--;
		descend(child, 0);
	}
	return 1;
}

REPEAT_IDLE(count_64_slots, 16, count_slot)
REPEAT(count_4096_slots, count_64_slots)
REPEAT(count_262144_slots, count_4096_slots)
/* 16 million nodes are a billion watches. */
REPEAT(count_all_slots, count_262144_slots)

/* `head` is that of the idr. */
static __always_inline __u64 count_watches(__u64 head)
{
	watch_sum = 0;
	cursor.depth = 0;
	if (is_node(head)) {
		descend(head, 0);
		count_all_slots();
	}
	return watch_sum;
}
