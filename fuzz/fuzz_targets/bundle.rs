//! Configurations of containers; what is kept of one names no more than the whole did.

#![no_main]

use libfuzzer_sys::fuzz_target;
use nospace_core::model::Runtime;
use nospace_core::parse::bundle;

fuzz_target!(|data: &[u8]| {
    let _ = (
        bundle::docker(data),
        bundle::storage(data),
        bundle::init_pid(data),
    );
    let kept = bundle::redact_config(data);
    // A derived deserializer takes a list for a structure; no runtime writes one.
    if data.trim_ascii_start().starts_with(b"{") {
        let of = |bytes: &[u8]| bundle::oci(Runtime::Containerd, "k8s.io", "x", bytes).ok();
        assert_eq!(of(data), of(&kept));
    }
});
