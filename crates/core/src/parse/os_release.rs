//! os-release(5).

use super::{lines, lossy};

/// `ID` and `VARIANT_ID`, those that are there, in this order and in lower case. The CoreOS of OpenShift and OKD is always `rhcos`,
/// which it calls itself up to OpenShift 4.18: later ones say `rhel` or `centos`, and `coreos` as Fedora's does. Docker Desktop's machine
/// has a name alone, `Docker Desktop`, and is `docker-desktop`.
#[must_use]
pub fn ids(bytes: &[u8]) -> Vec<String> {
    let value = |name: &&str| {
        let mut lines = lines(bytes).map(lossy);
        lines.find_map(|line| {
            let value = line.trim().strip_prefix(*name)?.strip_prefix('=')?;
            Some(value.trim_matches(['"', '\'']).to_ascii_lowercase())
        })
    };
    let ids: Vec<String> = ["ID", "VARIANT_ID"].iter().filter_map(value).collect();
    match ids.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] if value(&"PRETTY_NAME").as_deref() == Some("docker desktop") => {
            vec!["docker-desktop".to_owned()]
        }
        ["rhel" | "centos", "coreos"] | ["rhcos" | "scos", ..] => vec!["rhcos".to_owned()],
        _ => ids,
    }
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
        assert_eq!(ids(b"ID=\"rhel\"\nVARIANT_ID=coreos\n"), ["rhcos"]);
        assert_eq!(ids(b"ID=\"scos\"\nVARIANT_ID=coreos\n"), ["rhcos"]);
        assert_eq!(ids(b"ID=\"rhel\"\n"), ["rhel"]);
        assert_eq!(ids(b"PRETTY_NAME=\"Docker Desktop\"\n"), ["docker-desktop"]);
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = ids(&bytes);
        }
    }
}
