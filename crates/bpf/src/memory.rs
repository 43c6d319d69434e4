//! What this process keeps in memory.

use std::ops::Range;

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

/// Gives back the pages of the program and its libraries, which its start has left in memory; those that are used later are taken from the page cache again.
/// For a program that runs for weeks and mostly waits. Pages that differ from their file stay. Does nothing without /proc.
pub fn release_program_pages() {
    let Ok(maps) = std::fs::read_to_string("/proc/self/smaps") else {
        return;
    };
    for mapping in program_mappings(&maps) {
        // SAFETY: the mapping is part of a segment that nothing can write and that stays as long as the process, since nospace unloads no library; none of its
        // pages is anonymous, so that each has the same content when it is read from the file again.
        unsafe {
            libc::madvise(
                mapping.start as *mut libc::c_void,
                mapping.len(),
                libc::MADV_DONTNEED,
            )
        };
    }
}

/// Of the mappings in smaps those that are given back: any but the program's own may be gone by now, and its address in use for something that is nowhere else.
fn program_mappings(maps: &str) -> Vec<Range<usize>> {
    let loaded = loaded_segments();
    let mut mappings = unchanged_mappings(maps);
    mappings.retain(|mapping| loaded.iter().any(|segment| contains(segment, mapping)));
    mappings
}

fn contains(outer: &Range<usize>, inner: &Range<usize>) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// Addresses of what the dynamic linker, or a static program itself, has loaded and nothing can write, in whole pages.
fn loaded_segments() -> Vec<Range<usize>> {
    extern "C" fn add(
        object: *mut libc::dl_phdr_info,
        _size: libc::size_t,
        found: *mut libc::c_void,
    ) -> libc::c_int {
        // SAFETY: dl_iterate_phdr(3) passes one object that lives until this returns, with that many program headers, and what it was given: the vector below.
        let (object, found) = unsafe { (&*object, &mut *found.cast::<Vec<Range<usize>>>()) };
        // SAFETY: as above.
        let headers =
            unsafe { std::slice::from_raw_parts(object.dlpi_phdr, usize::from(object.dlpi_phnum)) };
        let page = rustix::param::page_size();
        let of_file = headers
            .iter()
            .filter(|header| header.p_type == libc::PT_LOAD && header.p_flags & libc::PF_W == 0);
        for header in of_file {
            let (Ok(base), Ok(address), Ok(size)) = (
                usize::try_from(object.dlpi_addr),
                usize::try_from(header.p_vaddr),
                usize::try_from(header.p_memsz),
            ) else {
                continue;
            };
            let start = base.wrapping_add(address);
            let end = start.wrapping_add(size).next_multiple_of(page);
            found.push(start - start % page..end);
        }
        0
    }

    let mut found = Vec::<Range<usize>>::new();
    // SAFETY: the callback takes the vector as what it is, and keeps nothing.
    unsafe { libc::dl_iterate_phdr(Some(add), (&raw mut found).cast()) };
    found
}

/// Addresses of the private mappings of files that are not writable and of which no page was changed, from smaps (proc_pid_smaps(5)).
fn unchanged_mappings(maps: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut mapping = None;
    for line in maps.lines() {
        let mut words = line.split_ascii_whitespace();
        let (Some(first), Some(second)) = (words.next(), words.next()) else {
            continue;
        };
        if first == "Anonymous:" {
            found.extend(mapping.take().filter(|_| second == "0"));
        } else if let Some((start, end)) = first.split_once('-') {
            let of_file = words.nth(3).is_some_and(|path| path.starts_with('/'));
            let address = |text| usize::from_str_radix(text, 16).ok();
            mapping = (of_file && second.ends_with('p') && !second.contains('w'))
                .then(|| address(start).zip(address(end)))
                .flatten()
                .map(|(start, end)| start..end);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMAPS: &str = "\
55e0c0000000-55e0c0010000 r--p 00000000 fe:00 42 /usr/bin/nospace
Rss:                  64 kB
Anonymous:             0 kB
55e0c0010000-55e0c0030000 r-xp 00010000 fe:00 42 /usr/bin/nospace
Anonymous:             0 kB
VmFlags: rd ex mr mw me
55e0c0030000-55e0c0038000 r--p 00030000 fe:00 42 /usr/bin/nospace
Anonymous:            32 kB
55e0c0038000-55e0c0039000 rw-p 00038000 fe:00 42 /usr/bin/nospace
Anonymous:             0 kB
7f0000000000-7f0000001000 r--s 00000000 00:0f 9 anon_inode:bpf-map
Anonymous:             0 kB
7f0000001000-7f0000002000 r--s 00000000 00:0f 9 /dev/shm/shared
Anonymous:             0 kB
7ffd00000000-7ffd00001000 r-xp 00000000 00:00 0 [vdso]
Anonymous:             0 kB
";

    #[test]
    fn only_pages_that_are_those_of_the_file_are_given_back() {
        let expected = [
            0x55e0_c000_0000..0x55e0_c001_0000,
            0x55e0_c001_0000..0x55e0_c003_0000,
        ];
        assert_eq!(unchanged_mappings(SMAPS), expected);
    }

    /// Its address may be another's as soon as it is unmapped, which another thread does while this one reads the list.
    #[test]
    fn a_mapping_that_may_be_unmapped_is_left_alone() {
        let path = std::env::current_exe().expect("path");
        let file = std::fs::File::open(path).expect("file");
        let length = 64 << 10;
        // SAFETY: the kernel chooses an address that nothing has.
        let address = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                length,
                libc::PROT_READ,
                libc::MAP_PRIVATE | libc::MAP_POPULATE,
                std::os::fd::AsRawFd::as_raw_fd(&file),
                0,
            )
        };
        assert_ne!(address, libc::MAP_FAILED);
        let start = address as usize;
        let maps = std::fs::read_to_string("/proc/self/smaps").expect("smaps");
        let mapping = start..start + length;
        let inside = |all: &[Range<usize>]| all.iter().any(|one| contains(one, &mapping));
        assert!(inside(&unchanged_mappings(&maps)), "the test maps nothing");
        let given_back = program_mappings(&maps);
        assert!(!inside(&given_back), "{given_back:x?}");
        let code = release_program_pages as fn() as usize;
        let mut of_program = given_back.iter();
        assert!(of_program.any(|one| one.contains(&code)), "{given_back:x?}");
    }

    #[test]
    fn the_pages_of_the_program_leave_memory() {
        // In kB.
        let resident = || {
            let status = std::fs::read_to_string("/proc/self/status").expect("status");
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix("RssFile:"));
            let value = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
            value.expect("RssFile")
        };
        let before = resident();
        release_program_pages();
        let after = resident();
        assert!(after < before, "{after} kB of {before} kB are left");
    }
}
