//! nospace
fn main() {}
