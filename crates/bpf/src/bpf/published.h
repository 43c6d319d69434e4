/* Guards at work: what the maps of their programs say (struct guard_published).
 *
 * Programs are looked through, not maps: to load one of these types takes CAP_BPF and CAP_PERFMON, so that a pod cannot pose as a guard.
 * The links of a guard are not pinned, so that its programs are gone with its process. */
#pragma once

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct bpf_map {
	char name[16];
	__u32 id;
	__u32 value_size;
	enum bpf_map_type map_type;
};

struct bpf_array {
	char value[0];
};

struct bpf_prog_aux {
	__u32 used_map_cnt;
	struct bpf_map **used_maps;
};

enum bpf_prog_type {
	BPF_PROG_TYPE_TRACING = 26,
	BPF_PROG_TYPE_LSM = 29,
};

struct bpf_prog {
	enum bpf_prog_type type;
	struct bpf_prog_aux *aux;
};

struct bpf_iter__bpf_prog {
	struct bpf_iter_meta *meta;
	struct bpf_prog *prog;
};

#pragma clang attribute pop

/* Where the walk over the maps of a program is. */
struct {
	struct bpf_map **next;
	__u32 left;
} maps;

static __always_inline bool is_published(struct bpf_map *map)
{
	static const union {
		char text[16];
		__u64 words[2];
	} expected = {.text = PUBLISHED_SECTION};
	__u64 name[2] = {};

	if (READ_FIELD(map, map_type) != BPF_MAP_TYPE_ARRAY)
		return false;
	bpf_probe_read_kernel(name, sizeof(name), (void *)map + bpf_core_field_offset(map->name));
	return name[0] == expected.words[0] && name[1] == expected.words[1];
}

static __always_inline void send_published(struct bpf_map *map)
{
	struct bpf_array *array = (void *)map;
	__u32 size = READ_FIELD(map, value_size);
	struct published_record *r = next_record(sizeof(*r));

	if (!r)
		return;
	if (size > PUBLISHED_MAX)
		size = PUBLISHED_MAX;
	r->kind = RECORD_PUBLISHED;
	r->map = READ_FIELD(map, id);
	r->now = bpf_ktime_get_ns();
	r->size = size;
	r->reserved = 0;
	bpf_probe_read_kernel(r->value, size, (void *)array + bpf_core_field_offset(array->value));
	keep_records();
}

/* Looks at one map. Returns 0 when no more are to be looked at. A global function, so that the verifier checks it once. */
__noinline long look_at_map(void)
{
	struct bpf_map *map;

	if (!maps.left || bpf_probe_read_kernel(&map, sizeof(map), maps.next))
		return 0;
	maps.left--;
	maps.next++;
	if (!is_published(map))
		return 1;
	send_published(map);
	return 0;
}

/* MAX_USED_MAPS is 64 (include/linux/bpf_verifier.h). */
REPEAT(look_at_64_maps, look_at_map)

SEC("iter/bpf_prog")
int published(struct bpf_iter__bpf_prog *ctx)
{
	struct bpf_prog *program = ctx->prog;
	struct bpf_prog_aux *aux;
	__u32 type;

	if (!program)
		return 0;
	if (!has_room(sizeof(struct published_record)))
		return 1;
	type = READ_FIELD(program, type);
	if (type != BPF_PROG_TYPE_TRACING && type != BPF_PROG_TYPE_LSM)
		return 0;
	aux = READ_FIELD(program, aux);
	maps.left = READ_FIELD(aux, used_map_cnt);
	maps.next = READ_FIELD(aux, used_maps);
	look_at_64_maps();
	return 0;
}
