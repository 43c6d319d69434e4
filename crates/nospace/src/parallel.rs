//! Work shared out over threads, an item at a time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// More threads than this find nothing more to do in procfs.
const MAX_THREADS: usize = 8;

/// Gives every item to `each`, on as many threads as there are cores; each thread gathers in a
/// value of its own. Where no second thread can be had, this one does it all.
pub fn share_out<T: Sync, G: Default + Send>(
    items: &[T],
    each: impl Fn(&T, &mut G) + Sync,
) -> Vec<G> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    share_over(cores.min(MAX_THREADS), items, each)
}

/// As [`share_out`], for work that waits for a disk: on more threads than there are cores.
pub fn share_waiting<T: Sync, G: Default + Send>(
    items: &[T],
    each: impl Fn(&T, &mut G) + Sync,
) -> Vec<G> {
    share_over(MAX_THREADS, items, each)
}

fn share_over<T: Sync, G: Default + Send>(
    threads: usize,
    items: &[T],
    each: impl Fn(&T, &mut G) + Sync,
) -> Vec<G> {
    let next = AtomicUsize::new(0);
    let gathered = Mutex::new(Vec::new());
    let work = || {
        let mut mine = G::default();
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            each(item, &mut mine);
        }
        gathered
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(mine);
    };
    std::thread::scope(|scope| {
        for _ in 1..threads.min(items.len()) {
            let _ = std::thread::Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
    gathered
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_given_once() {
        let items: Vec<u32> = (0..10_000).collect();
        let parts = share_out(&items, |item, mine: &mut Vec<u32>| mine.push(*item));
        let mut all = parts.concat();
        all.sort_unstable();
        assert_eq!(all, items);
        assert!(
            share_out(&[], |(): &(), _: &mut Vec<()>| ())
                .concat()
                .is_empty()
        );
    }
}
