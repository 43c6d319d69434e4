//! What the programs report and count.

use super::model::{AtLine, Both, Counts, Resource};
use crate::records::{take, until_nul};
use crate::skeleton::guard::types::{
    guard_counts, guard_mode, guard_record, guard_resource, record_kind,
};

/// A record of the ring buffer; `None` if it is malformed.
pub fn decode(mut record: &[u8]) -> Option<AtLine> {
    let record: guard_record = take(&mut record)?;
    if record.kind != record_kind::RECORD_GUARD {
        return None;
    }
    Some(AtLine {
        resource: match record.resource {
            guard_resource::GUARD_WATCHES => Resource::Watches,
            guard_resource::GUARD_INSTANCES => Resource::Instances,
            _ => return None,
        },
        refused: record.mode == guard_mode::GUARD_ENFORCE,
        pid: record.pid,
        comm: until_nul(&record.comm).to_vec(),
        pod: record.pod,
        used: record.used,
        limit: record.limit,
    })
}

/// What was counted.
pub fn counts(of: &guard_counts) -> Counts {
    Counts {
        refused: both(of.refused),
        would_refuse: both(of.would_refuse),
    }
}

fn both([watches, instances]: [u64; 2]) -> Both<u64> {
    Both { watches, instances }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_is_too_short_or_of_another_kind_is_malformed() {
        assert_eq!(decode(&[0; 8]), None);
        assert_eq!(decode(&[0; size_of::<guard_record>()]), None);
    }
}
