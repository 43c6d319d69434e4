//! os-release(5).

use super::{lines, lossy};

/// `ID` and `VARIANT_ID`, those that are there, in this order and in lower case.
#[must_use]
pub fn ids(bytes: &[u8]) -> Vec<String> {
    let value = |name: &&str| {
        let mut lines = lines(bytes).map(lossy);
        lines.find_map(|line| {
            let value = line.trim().strip_prefix(*name)?.strip_prefix('=')?;
            Some(value.trim_matches(['"', '\'']).to_ascii_lowercase())
        })
    };
    ["ID", "VARIANT_ID"].iter().filter_map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ids_stand_alone() {
        assert_eq!(ids(b"NAME=Talos\nID=talos\nVERSION_ID=v1.9\n"), ["talos"]);
        assert_eq!(
            ids(b"VARIANT_ID=CoreOS\nID=\"fedora\"\n"),
            ["fedora", "coreos"]
        );
        assert_eq!(ids(b"ID_LIKE=talos\n"), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = ids(&bytes);
        }
    }
}
