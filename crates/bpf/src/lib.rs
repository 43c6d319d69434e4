//! Where nospace speaks to the kernel in ways that safe libraries do not: the only crate with
//! `unsafe`. Its face is safe, and knows nothing of the model or of what the numbers mean.

pub mod kcmp;
pub mod userns;
