/* Where an iterator's program leaves its records: memory that it shares with the reader, who empties it after each read of the iterator.
 *
 * The kernel's own buffer will not do: it drops all that a task has written when that is too much, or when the program asks to
 * be called for the task again. */
#pragma once

#define OUTPUT_SIZE (1 << 16)
/* More than one task takes, its descriptors aside: two chains of users, and some small records. */
#define TASK_ROOM 8192
/* More than one visit to a table takes, its groups aside: the records of two processes. */
#define TABLE_ROOM 256
/* More than one descriptor takes: a chain of users, and a small record. */
#define DESCRIPTOR_ROOM 4096

struct output {
	/* Bytes of complete records. */
	__u32 length;
	/* End of those that are being written, and are dropped if what they are about turns out to be gone. */
	__u32 end;
	/* Each record at a multiple of 8. */
	__u8 bytes[OUTPUT_SIZE] __attribute__((aligned(8)));
} output;

/* Memory for one more record. Null only where fewer bytes are left than the caller has made sure of. */
static __always_inline void *next_record(__u32 size)
{
	__u64 end = output.end;

	if (end > OUTPUT_SIZE - size)
		return NULL;
	output.end = end + size;
	return &output.bytes[end];
}

static __always_inline bool has_room(__u32 size)
{
	return output.end <= OUTPUT_SIZE - size;
}

static __always_inline void keep_records(void)
{
	output.length = output.end;
}

static __always_inline void drop_records(void)
{
	output.end = output.length;
}

#define send_record(type, ...)                             \
	({                                                 \
		struct type *__r = next_record(sizeof(*__r)); \
		if (__r)                                   \
			*__r = (struct type){ __VA_ARGS__ }; \
	})
