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

/* MAX_USED_MAPS, include/linux/bpf_verifier.h. */
#define MAX_USED_MAPS 64

static __always_inline bool is_published(struct bpf_map *map)
{
	static const char expected[] = PUBLISHED_SECTION;
	char name[16] = {};

	if (BPF_CORE_READ(map, map_type) != BPF_MAP_TYPE_ARRAY)
		return false;
	bpf_probe_read_kernel(name, sizeof(name), (void *)map + bpf_core_field_offset(map->name));
	for (__u32 i = 0; i < sizeof(expected); i++) {
		if (name[i] != expected[i])
			return false;
	}
	return true;
}

static __always_inline void send_published(struct bpf_map *map)
{
	struct bpf_array *array = (void *)map;
	__u32 size = BPF_CORE_READ(map, value_size);
	struct published_record *r = next_record(sizeof(*r));

	if (!r)
		return;
	if (size > PUBLISHED_MAX)
		size = PUBLISHED_MAX;
	r->kind = RECORD_PUBLISHED;
	r->map = BPF_CORE_READ(map, id);
	r->now = bpf_ktime_get_ns();
	r->size = size;
	r->reserved = 0;
	bpf_probe_read_kernel(r->value, size, (void *)array + bpf_core_field_offset(array->value));
	keep_records();
}

SEC("iter/bpf_prog")
int published(struct bpf_iter__bpf_prog *ctx)
{
	struct bpf_prog *program = ctx->prog;
	struct bpf_map **maps, *map;
	struct bpf_prog_aux *aux;
	__u32 type, count;

	if (!program)
		return 0;
	if (!has_room(sizeof(struct published_record)))
		return 1;
	type = BPF_CORE_READ(program, type);
	if (type != BPF_PROG_TYPE_TRACING && type != BPF_PROG_TYPE_LSM)
		return 0;
	aux = BPF_CORE_READ(program, aux);
	count = BPF_CORE_READ(aux, used_map_cnt);
	maps = BPF_CORE_READ(aux, used_maps);
	for (int i = 0; i < MAX_USED_MAPS && i < count; i++) {
		if (bpf_probe_read_kernel(&map, sizeof(map), &maps[i]))
			return 0;
		if (is_published(map)) {
			send_published(map);
			return 0;
		}
	}
	return 0;
}
