//! How the C library keeps memory that was freed.

/// Has glibc's allocator keep little memory: one arena for all threads instead of one for each, and what is free is returned to the kernel
/// early. For a program that runs for weeks and mostly waits. Does nothing with another C library.
pub fn keep_little() {
    #[cfg(target_env = "gnu")]
    {
        /// Freed memory at the end of the heap that is kept, and the size from which an allocation is a mapping of its own, in bytes.
        const THRESHOLD: i32 = 64 << 10;
        for (parameter, value) in [
            (libc::M_ARENA_MAX, 1),
            (libc::M_TRIM_THRESHOLD, THRESHOLD),
            (libc::M_MMAP_THRESHOLD, THRESHOLD),
        ] {
            // SAFETY: mallopt(3) takes any parameter and value, and may be called at any time.
            unsafe { libc::mallopt(parameter, value) };
        }
    }
}
