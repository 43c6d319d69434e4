//! What a single call and a summary say alike.

use nospace_core::amount::thousands;
use nospace_core::cause::Cause;
use nospace_core::model::{INITIAL_USER_NAMESPACE, InotifyResource};
use nospace_core::report::Owner;

use crate::trace::CallCount;
use crate::ui::human;

/// In place of an owner that could not be found any more.
const EXITED: &str = "exited";

/// The owner in a few words.
#[must_use]
pub fn owner(owner: Option<&Owner>) -> String {
    owner.map_or_else(|| EXITED.to_owned(), human::owner)
}

/// `inotify-instances or process-files`
#[must_use]
pub fn causes(candidates: &[Cause]) -> String {
    let codes: Vec<&str> = candidates.iter().map(|cause| cause.code()).collect();
    codes.join(" or ")
}

/// `uid 0 in user namespace 4026532200`
pub fn user(count: &CallCount) -> String {
    match count.user_namespace {
        INITIAL_USER_NAMESPACE => format!("uid {}", count.uid),
        namespace => format!("uid {} in user namespace {namespace}", count.uid),
    }
}

/// `128/128 instances`
#[must_use]
pub fn usage(count: &CallCount) -> String {
    let of = match count.of {
        InotifyResource::Instances => "instances",
        InotifyResource::Watches => "watches",
    };
    format!("{}/{} {of}", thousands(count.used), thousands(count.limit))
}
