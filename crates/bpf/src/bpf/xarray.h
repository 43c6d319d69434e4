/* Reading the nodes of an xarray, which an idr is made of (include/linux/xarray.h). */
#pragma once

#define XA_SLOTS 64

/* xarray marks a pointer to an inner node with the low bits 10 (xa_is_node, include/linux/xarray.h). */
static __always_inline bool is_node(__u64 entry)
{
	return (entry & 3) == 2;
}

static __always_inline struct xa_node *to_node(__u64 entry)
{
	return (struct xa_node *)(entry - 2);
}

static __always_inline __u64 slot(struct xa_node *node, __u32 i)
{
	__u64 entry = 0;

	bpf_probe_read_kernel(&entry, sizeof(entry),
			      (void *)((__u64)node + bpf_core_field_offset(node->slots) + i * sizeof(entry)));
	return entry;
}
