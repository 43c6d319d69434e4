use std::io;

use nospace_core::fleet::MorePods;
use nospace_core::matter::Matter;
use nospace_core::model::InotifyResource;
use nospace_core::report::Report;
use serde::Serialize;

use super::{Part, json};
use crate::ui::screen::Screen;
use crate::ui::{Page, human};

/// What a command has to say, as each format needs it.
pub trait Document {
    /// For people.
    fn page(&self, screen: &Screen) -> Page;

    /// As JSON.
    ///
    /// # Errors
    ///
    /// It has no JSON form, or `out` fails.
    fn json(&self, part: Part, out: &mut dyn io::Write) -> io::Result<()>;

    /// The report of `check`, for the formats that print nothing else.
    fn check(&self) -> Option<&Check<'_>> {
        None
    }
}

/// `value`, which `draw` draws for people.
pub fn document<T: Serialize>(value: &T, draw: impl Fn(&Screen) -> Page) -> impl Document {
    Drawing { value, draw }
}

struct Drawing<'a, T, F> {
    value: &'a T,
    draw: F,
}

impl<T: Serialize, F: Fn(&Screen) -> Page> Document for Drawing<'_, T, F> {
    fn page(&self, screen: &Screen) -> Page {
        (self.draw)(screen)
    }

    fn json(&self, part: Part, out: &mut dyn io::Write) -> io::Result<()> {
        json::write(self.value, part, out)
    }
}

/// The report of `check`, with what was asked of it.
#[derive(Clone, Copy, Debug)]
pub struct Check<'a> {
    /// The report.
    pub report: &'a Report,
    /// What the node was judged by; nothing means by everything.
    pub only: &'a [Matter],
    /// Holders of each kind to show at most.
    pub top: Option<usize>,
    /// What holders are sorted by.
    pub order: InotifyResource,
    /// All resources, collectors and evidence.
    pub verbose: bool,
    /// How many more pods fit, where that is known.
    pub more_pods: Option<MorePods>,
}

impl Document for Check<'_> {
    fn page(&self, screen: &Screen) -> Page {
        let options = human::Options {
            screen: *screen,
            top: self.top,
            order: self.order,
            verbose: self.verbose,
        };
        human::draw(self.report, &options)
    }

    fn json(&self, part: Part, out: &mut dyn io::Write) -> io::Result<()> {
        json::write(self.report, part, out)
    }

    fn check(&self) -> Option<&Check<'_>> {
        Some(self)
    }
}
