use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};

use super::format::{
    ARRAY, ENUM, ENUM64, FUNC, FWD, Head, PTR, STRUCT, Sections, TYPEDEF, Type, UNION, file, word,
};

/// Names of the types that the programs read, one per line; build.rs takes them from the BTF of the objects.
pub const TYPES: &str = include_str!(concat!(env!("OUT_DIR"), "/types.txt"));

/// The part of a kernel's BTF that some programs need.
pub struct MinimalBtf {
    /// A BTF file with the types that were asked for, and all types of their members. The targets of pointers are left
    /// out: a program that follows a pointer names the type behind it, too.
    pub file: Vec<u8>,
    /// Ids, in the kernel's own BTF, of the functions that were asked for; `None` for those that it does not have.
    pub function_ids: Vec<Option<u32>>,
    /// Ids, in the kernel's own BTF, of the structs that were asked for and of which there is one.
    pub struct_ids: HashMap<String, u32>,
}

impl MinimalBtf {
    /// Copies `types` out of `btf` and looks up `functions`. `None` if `btf` is malformed or has an unknown kind of type.
    pub fn new<'n>(
        btf: &[u8],
        types: impl IntoIterator<Item = &'n str>,
        functions: &[&'n str],
    ) -> Option<Self> {
        let whole = Sections::parse(btf)?;
        let index = Index::new(whole, &Query::new(types, functions))?;
        let mut builder = Builder {
            whole,
            index: &index,
            new_ids: HashMap::new(),
            queue: Vec::new(),
            types: Vec::new(),
            strings: vec![0],
            new_strings: HashMap::from([(0, 0)]),
        };
        for id in &index.types {
            builder.new_id(*id)?;
        }
        builder.copy_queue()?;
        let id = |name: &&str| index.functions.get(name.as_bytes()).copied();
        Some(Self {
            file: file(&builder.types, &builder.strings)?,
            function_ids: functions.iter().map(id).collect(),
            struct_ids: index.struct_ids(whole)?,
        })
    }
}

/// Names to look for.
struct Query<'n> {
    types: HashSet<&'n [u8]>,
    functions: HashSet<&'n [u8]>,
    /// Whether a name with this hash is among them: rules out nearly all of the kernel's names.
    hashes: Box<[bool; HASHES]>,
}

const HASH_BITS: u32 = 13;
const HASHES: usize = 1 << HASH_BITS;

impl<'n> Query<'n> {
    fn new(types: impl IntoIterator<Item = &'n str>, functions: &[&'n str]) -> Self {
        let mut query = Self {
            types: types.into_iter().map(str::as_bytes).collect(),
            functions: functions.iter().map(|name| name.as_bytes()).collect(),
            hashes: Box::new([false; HASHES]),
        };
        for name in query.types.iter().chain(&query.functions) {
            query.hashes[hash(name)] = true;
        }
        query
    }
}

/// A hash of the first eight bytes of a string, or of all of it if a NUL ends it before. Without branches, because it is calculated for each of the
/// kernel's names.
#[inline]
fn hash(string: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let word = u64::from_le_bytes(string.first_chunk().copied().unwrap_or_else(|| {
        let mut padded = [0; 8];
        padded[..string.len()].copy_from_slice(string);
        padded
    }));
    // The highest bit of each byte that is 0; above the first one there can be more.
    let zeros = word.wrapping_sub(ONES) & !word & (ONES << 7);
    let before = (zeros & zeros.wrapping_neg()).wrapping_sub(1);
    ((word & before).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (u64::BITS - HASH_BITS)) as usize
}

/// Which types a query asks for, and where they are.
struct Index<'n> {
    /// Offsets in the type section of every [`STEP`]th id, from that of id 0, which is void and nowhere.
    offsets: Vec<usize>,
    types: Vec<u32>,
    functions: HashMap<&'n [u8], u32>,
}

/// Small enough that a type is found at once, and large enough that the offsets need little memory.
const STEP: u32 = 16;

impl<'n> Index<'n> {
    fn new(whole: Sections<'_>, query: &Query<'n>) -> Option<Self> {
        let mut index = Self {
            offsets: vec![0],
            types: Vec::new(),
            functions: HashMap::new(),
        };
        let (mut id, mut offset) = (1, 0);
        while offset < whole.types.len() {
            let head = whole.head_at(offset)?;
            if id % STEP == 0 {
                index.offsets.push(offset);
            }
            let from_name = whole.strings_from(head.name)?;
            if query.hashes[hash(from_name)] {
                index.add(id, &head, from_name, query);
            }
            offset += head.length;
            id += 1;
        }
        Some(index)
    }

    /// Adds a type if it is asked for; its hash says that it may be. Its name ends at the first NUL.
    fn add(&mut self, id: u32, head: &Head, from_name: &[u8], query: &Query<'n>) {
        let end = memchr::memchr(0, from_name).unwrap_or(from_name.len());
        let name = &from_name[..end];
        match head.kind {
            STRUCT | UNION | ENUM | ENUM64 | TYPEDEF | FWD if query.types.contains(name) => {
                self.types.push(id);
            }
            FUNC => {
                if let Some(name) = query.functions.get(name) {
                    self.functions.insert(name, id);
                }
            }
            _ => {}
        }
    }

    fn struct_ids(&self, whole: Sections<'_>) -> Option<HashMap<String, u32>> {
        let mut ids = HashMap::new();
        for id in &self.types {
            let one = whole.type_at(self.offset(whole, *id)?)?;
            if one.kind == STRUCT {
                let name = String::from_utf8_lossy(whole.string(one.name)?).into_owned();
                // None of two.
                let id = if ids.contains_key(&name) {
                    None
                } else {
                    Some(*id)
                };
                ids.insert(name, id);
            }
        }
        Some(
            ids.into_iter()
                .filter_map(|(name, id)| Some((name, id?)))
                .collect(),
        )
    }

    /// Where the type with this id is in the type section.
    fn offset(&self, whole: Sections<'_>, id: u32) -> Option<usize> {
        let known = id / STEP;
        let mut offset = *self.offsets.get(known as usize)?;
        // Id 0 takes no bytes there.
        for _ in (known * STEP).max(1)..id {
            offset += whole.head_at(offset)?.length;
        }
        Some(offset)
    }
}

/// The sections of the minimal BTF while they are built.
struct Builder<'b> {
    whole: Sections<'b>,
    index: &'b Index<'b>,
    /// New ids of types by their ids in the whole.
    new_ids: HashMap<u32, u32>,
    /// Types by their ids in the whole, in the order of their new ids.
    queue: Vec<u32>,
    types: Vec<u8>,
    strings: Vec<u8>,
    /// New offsets of strings by their offsets in the whole.
    new_strings: HashMap<u32, u32>,
}

impl Builder<'_> {
    /// The new id of a type, which is queued if it has none yet.
    fn new_id(&mut self, old: u32) -> Option<u32> {
        if old == 0 {
            return Some(0);
        }
        let next = u32::try_from(self.new_ids.len()).ok()? + 1;
        Some(match self.new_ids.entry(old) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                self.queue.push(old);
                *new.insert(next)
            }
        })
    }

    fn new_string(&mut self, old: u32) -> Option<u32> {
        if let Some(&known) = self.new_strings.get(&old) {
            return Some(known);
        }
        let new = u32::try_from(self.strings.len()).ok()?;
        self.strings.extend(self.whole.string(old)?);
        self.strings.push(0);
        self.new_strings.insert(old, new);
        Some(new)
    }

    /// Copies the types of the queue, and those that they add to it.
    fn copy_queue(&mut self) -> Option<()> {
        let mut next = 0;
        while let Some(&old) = self.queue.get(next) {
            let offset = self.index.offset(self.whole, old)?;
            self.copy(&self.whole.type_at(offset)?)?;
            next += 1;
        }
        Some(())
    }

    fn copy(&mut self, one: &Type<'_>) -> Option<()> {
        let name = self.new_string(one.name)?;
        let size_or_type = match one.kind {
            PTR => 0,
            _ if one.refers() => self.new_id(one.size_or_type)?,
            _ => one.size_or_type,
        };
        self.put([name, one.info, size_or_type]);
        match one.kind {
            STRUCT | UNION => {
                for member in one.data.chunks_exact(12) {
                    let name = self.new_string(word(member, 0)?)?;
                    let of = self.new_id(word(member, 4)?)?;
                    self.put([name, of, word(member, 8)?]);
                }
            }
            ENUM | ENUM64 => {
                let size = if one.kind == ENUM { 8 } else { 12 };
                for value in one.data.chunks_exact(size) {
                    let name = self.new_string(word(value, 0)?)?;
                    self.put([name]);
                    self.types.extend(&value[4..]);
                }
            }
            ARRAY => {
                let of = self.new_id(word(one.data, 0)?)?;
                let by = self.new_id(word(one.data, 4)?)?;
                self.put([of, by, word(one.data, 8)?]);
            }
            _ if one.refers() || one.is_plain() => self.types.extend(one.data),
            // Functions and variables are no member's type.
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
    use libbpf_rs::HasSize as _;
    use libbpf_rs::btf::types::Struct;
    use libbpf_rs::btf::{Btf, BtfType};
    use std::fs;
    use std::path::Path;

    const VMLINUX: &str = "/sys/kernel/btf/vmlinux";

    /// Size of a struct, and its members with their offsets and kinds, as libbpf reads them.
    fn layout(btf: &Btf<'_>, name: &str) -> Option<(usize, Vec<String>)> {
        let found = btf.type_by_name::<Struct<'_>>(name)?;
        let member = |m: libbpf_rs::btf::types::StructMember<'_>| {
            let of = btf.type_by_id::<BtfType<'_>>(m.ty).unwrap();
            format!("{:?} {:?} {:?}", m.name, m.attr, of.kind())
        };
        Some((found.size(), found.iter().map(member).collect()))
    }

    #[test]
    fn a_hash_is_that_of_the_name_alone() {
        for name in ["", "a", "pid", "file", "ucounts", "fdtable_", "task_struct"] {
            let alone = hash(name.as_bytes());
            for after in ["\0", "\0b", "\0\u{1}\u{80}xyz", "\0user_namespace\0"] {
                let found = hash([name, after].concat().as_bytes());
                assert_eq!(found, alone, "{name:?} before {after:?}");
            }
        }
        assert_ne!(hash(b"pid"), hash(b"pids"));
    }

    #[test]
    fn libbpf_reads_the_same_layouts_from_the_minimal_btf() {
        let Ok(bytes) = fs::read(VMLINUX) else {
            println!("skipped: this kernel has no BTF");
            return;
        };
        let minimal =
            MinimalBtf::new(&bytes, TYPES.lines(), &["bpf_iter_task_file", "nothing"]).unwrap();
        assert!(
            minimal.file.len() < bytes.len() / 50,
            "{}",
            minimal.file.len()
        );
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), &minimal.file).unwrap();
        let (whole, part) = (Btf::from_path(VMLINUX), Btf::from_path(file.path()));
        let (whole, part) = (whole.unwrap(), part.unwrap());
        let mut compared = 0;
        for name in TYPES.lines() {
            assert_eq!(layout(&whole, name), layout(&part, name), "{name}");
            compared += usize::from(layout(&whole, name).is_some());
        }
        assert!(compared > 20, "{compared}");
        let iterator = minimal.function_ids[0].unwrap();
        let named = whole.type_by_id::<BtfType<'_>>(iterator.into()).unwrap();
        assert_eq!(named.name().unwrap(), "bpf_iter_task_file");
        assert_eq!(minimal.function_ids[1], None);
        let task = minimal.struct_ids["task_struct"];
        let named = whole.type_by_id::<Struct<'_>>(task.into()).unwrap();
        assert_eq!(named.name().unwrap(), "task_struct");
    }

    #[test]
    fn a_minimal_btf_is_itself_valid_input() {
        let Some(file) = sample() else { return };
        let again = MinimalBtf::new(&file, ["task_struct", "ucount_type"], &[]).unwrap();
        let names = Sections::parse(&again.file).unwrap().strings;
        let has = |name: &[u8]| memchr::memmem::find(names, name).is_some();
        assert!(has(b"\0task_struct\0") && has(b"\0UCOUNT_INOTIFY_WATCHES\0"));
        assert!(!has(b"\0super_block\0"));
    }

    #[test]
    fn malformed_btf_is_left_to_libbpf() {
        let none = |bytes: &[u8]| assert!(MinimalBtf::new(bytes, ["pid"], &[]).is_none());
        none(b"");
        none(&[0; 24]);
        let Some(file) = sample() else { return };
        assert!(MinimalBtf::new(&file, ["pid"], &[]).is_some());
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
    fn no_flipped_byte_panics() {
        let Some(file) = sample() else { return };
        for at in (0..file.len()).step_by(61) {
            let mut strange = file.clone();
            strange[at] ^= 0xff;
            let _ = MinimalBtf::new(&strange, ["pid", "inode"], &["x"]);
        }
    }

    fn sample() -> Option<Vec<u8>> {
        if !Path::new(VMLINUX).exists() {
            println!("skipped: this kernel has no BTF");
            return None;
        }
        let names = ["pid", "inode", "task_struct", "ucount_type", "kuid_t"];
        Some(MinimalBtf::new(&fs::read(VMLINUX).unwrap(), names, &[])?.file)
    }
}
