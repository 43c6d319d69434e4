/* The kernel's own accounting of inotify and fanotify: what is open.
 *
 * Hook: iter/task, which visits every thread. Its file table has the instances and fanotify groups (table.h), also that of a thread that
 * called unshare(CLONE_FILES). An object apart from accounting.bpf.c, so that the kernel checks both at once, and both run at once.
 * Needs, and without: as accounting.bpf.c. */
#include "kernel.h"
#include "direct.h"
#include "records.h"
#include "instance.h"
#include "pids.h"
#include "users.h"
#include "idr.h"
#include "table.h"

char LICENSE[] SEC("license") = "Dual MIT/GPL";

__u64 session;

static __always_inline void begin_session(__u64 id)
{
	session = id;
	set_reader_level();
	last_instance_ucounts = 0;
	table.files = 0;
	table.unfinished = false;
}

SEC("iter/task")
int tables(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;

	if (ctx->meta->session_id != session)
		begin_session(ctx->meta->session_id);
	if (!task) {
		end_table();
		return 0;
	}
	if (!has_room(TABLE_ROOM))
		return 1;
	if (!is_resumed(task)) {
		end_table();
		if (!begin_table(task))
			return 0;
	}
	return !visit_table();
}
