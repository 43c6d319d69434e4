//! What `trace` shows people: calls as they come, and what they sum up to.

mod call;
mod summary;

pub use call::call;
pub use summary::summary;

use nospace_core::cause::Cause;
use nospace_core::model::INITIAL_USER_NAMESPACE;
use nospace_core::report::Owner;

use super::human;
use crate::trace::{CallCount, Counted};

/// In place of an owner that nobody could tell.
const GONE: &str = "gone";

fn whose(owner: Option<&Owner>) -> String {
    owner.map_or_else(|| GONE.to_owned(), human::owner)
}

/// `inotify-instances or process-files`
fn causes(candidates: &[Cause]) -> String {
    let codes: Vec<&str> = candidates.iter().map(|cause| cause.code()).collect();
    codes.join(" or ")
}

/// `128/128 instances of uid 0`
fn count(count: &CallCount) -> String {
    let of = match count.of {
        Counted::Instances => "instances",
        Counted::Watches => "watches",
    };
    let mut text = format!("{}/{} {of} of uid {}", count.used, count.limit, count.uid);
    if count.user_namespace != INITIAL_USER_NAMESPACE {
        text += &format!(" in user namespace {}", count.user_namespace);
    }
    text
}
