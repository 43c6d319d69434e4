//! What must be left so that the node lives on. Pure.

/// Watches that a node without a kubelet should keep, unless that is more than a part of its limit.
const WATCHES: u64 = 500;
/// Instances likewise: as many as a kubelet asks for.
const INSTANCES: u64 = 6;
/// At most this share of the limit is kept where nothing is known to need more.
const SHARE: u64 = 25;

/// What is about to happen to uid 0 of the node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stakes {
    /// `watches` or `instances`.
    pub what: &'static str,
    /// A kubelet runs here, in words.
    pub kubelet: Option<String>,
    /// What must be left.
    pub margin: u64,
}

/// What to leave to uid 0: what the kubelet would ask for at its start, and a tenth more; without one, a little.
#[must_use]
pub fn margin(is_watches: bool, limit: u64, needed: Option<u64>) -> u64 {
    let little = if is_watches { WATCHES } else { INSTANCES };
    let needed = needed.map_or(0, |needed| needed + needed / 10 + 1);
    needed.max(little.min(limit / SHARE).max(1))
}

/// Whether so much may be left.
///
/// # Errors
///
/// Why not, and what can be done instead.
pub fn allow(stakes: &Stakes, left: u64) -> Result<(), String> {
    let (Some(kubelet), true) = (&stakes.kubelet, left < stakes.margin) else {
        return Ok(());
    };
    let Stakes { what, margin, .. } = stakes;
    Err(format!(
        "{left} {what} left to uid 0 would break this node: {kubelet}, and it needs {margin} to be safe. Leave them \
         (--leave {margin}), use up another user's budget (--as-uid 65534), or say --yes-break-this-node"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_margin_is_what_the_kubelet_asks_for() {
        assert_eq!(margin(true, 192_536, Some(1000)), 1101);
        assert_eq!(margin(true, 192_536, None), 500);
        assert_eq!(margin(true, 192_536, Some(20)), 500);
        assert_eq!(margin(true, 8192, None), 327);
        assert_eq!(margin(false, 128, None), 5);
        assert_eq!(margin(false, 8192, Some(6)), 7);
        assert_eq!(margin(false, 4, None), 1);
    }

    #[test]
    fn only_a_kubelet_is_worth_a_refusal() {
        let mut stakes = Stakes {
            what: "watches",
            kubelet: None,
            margin: 100,
        };
        assert_eq!(allow(&stakes, 0), Ok(()));
        stakes.kubelet = Some("a kubelet runs (pid 7)".into());
        assert_eq!(allow(&stakes, 100), Ok(()));
        let why = allow(&stakes, 99).unwrap_err();
        assert!(
            why.contains("pid 7") && why.contains("--leave 100"),
            "{why}"
        );
    }
}
