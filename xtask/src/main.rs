//! Makes nospace's generated files.
fn main() {}
