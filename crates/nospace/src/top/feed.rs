use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use super::update::{Request, Update};

/// What `top` shows: a node, or a recording of one.
pub trait Feed: Send + 'static {
    /// How long until [`Feed::step`] is due; `None` where nothing comes unasked.
    fn rest(&self) -> Option<Duration>;

    /// What came in meanwhile.
    fn step(&mut self) -> Vec<Update>;

    /// Does what is asked for, all at once.
    fn answer(&mut self, requests: Vec<Request>) -> Vec<Update>;
}

/// Steps and answers until nobody listens any more.
pub fn run(feed: &mut dyn Feed, requests: &Receiver<Request>, updates: &Sender<Update>) {
    loop {
        let asked = match feed.rest() {
            Some(rest) => requests.recv_timeout(rest),
            None => requests.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        let came = match asked {
            // Held keys ask faster than a recording can be read.
            Ok(first) => feed.answer([first].into_iter().chain(requests.try_iter()).collect()),
            Err(RecvTimeoutError::Timeout) => feed.step(),
            Err(RecvTimeoutError::Disconnected) => return,
        };
        for update in came {
            if updates.send(update).is_err() {
                return;
            }
        }
    }
}
