//! A user whose instances run out: EMFILE from inotify_init1(2).

use super::inotify;
use super::kind::Kind;
use crate::attribute::View;
use crate::report::Finding;

pub fn find(view: &View) -> Vec<Finding> {
    inotify::pressed(view, Kind::Instances, "inotify-instances")
}
