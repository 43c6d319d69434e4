//! How many more the kernel would grant: the account with the least room decides.

use super::users;
use crate::model::{InotifyResource, Snapshot, UserKey};
use crate::report::{Unseen, User};

/// How many instances or watches the kernel would grant to a (user namespace, uid) pair that starts anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// The account with the least room of those that were seen.
    pub account: UserKey,
    /// What is left of it; with anything unseen an upper bound. `None` where none was seen.
    pub most: Option<u64>,
    /// What was not seen of the accounts that can refuse.
    pub unseen: Vec<Unseen>,
}

impl Room {
    /// The room that `key` has for this need, once it has given back what it holds: a charge goes to it and to the creator of each namespace above (`inc_ucount`, kernel/ucount.c).
    #[must_use]
    pub fn of(
        snapshot: &Snapshot,
        users: &[User],
        key: UserKey,
        resource: InotifyResource,
        needed: u64,
        held: u64,
    ) -> Self {
        let mut room = Self {
            account: key,
            most: None,
            unseen: Vec::new(),
        };
        let chain = snapshot
            .inotify
            .as_ref()
            .map_or_else(|| vec![key], |inotify| users::chain(inotify, key));
        let top = chain.last().copied().unwrap_or(key);
        // Of equals the highest is named: raising the limit of those below would not help.
        for account in chain.into_iter().rev() {
            room.add(snapshot, users, (account, resource), needed, held);
        }
        if !top.is_initial() {
            room.add_unseen(Unseen::Ancestors);
        }
        room
    }

    fn add(
        &mut self,
        snapshot: &Snapshot,
        users: &[User],
        (account, resource): (UserKey, InotifyResource),
        needed: u64,
        held: u64,
    ) {
        match account_room(snapshot, users, account, resource, held) {
            Ok(free) if self.most.is_none_or(|most| free < most) => {
                self.most = Some(free);
                self.account = account;
            }
            Ok(_) => {}
            Err(unseen) => self.add_unseen(unseen),
        }
        let estimated =
            users::find(users, account).is_none_or(|user| !user.budget(resource).is_exact());
        if estimated {
            let run = snapshot.collectors.iter().find(|run| run.name == "inotify");
            let vantage = &snapshot.vantage;
            let of_run = run.and_then(|run| Unseen::of_run(run, vantage));
            of_run.into_iter().for_each(|one| self.add_unseen(one));
            if !vantage.initial_pid_namespace {
                self.add_unseen(Unseen::OtherPidNamespaces);
            }
            let limit = users::limits(snapshot, account)[resource];
            let most_used = users::most_used(users, resource);
            if account.is_initial()
                && limit.is_some_and(|limit| {
                    limit.saturating_add(held).saturating_sub(most_used) < needed
                })
            {
                self.add_unseen(Unseen::ChargedUsers);
            }
        }
    }

    fn add_unseen(&mut self, one: Unseen) {
        if !self.unseen.contains(&one) {
            self.unseen.push(one);
        }
    }
}

/// What one account has left once `held` is given back; a limit may have been lowered below what is in use.
fn account_room(
    snapshot: &Snapshot,
    users: &[User],
    account: UserKey,
    resource: InotifyResource,
    held: u64,
) -> Result<u64, Unseen> {
    let user = users::find(users, account);
    let limit = match user {
        Some(user) => user.budget(resource).limit,
        None => users::limits(snapshot, account)[resource],
    };
    let used = user.map_or(0, |user| user.budget(resource).used);
    match limit {
        Some(limit) => Ok(limit.saturating_add(held).saturating_sub(used)),
        None if account.is_initial() => Err(Unseen::Unread {
            collector: "limits".to_owned(),
            why: None,
        }),
        None => Err(Unseen::ChildLimits {
            user_namespace: account.user_namespace,
        }),
    }
}
