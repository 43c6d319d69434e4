/* The kernel types that the programs read, reduced to the fields used. CO-RE finds the real offsets by name at load time;
 * a type whose layout has changed has one flavor per layout (`name___flavor`). */
#pragma once

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef short __s16;
typedef unsigned int __u32;
typedef int __s32;
typedef unsigned long long __u64;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef _Bool bool;

#define true 1
#define false 0
#define NULL ((void *)0)

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_LRU_HASH = 9,
	BPF_MAP_TYPE_RINGBUF = 27,
};

enum {
	BPF_RB_NO_WAKEUP = 1,
	BPF_RB_FORCE_WAKEUP = 2,
	BPF_RB_AVAIL_DATA = 0,
};

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

#define ANON_INODE_FS_MAGIC 0x09041934

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

typedef struct {
	__u32 val;
} kuid_t;

struct ns_common {
	__u32 inum;
};

enum ucount_type {
	UCOUNT_INOTIFY_INSTANCES,
	UCOUNT_INOTIFY_WATCHES,
	/* Since 5.13. */
	UCOUNT_FANOTIFY_GROUPS,
	UCOUNT_FANOTIFY_MARKS,
};

/* From 5.14 to 5.18, in the array of the others. */
enum ucount_type___rlimits {
	UCOUNT_RLIMIT_NPROC___old,
	UCOUNT_RLIMIT_MSGQUEUE___old,
	UCOUNT_RLIMIT_MEMLOCK___old,
};

/* Since 5.19, in an array of their own. */
enum rlimit_type {
	UCOUNT_RLIMIT_NPROC,
	UCOUNT_RLIMIT_MSGQUEUE,
	UCOUNT_RLIMIT_MEMLOCK,
};

struct user_namespace {
	struct ns_common ns;
	struct ucounts *ucounts;
	int level;
	long ucount_max[32];
};

struct ucount_cell {
	long counter;
};

struct ucounts {
	struct user_namespace *ns;
	kuid_t uid;
	struct ucount_cell ucount[32];
	struct ucount_cell rlimit[8];
};

struct percpu_counter {
	__s64 count;
};

/* epoll_watches: a percpu_counter from 5.16, an atomic_long_t before. */
struct user_struct {
	struct percpu_counter epoll_watches;
	/* Pages that io_uring, perf and AF_XDP have locked. */
	struct ucount_cell locked_vm;
	/* Descriptors sent over Unix sockets and not yet received. */
	unsigned long unix_inflight;
	kuid_t uid;
};

struct mnt_namespace {
	struct ns_common ns;
	unsigned int nr_mounts;
};

/* Before Linux 6.8. */
struct mnt_namespace___mounts {
	unsigned int mounts;
};

struct net {
	struct ns_common ns;
};

/* pid_max: since 6.14. */
struct pid_namespace {
	struct ns_common ns;
	unsigned int pid_allocated;
	int pid_max;
};

struct ipc_ids {
	int in_use;
};

/* ids: of semaphores, message queues and shared memory. Queues: with CONFIG_POSIX_MQUEUE. */
struct ipc_namespace {
	struct ipc_ids ids[3];
	int sem_ctls[4];
	int msg_ctlmni;
	int shm_ctlmni;
	struct ns_common ns;
	unsigned int mq_queues_count;
	unsigned int mq_queues_max;
};

struct uts_namespace {
	struct ns_common ns;
};

struct cgroup_namespace {
	struct ns_common ns;
};

struct time_namespace {
	struct ns_common ns;
};

/* time_ns: since Linux 5.6. */
struct nsproxy {
	struct uts_namespace *uts_ns;
	struct ipc_namespace *ipc_ns;
	struct mnt_namespace *mnt_ns;
	struct pid_namespace *pid_ns_for_children;
	struct net *net_ns;
	struct time_namespace *time_ns;
	struct cgroup_namespace *cgroup_ns;
};

struct user_struct___atomic {
	struct {
		long counter;
	} epoll_watches;
};

/* An array of two words until 6.2. */
struct kernel_cap {
	__u64 val;
};

typedef struct kernel_cap kernel_cap_t;

struct cred {
	kuid_t uid;
	kuid_t euid;
	kernel_cap_t cap_effective;
	struct ucounts *ucounts;
	struct user_struct *user;
	struct user_namespace *user_ns;
};

struct rlimit {
	unsigned long rlim_cur;
};

struct signal_struct {
	struct rlimit rlim[16];
};

/* A struct upid is its number and a pointer. */
struct upid {
	int nr;
	void *ns;
};

struct pid {
	__u32 level;
	struct upid numbers[1];
};

struct file;

struct fdtable {
	__u32 max_fds;
	struct file **fd;
	unsigned long *open_fds;
	unsigned long *full_fds_bits;
};

struct files_struct {
	struct fdtable *fdt;
};

/* Pages. */
struct mm_struct {
	int map_count;
	unsigned long locked_vm;
};

struct thread_info {
	unsigned long flags;
	__u32 status;
};

struct task_struct {
	struct thread_info thread_info;
	void *stack;
	int pid;
	int tgid;
	__u64 start_time;
	char comm[16];
	unsigned int policy;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	struct signal_struct *signal;
	struct mm_struct *mm;
	struct files_struct *files;
	struct nsproxy *nsproxy;
	const struct cred *cred;
	/* With CONFIG_VMAP_STACK. */
	void *stack_vm_area;
};

struct hlist_node {
	struct hlist_node *next, **pprev;
};

struct hlist_head {
	struct hlist_node *first;
};

struct hlist_bl_node {
	struct hlist_bl_node *next, **pprev;
};

struct super_block {
	__u32 s_dev;
	unsigned long s_magic;
	struct dentry *s_root;
};

struct fsnotify_mark_connector {
	void *obj;
	struct hlist_head list;
};

struct inode {
	__u16 i_mode;
	struct super_block *i_sb;
	unsigned long i_ino;
	__u32 i_nlink;
	struct hlist_head i_dentry;
	struct fsnotify_mark_connector *i_fsnotify_marks;
};

struct qstr {
	/* Hash of the name and its length. */
	__u64 hash_len;
	const unsigned char *name;
};

struct dentry {
	struct inode *d_inode;
	struct qstr d_name;
	struct hlist_bl_node d_hash;
	struct dentry *d_parent;
	/* A union, of which d_alias is one member. */
	struct hlist_node d_u;
};

/* Since 7.2 the union has no name. */
struct dentry___anonymous {
	struct hlist_node d_alias;
};

struct path {
	struct dentry *dentry;
};

struct file {
	const void *f_op;
	struct inode *f_inode;
	struct path f_path;
	void *private_data;
};

struct xa_node {
	unsigned char shift;
	unsigned char count;
	void *slots[64];
};

struct xarray {
	void *xa_head;
};

struct idr {
	struct xarray idr_rt;
};

struct inotify_group_private_data {
	struct idr idr;
	struct ucounts *ucounts;
};

/* Since 5.13; a user_struct before. */
struct fanotify_group_private_data {
	struct ucounts *ucounts;
};

struct fsnotify_group {
	struct inotify_group_private_data inotify_data;
	struct fanotify_group_private_data fanotify_data;
};

struct fsnotify_mark {
	struct hlist_node obj_list;
	__u32 mask;
	struct fsnotify_group *group;
	struct fsnotify_mark_connector *connector;
};

struct inotify_inode_mark {
	struct fsnotify_mark fsn_mark;
};

struct sock_common {
	unsigned short skc_family;
	/* The local port. */
	__u16 skc_num;
};

struct sock {
	struct sock_common __sk_common;
};

struct socket {
	struct sock *sk;
};

/* Only to check whether it exists; the value does not matter. */
enum bpf_func_id {
	BPF_FUNC_task_pt_regs = 175,
};

/* Has the arguments of a system call. */
struct pt_regs {
#if defined(__TARGET_ARCH_x86)
	unsigned long ax, bx, cx, dx, si, di, r10, orig_ax;
#elif defined(__TARGET_ARCH_arm64)
	unsigned long regs[31];
	unsigned long orig_x0;
	int syscallno;
#else
#error "nospace traces x86-64 and arm64"
#endif
};

#pragma clang attribute pop

/* The contexts of iterators. Their layout has not changed since 5.8, so they need no relocation, which would cost a
 * search through all types of the kernel. */
struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
	__u64 session_id;
	__u64 seq_num;
};

struct bpf_iter__task_file {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
	__u32 fd;
	struct file *file;
};

struct bpf_iter__task {
	struct bpf_iter_meta *meta;
	struct task_struct *task;
};
