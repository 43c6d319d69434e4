//! What must be left so that the node stays healthy. Pure.

use nospace_core::model::{InotifyResource, Pair};

/// What a node without a kubelet should keep, unless that is more than a part of its limit; of instances as many as a
/// kubelet needs.
const RESERVE: Pair<u64> = Pair {
    instances: 6,
    watches: 500,
};
/// The part of the limit that is kept at most where nothing is known to need more: 1/25.
const SHARE: u64 = 25;

/// What uid 0 of the node must keep.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SafetyMargin {
    /// Of which resource.
    pub resource: InotifyResource,
    /// A kubelet runs here, in words.
    pub kubelet: Option<String>,
    /// Units that must be left.
    pub units: u64,
}

/// What to leave to uid 0: what the kubelet would need to restart plus 10 %; without a kubelet, a little.
#[must_use]
pub fn margin(resource: InotifyResource, limit: u64, needed: Option<u64>) -> u64 {
    let needed = needed.map_or(0, |needed| needed + needed / 10 + 1);
    needed.max(RESERVE[resource].min(limit / SHARE).max(1))
}

/// Whether it is safe to leave only `left`; `None` is an amount that cannot be seen.
///
/// # Errors
///
/// Why not, and what can be done instead.
pub fn allow(safety: &SafetyMargin, left: Option<u64>) -> Result<(), String> {
    let SafetyMargin {
        resource, units, ..
    } = safety;
    let Some(kubelet) = &safety.kubelet else {
        return Ok(());
    };
    let Some(left) = left else {
        return Err(format!(
            "{} of this user namespace count against uid 0 of the node, and how many it has left is not visible from here: {kubelet}, \
             which needs {units} to restart safely. Run it outside of the user namespace, or override with --yes-break-this-node",
            resource.noun()
        ));
    };
    if left >= *units {
        return Ok(());
    }
    Err(format!(
        "leaving only {left} {} to uid 0 would break this node: {kubelet}, which needs {units} to restart \
         safely. Use --leave {units}, exhaust another user's limit (--as-uid 65534), or override with --yes-break-this-node",
        resource.noun()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_margin_is_what_the_kubelet_asks_for() {
        assert_eq!(margin(InotifyResource::Watches, 192_536, Some(1000)), 1101);
        assert_eq!(margin(InotifyResource::Watches, 192_536, None), 500);
        assert_eq!(margin(InotifyResource::Watches, 192_536, Some(20)), 500);
        assert_eq!(margin(InotifyResource::Watches, 8192, None), 327);
        assert_eq!(margin(InotifyResource::Instances, 128, None), 5);
        assert_eq!(margin(InotifyResource::Instances, 8192, Some(6)), 7);
        assert_eq!(margin(InotifyResource::Instances, 4, None), 1);
    }

    #[test]
    fn only_a_kubelet_needs_a_margin() {
        let mut safety = SafetyMargin {
            resource: InotifyResource::Watches,
            kubelet: None,
            units: 100,
        };
        assert_eq!(allow(&safety, Some(0)), Ok(()));
        assert_eq!(allow(&safety, None), Ok(()));
        safety.kubelet = Some("a kubelet runs (pid 7)".into());
        assert_eq!(allow(&safety, Some(100)), Ok(()));
        assert!(allow(&safety, None).unwrap_err().contains("not visible"));
        let why = allow(&safety, Some(99)).unwrap_err();
        assert!(
            why.contains("pid 7") && why.contains("--leave 100"),
            "{why}"
        );
    }
}
