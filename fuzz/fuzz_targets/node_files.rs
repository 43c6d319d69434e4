//! Files of the node's root file system: users, the distribution, the kubelet's configuration. What is kept of the last says
//! the same as the whole, and keeping it twice changes nothing.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nospace_core::parse::{kubelet, os_release, passwd};

fuzz_target!(|data: &[u8]| {
    let _ = (passwd::names(data), os_release::ids(data));
    let kept = kubelet::redact(data);
    assert_eq!(kubelet::config(&kept), kubelet::config(data));
    assert_eq!(kubelet::redact(&kept), kept);
    let arguments = kubelet::redact_cmdline(data);
    assert_eq!(kubelet::redact_cmdline(&arguments), arguments);
});
