//! Which descriptors lead to the same open file, asked in pairs.

use std::cmp::Ordering;

use nospace_core::model::Descriptor;

use super::{ReadError, ReadResult};

/// Numbers the open files behind `descriptors`, by comparing each with those already numbered:
/// n·log n questions. A descriptor that goes away meanwhile gets `None`.
///
/// # Errors
///
/// [`ReadError::Denied`] or [`ReadError::Failed`] as soon as `compare` says so.
pub fn number_files(
    descriptors: &[Descriptor],
    compare: impl Fn(Descriptor, Descriptor) -> ReadResult<Ordering>,
) -> ReadResult<Vec<Option<u32>>> {
    let mut files = Files {
        sorted: Vec::new(),
        known: Vec::new(),
        compare,
    };
    for &descriptor in descriptors {
        files.add(descriptor)?;
    }
    let mut numbers = vec![None; descriptors.len()];
    for (number, known) in (0..).zip(files.known) {
        for descriptor in known {
            if let Ok(place) = descriptors.binary_search(&descriptor) {
                numbers[place] = Some(number);
            }
        }
    }
    Ok(numbers)
}

/// Open files, by number and in the order of `compare`.
struct Files<C> {
    /// Numbers, in that order.
    sorted: Vec<usize>,
    /// Descriptors of each; the last one speaks for it.
    known: Vec<Vec<Descriptor>>,
    compare: C,
}

impl<C: Fn(Descriptor, Descriptor) -> ReadResult<Ordering>> Files<C> {
    fn add(&mut self, descriptor: Descriptor) -> ReadResult<()> {
        if !self.lives(descriptor)? {
            return Ok(());
        }
        let (mut low, mut high) = (0, self.sorted.len());
        while low < high {
            let middle = low + (high - low) / 2;
            match self.order(middle, descriptor)? {
                Some(Ordering::Equal) => {
                    self.known[self.sorted[middle]].push(descriptor);
                    return Ok(());
                }
                Some(Ordering::Less) => low = middle + 1,
                Some(Ordering::Greater) => high = middle,
                // The one or the other went away; what is left is in order still.
                None if !self.lives(descriptor)? => return Ok(()),
                None => high = high.min(self.sorted.len()),
            }
        }
        self.sorted.insert(low, self.known.len());
        self.known.push(vec![descriptor]);
        Ok(())
    }

    /// Order of the file at `place` and of `descriptor`'s; `None` when it cannot be told, and
    /// then the file is dropped if nobody is left to speak for it.
    fn order(&mut self, place: usize, descriptor: Descriptor) -> ReadResult<Option<Ordering>> {
        let file = self.sorted[place];
        while let Some(&speaker) = self.known[file].last() {
            match (self.compare)(speaker, descriptor) {
                Ok(order) => return Ok(Some(order)),
                Err(ReadError::Gone) if self.lives(speaker)? => return Ok(None),
                Err(ReadError::Gone) => self.known[file].pop(),
                Err(other) => return Err(other),
            };
        }
        self.sorted.remove(place);
        Ok(None)
    }

    fn lives(&self, descriptor: Descriptor) -> ReadResult<bool> {
        match (self.compare)(descriptor, descriptor) {
            Ok(_) => Ok(true),
            Err(ReadError::Gone) => Ok(false),
            Err(other) => Err(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn descriptor(pid: usize) -> Descriptor {
        Descriptor {
            pid: u32::try_from(pid).unwrap(),
            fd: 3,
        }
    }

    proptest! {
        #[test]
        fn same_number_means_same_file(files in prop::collection::vec(0_u8..20, 0..60)) {
            let all: Vec<_> = (0..files.len()).map(descriptor).collect();
            let numbers = number_files(&all, |a, b| {
                Ok(files[a.pid as usize].cmp(&files[b.pid as usize]))
            }).unwrap();
            let mut seen = BTreeMap::new();
            for (file, number) in files.iter().zip(numbers) {
                prop_assert_eq!(*seen.entry(*file).or_insert(number), number);
            }
            let distinct: std::collections::BTreeSet<_> = seen.values().collect();
            prop_assert_eq!(distinct.len(), seen.len());
        }

        /// Descriptors vanish at any question; the search ends and the living keep their numbers apart.
        #[test]
        fn vanishing_descriptors_do_no_harm(
            files in prop::collection::vec(0_u8..6, 0..40),
            dying in prop::collection::vec(any::<bool>(), 4000),
        ) {
            let all: Vec<_> = (0..files.len()).map(descriptor).collect();
            let gone = std::cell::RefCell::new(vec![false; files.len()]);
            let question = std::cell::Cell::new(0_usize);
            let numbers = number_files(&all, |a, b| {
                question.set(question.get() + 1);
                let mut gone = gone.borrow_mut();
                if question.get().is_multiple_of(7) && dying[question.get() % dying.len()] {
                    gone[a.pid as usize] = true;
                }
                if gone[a.pid as usize] || gone[b.pid as usize] {
                    return Err(ReadError::Gone);
                }
                Ok(files[a.pid as usize].cmp(&files[b.pid as usize]))
            }).unwrap();
            for (a, first) in numbers.iter().enumerate() {
                for (b, second) in numbers.iter().enumerate() {
                    if first.is_some() && first == second {
                        prop_assert_eq!(files[a], files[b]);
                    }
                }
            }
        }
    }

    #[test]
    fn a_refusal_ends_the_search() {
        let refused = number_files(&[descriptor(1)], |_, _| Err(ReadError::Denied));
        assert_eq!(refused, Err(ReadError::Denied));
    }
}
