//! A user whose watches run out: ENOSPC from inotify_add_watch(2).

use super::inotify;
use super::kind::Kind;
use crate::attribute::View;
use crate::report::Finding;

pub fn find(view: &View) -> Vec<Finding> {
    inotify::pressed(view, Kind::Watches, "inotify-watches")
}
