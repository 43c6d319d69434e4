use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::btf::{
    ARRAY, ENUM, ENUM64, FUNC, FWD, PTR, STRUCT, Sections, TYPEDEF, Type, UNION, file, word,
};

/// What was cut out of a kernel's types.
pub struct Cut {
    /// A BTF file with the types of the names that were asked for, and all that these have inside. What they point to
    /// is left out: whoever follows a pointer names the type behind it.
    pub file: Vec<u8>,
    /// Numbers of the functions that were asked for, in the kernel's own table; `None` where there is none.
    pub functions: Vec<Option<u32>>,
}

impl Cut {
    /// Cuts `types` and `functions` out of `btf`. `None` where that is in a form that is not known.
    pub fn new<'n>(
        btf: &[u8],
        types: impl IntoIterator<Item = &'n str>,
        functions: &[&'n str],
    ) -> Option<Self> {
        let whole = Sections::of(btf)?;
        let found = Found::new(whole, &Wanted::new(types, functions))?;
        let mut copy = Copy {
            whole,
            offsets: &found.offsets,
            numbers: HashMap::new(),
            waiting: Vec::new(),
            types: Vec::new(),
            names: vec![0],
            copied_names: HashMap::from([(0, 0)]),
        };
        for root in found.roots {
            copy.number(root)?;
        }
        copy.all()?;
        let number = |name: &&str| found.functions.get(name.as_bytes()).copied();
        Some(Self {
            file: file(&copy.types, &copy.names)?,
            functions: functions.iter().map(number).collect(),
        })
    }
}

/// Names that are looked for.
struct Wanted<'n> {
    names: HashSet<&'n [u8]>,
    functions: HashSet<&'n [u8]>,
    /// Whether a name may begin so: nearly all of the kernel's names end here.
    begins: [bool; 1 << 12],
}

impl<'n> Wanted<'n> {
    fn new(names: impl IntoIterator<Item = &'n str>, functions: &[&'n str]) -> Self {
        let names = names.into_iter().filter(|name| name.len() >= 2);
        let mut wanted = Self {
            names: names.map(str::as_bytes).collect(),
            functions: functions.iter().map(|name| name.as_bytes()).collect(),
            begins: [false; 1 << 12],
        };
        for name in wanted.names.iter().chain(&wanted.functions) {
            wanted.begins[beginning([name, b"\0\0\0".as_slice()].concat().as_slice())] = true;
        }
        wanted
    }

    /// The one of `among` that `bytes` begin with, and end with a NUL.
    fn find(&self, among: &HashSet<&'n [u8]>, bytes: &[u8]) -> Option<&'n [u8]> {
        if !self.begins[beginning(bytes)] {
            return None;
        }
        let name = bytes.get(..memchr::memchr(0, bytes)?)?;
        among.get(name).copied()
    }
}

/// A number of 12 bits for the first three bytes.
fn beginning(bytes: &[u8]) -> usize {
    let byte = |at: usize| usize::from(bytes.get(at).copied().unwrap_or(0));
    // No byte behind the end of a short name may count.
    let third = if byte(1) == 0 { 0 } else { byte(2) };
    (byte(0) * 31 * 31 + byte(1) * 31 + third) & 0xfff
}

/// Where every type is, and which are wanted.
struct Found<'n> {
    /// By number; 0 is void.
    offsets: Vec<u32>,
    roots: Vec<u32>,
    functions: HashMap<&'n [u8], u32>,
}

impl<'n> Found<'n> {
    fn new(whole: Sections<'_>, wanted: &Wanted<'n>) -> Option<Self> {
        let mut found = Self {
            offsets: Vec::with_capacity(whole.types.len() / 20),
            roots: Vec::new(),
            functions: HashMap::new(),
        };
        found.offsets.push(0);
        let mut offset = 0;
        while offset < whole.types.len() {
            let one = whole.at(offset)?;
            let number = u32::try_from(found.offsets.len()).ok()?;
            match one.kind {
                STRUCT | UNION | ENUM | ENUM64 | TYPEDEF | FWD if one.name != 0 => {
                    let name = whole.names_from(one.name)?;
                    if wanted.find(&wanted.names, name).is_some() {
                        found.roots.push(number);
                    }
                }
                FUNC => {
                    let name = whole.names_from(one.name)?;
                    if let Some(name) = wanted.find(&wanted.functions, name) {
                        found.functions.insert(name, number);
                    }
                }
                _ => {}
            }
            found.offsets.push(u32::try_from(offset).ok()?);
            offset += one.length();
        }
        Some(found)
    }
}

/// The new table.
struct Copy<'b> {
    whole: Sections<'b>,
    offsets: &'b [u32],
    /// New numbers of the types that go into it, and those whose turn is still to come.
    numbers: HashMap<u32, u32>,
    waiting: Vec<u32>,
    types: Vec<u8>,
    names: Vec<u8>,
    copied_names: HashMap<u32, u32>,
}

impl Copy<'_> {
    /// The new number of a type, which goes into the table if it is not there.
    fn number(&mut self, old: u32) -> Option<u32> {
        if old == 0 {
            return Some(0);
        }
        let next = u32::try_from(self.numbers.len()).ok()? + 1;
        Some(match self.numbers.entry(old) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                self.waiting.push(old);
                *new.insert(next)
            }
        })
    }

    fn name(&mut self, old: u32) -> Option<u32> {
        if let Some(&known) = self.copied_names.get(&old) {
            return Some(known);
        }
        let new = u32::try_from(self.names.len()).ok()?;
        self.names.extend(self.whole.name(old)?);
        self.names.push(0);
        self.copied_names.insert(old, new);
        Some(new)
    }

    /// Copies what waits, in the order of the new numbers, and what that brings with it.
    fn all(&mut self) -> Option<()> {
        let mut at = 0;
        while let Some(&old) = self.waiting.get(at) {
            let offset = *self.offsets.get(old as usize)?;
            self.one(&self.whole.at(offset as usize)?)?;
            at += 1;
        }
        Some(())
    }

    fn one(&mut self, one: &Type<'_>) -> Option<()> {
        let name = self.name(one.name)?;
        let third = match one.kind {
            PTR => 0,
            _ if one.refers() => self.number(one.third)?,
            _ => one.third,
        };
        self.put([name, one.info, third]);
        match one.kind {
            STRUCT | UNION => {
                for member in one.rest.chunks_exact(12) {
                    let name = self.name(word(member, 0)?)?;
                    let of = self.number(word(member, 4)?)?;
                    self.put([name, of, word(member, 8)?]);
                }
            }
            ENUM | ENUM64 => {
                let long = if one.kind == ENUM { 8 } else { 12 };
                for value in one.rest.chunks_exact(long) {
                    let name = self.name(word(value, 0)?)?;
                    self.put([name]);
                    self.types.extend(&value[4..]);
                }
            }
            ARRAY => {
                let of = self.number(word(one.rest, 0)?)?;
                let by = self.number(word(one.rest, 4)?)?;
                self.put([of, by, word(one.rest, 8)?]);
            }
            _ if one.refers() || one.is_plain() => self.types.extend(one.rest),
            // Nothing that a value could be of.
            _ => return None,
        }
        Some(())
    }

    fn put<const N: usize>(&mut self, words: [u32; N]) {
        self.types
            .extend(words.iter().flat_map(|word| word.to_ne_bytes()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::NAMES;
    use libbpf_rs::HasSize as _;
    use libbpf_rs::btf::types::Struct;
    use libbpf_rs::btf::{Btf, BtfType};
    use std::fs;
    use std::path::Path;

    const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

    /// Members with their places, and how large it is, as libbpf reads them.
    fn layout(btf: &Btf<'_>, name: &str) -> Option<(usize, Vec<String>)> {
        let found = btf.type_by_name::<Struct<'_>>(name)?;
        let member = |m: libbpf_rs::btf::types::StructMember<'_>| {
            let of = btf.type_by_id::<BtfType<'_>>(m.ty).unwrap();
            format!("{:?} {:?} {:?}", m.name, m.attr, of.kind())
        };
        Some((found.size(), found.iter().map(member).collect()))
    }

    #[test]
    fn libbpf_finds_the_same_in_the_cut_as_in_the_whole() {
        let Ok(bytes) = fs::read(VMLINUX) else {
            println!("skipped: this kernel does not tell its types");
            return;
        };
        let cut = Cut::new(&bytes, NAMES.lines(), &["bpf_iter_task_file", "nothing"]).unwrap();
        assert!(cut.file.len() < bytes.len() / 50, "{}", cut.file.len());
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), &cut.file).unwrap();
        let (whole, part) = (Btf::from_path(VMLINUX), Btf::from_path(file.path()));
        let (whole, part) = (whole.unwrap(), part.unwrap());
        let mut compared = 0;
        for name in NAMES.lines() {
            assert_eq!(layout(&whole, name), layout(&part, name), "{name}");
            compared += usize::from(layout(&whole, name).is_some());
        }
        assert!(compared > 20, "{compared}");
        let iterator = cut.functions[0].unwrap();
        let named = whole.type_by_id::<BtfType<'_>>(iterator.into()).unwrap();
        assert_eq!(named.name().unwrap(), "bpf_iter_task_file");
        assert_eq!(cut.functions[1], None);
    }

    #[test]
    fn all_that_was_asked_for_is_cut_again() {
        let Some(file) = sample() else { return };
        let again = Cut::new(&file, ["task_struct", "ucount_type"], &[]).unwrap();
        let names = Sections::of(&again.file).unwrap().names;
        let has = |name: &[u8]| memchr::memmem::find(names, name).is_some();
        assert!(has(b"\0task_struct\0") && has(b"\0UCOUNT_INOTIFY_WATCHES\0"));
        assert!(!has(b"\0super_block\0"));
    }

    #[test]
    fn what_is_not_known_is_left_to_libbpf() {
        let none = |bytes: &[u8]| assert!(Cut::new(bytes, ["pid"], &[]).is_none());
        none(b"");
        none(&[0; 24]);
        let Some(file) = sample() else { return };
        assert!(Cut::new(&file, ["pid"], &[]).is_some());
        for length in (0..file.len()).step_by(61) {
            none(&file[..length]);
        }
        let mut strange = file.clone();
        // The kind of the first type.
        strange[24 + 7] = 0x1f;
        none(&strange);
        strange[24 + 7] = 0x64;
        none(&strange);
        strange.clone_from(&file);
        strange[..2].reverse();
        none(&strange);
    }

    #[test]
    fn no_change_of_a_byte_makes_it_fall_over() {
        let Some(file) = sample() else { return };
        for at in (0..file.len()).step_by(61) {
            let mut strange = file.clone();
            strange[at] ^= 0xff;
            let _ = Cut::new(&strange, ["pid", "inode"], &["x"]);
        }
    }

    fn sample() -> Option<Vec<u8>> {
        if !Path::new(VMLINUX).exists() {
            println!("skipped: this kernel does not tell its types");
            return None;
        }
        let names = ["pid", "inode", "task_struct", "ucount_type", "kuid_t"];
        Some(Cut::new(&fs::read(VMLINUX).unwrap(), names, &[])?.file)
    }
}
