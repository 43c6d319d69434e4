//! Where nospace speaks to the kernel in ways that safe libraries do not.
