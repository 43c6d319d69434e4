/* Sending users: each with the creators of the user namespaces around it. */
#pragma once

#include "ucounts.h"
#include "fanotify.h"
#include "output.h"
#include "xarray.h"

/* The user whose record is next in a chain: a user, and the creators of enclosing user namespaces, which each charge counts against,
 * too. */
__u64 chain_next;
/* How many more there can be. */
__u32 chain_left;

/* Sends one link; a global function, so that the verifier checks it once. */
__noinline long send_link(void)
{
	struct user_record *r;

	if (!chain_next || !chain_left)
		return 0;
	r = next_record(sizeof(*r));
	if (!r)
		return 0;
	read_user((struct ucounts *)chain_next, r);
	chain_next = r->parent;
	chain_left--;
	return 1;
}

REPEAT_IDLE(send_links, CHAIN_FOURS, send_link)

static __always_inline void send_chain(__u64 ucounts)
{
	chain_next = ucounts;
	chain_left = MAX_CHAIN;
	send_links();
}

__noinline long send_fanotify_link(void)
{
	struct fanotify_user_record *r;

	if (!chain_next || !chain_left)
		return 0;
	r = next_record(sizeof(*r));
	if (!r)
		return 0;
	read_fanotify_user((struct ucounts *)chain_next, r);
	chain_next = r->parent;
	chain_left--;
	return 1;
}

REPEAT_IDLE(send_fanotify_links, CHAIN_FOURS, send_fanotify_link)

static __always_inline void send_fanotify_chain(__u64 ucounts)
{
	chain_next = ucounts;
	chain_left = MAX_CHAIN;
	send_fanotify_links();
}
