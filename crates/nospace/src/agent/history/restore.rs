use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Seek as _};

use jiff::Timestamp;
use nospace_core::history::{Recent, SlotRecord, TrackName};

use super::clock::Clock;
use super::lines::{Line, read};

/// Names that a file may have: an agent writes one for each budget or workload that it begins to follow.
const MAX_NAMES: usize = 10_000;
/// Bytes of one: an agent follows nothing with a longer one.
const MAX_NAME: usize = 1024;

/// Slots of one boot.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Segment {
    boot: String,
    first: i64,
    last: i64,
    /// The time of day at the last slot.
    wall: i64,
}

/// Puts what the file has into `recent`, by the clock of this boot.
///
/// # Errors
///
/// In words, what is damaged; what comes before that is in `recent`.
pub fn restore(file: &File, boot: &str, clock: &Clock, recent: &mut Recent) -> Result<(), String> {
    let mut segments: Vec<Segment> = Vec::new();
    let checked = read(BufReader::new(file), &mut |line| match line {
        Line::Boot(boot) => segments.push(Segment {
            boot,
            first: i64::MAX,
            last: i64::MIN,
            wall: i64::MIN,
        }),
        Line::Slot { wall, slot } => {
            if let Some(segment) = segments.last_mut() {
                segment.first = segment.first.min(slot.first);
                segment.last = segment.last.max(slot.last);
                segment.wall = wall;
            }
        }
        Line::Format(_) | Line::Name { .. } => {}
    });
    let shifts = shifts(&segments, boot, clock);
    let mut file = file;
    file.rewind()
        .map_err(|error| format!("cannot be read again: {error}"))?;
    let mut names: BTreeMap<u32, TrackName> = BTreeMap::new();
    let mut segment: Option<usize> = None;
    // A slot counts once the next one is another.
    let mut pending: Option<SlotRecord> = None;
    let read_again = read(BufReader::new(file), &mut |line| match line {
        Line::Boot(_) => segment = Some(segment.map_or(0, |number| number + 1)),
        Line::Name { id, name } => {
            if names.len() < MAX_NAMES && length(&name) <= MAX_NAME {
                names.insert(id, name);
            }
        }
        Line::Slot { mut slot, .. } => {
            let shift = segment.and_then(|number| shifts.get(number)).copied();
            slot.first = slot.first.saturating_add(shift.unwrap_or(0));
            slot.last = slot.last.saturating_add(shift.unwrap_or(0));
            let is_same =
                |old: &mut SlotRecord| old.first == slot.first && old.starts == slot.starts;
            if let Some(done) = pending.take_if(|old| !is_same(old)) {
                recent.put(done, &names);
            }
            pending = Some(slot);
        }
        Line::Format(_) => {}
    });
    if let Some(last) = pending.filter(|slot| slot.last <= clock.at) {
        recent.put(last, &names);
    }
    checked.and(read_again)
}

fn length(name: &TrackName) -> usize {
    match name {
        TrackName::Budget(key) => key.subject.to_string().len() + key.unit.len(),
        TrackName::Workload(workload) => workload.namespace.len() + workload.name.len(),
    }
}

/// Milliseconds to add to the times of each segment. Those of this boot are right. Those of an earlier one are as long ago as the time of
/// day says, but at least before this boot, and before the segment that follows.
fn shifts(segments: &[Segment], boot: &str, clock: &Clock) -> Vec<i64> {
    let mut shifts = vec![0; segments.len()];
    let mut before = clock.at;
    for (segment, shift) in segments.iter().zip(&mut shifts).rev() {
        if segment.last < segment.first {
            continue;
        }
        if segment.boot != boot {
            before = before.min(0);
        }
        let last = match segment.boot == boot {
            true => segment.last,
            false => match Timestamp::from_millisecond(segment.wall) {
                Ok(wall) => clock.at(wall),
                Err(_) => before,
            },
        };
        *shift = last.min(before).saturating_sub(segment.last);
        before = segment.first.saturating_add(*shift).saturating_sub(1);
    }
    shifts
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Clock = Clock {
        at: 100_000,
        wall: Timestamp::constant(1_800_000_000, 0),
    };

    fn segment(boot: &str, first: i64, last: i64, ago: i64) -> Segment {
        Segment {
            boot: boot.to_owned(),
            first,
            last,
            wall: NOW.wall.as_millisecond() - ago,
        }
    }

    /// Begin and end of each segment by the clock of this boot.
    fn moved(segments: &[Segment]) -> Vec<(i64, i64)> {
        let shifts = shifts(segments, "this", &NOW);
        let moved = segments.iter().zip(shifts);
        moved.map(|(s, by)| (s.first + by, s.last + by)).collect()
    }

    #[test]
    fn what_is_of_this_boot_stays_and_earlier_boots_come_before() {
        let all = [
            segment("before", 5_000, 9_000, 700_000),
            segment("this", 20_000, 60_000, 12),
        ];
        assert_eq!(moved(&all), [(-604_000, -600_000), (20_000, 60_000)]);
    }

    #[test]
    fn a_clock_that_was_wrong_does_not_mix_them() {
        // By the time of day all of it was a moment ago, or will be.
        let all = [
            segment("first", 0, 4_000, 10),
            segment("second", 7_000, 9_000, -1_000_000_000),
            segment("this", 20_000, 60_000, 12),
        ];
        let moved = moved(&all);
        assert_eq!(moved, [(-6_001, -2_001), (-2_000, 0), (20_000, 60_000)]);
    }
}
