//! The BTF format (Documentation/bpf/btf.rst): a header, the type section, and the string section.

/// Size of `struct btf_header`.
const HEADER: usize = 24;
const MAGIC: u16 = 0xeb9f;

pub const PTR: u32 = 2;
pub const ARRAY: u32 = 3;
pub const STRUCT: u32 = 4;
pub const UNION: u32 = 5;
pub const ENUM: u32 = 6;
pub const FWD: u32 = 7;
pub const TYPEDEF: u32 = 8;
pub const FUNC: u32 = 12;
pub const ENUM64: u32 = 19;

const INT: u32 = 1;
const VOLATILE: u32 = 9;
const CONST: u32 = 10;
const RESTRICT: u32 = 11;
const FUNC_PROTO: u32 = 13;
const VAR: u32 = 14;
const DATASEC: u32 = 15;
const FLOAT: u32 = 16;
const DECL_TAG: u32 = 17;
const TYPE_TAG: u32 = 18;

/// The two sections of a BTF file.
#[derive(Clone, Copy)]
pub struct Sections<'b> {
    pub types: &'b [u8],
    pub strings: &'b [u8],
}

impl<'b> Sections<'b> {
    /// `None` for anything but BTF of this machine's byte order.
    pub fn parse(btf: &'b [u8]) -> Option<Self> {
        if btf.get(..2)? != MAGIC.to_ne_bytes() || btf.get(2)? != &1 {
            return None;
        }
        let field = |number: usize| word(btf, 4 + number * 4).map(|value| value as usize);
        let body = btf.get(field(0)?..)?;
        let section = |begin: usize, length: usize| body.get(begin..begin.checked_add(length)?);
        Some(Self {
            types: section(field(1)?, field(2)?)?,
            strings: section(field(3)?, field(4)?)?,
        })
    }

    /// The start of the type at `offset` of the type section; `None` also for an unknown kind, whose size is not known.
    #[inline]
    pub fn head_at(self, offset: usize) -> Option<Head> {
        let head = self.types.get(offset..)?.first_chunk::<8>()?;
        let ([name, info], _) = head.as_chunks::<4>() else {
            return None;
        };
        let info = u32::from_ne_bytes(*info);
        let kind = info >> 24 & 0x1f;
        let (fixed, each) = *LENGTHS.get(kind as usize)?;
        // Bits that no kernel uses so far.
        let is_known = info & 0x60ff_0000 == 0 && fixed > 0;
        is_known.then(|| Head {
            name: u32::from_ne_bytes(*name),
            info,
            kind,
            length: usize::from(fixed) + usize::from(each) * (info & 0xffff) as usize,
        })
    }

    /// The type at `offset` of the type section; `None` also for an unknown kind.
    pub fn type_at(self, offset: usize) -> Option<Type<'b>> {
        let head = self.head_at(offset)?;
        Some(Type {
            name: head.name,
            info: head.info,
            size_or_type: word(self.types, offset + 8)?,
            kind: head.kind,
            data: self.types.get(offset + 12..offset + head.length)?,
        })
    }

    /// The string section from `offset`: a string, the NUL that ends it, and all strings after it.
    pub fn strings_from(self, offset: u32) -> Option<&'b [u8]> {
        self.strings.get(offset as usize..)
    }

    pub fn string(self, offset: u32) -> Option<&'b [u8]> {
        let from = self.strings_from(offset)?;
        from.get(..memchr::memchr(0, from)?)
    }
}

/// Bytes that a type of each kind takes in the type section: in any case, and for each of its members, values or parameters. 0 is no kind.
const LENGTHS: [(u8, u8); 32] = {
    let mut lengths = [(0, 0); 32];
    let mut kind = 0;
    while kind < 32 {
        lengths[kind as usize] = match kind {
            PTR | FWD | TYPEDEF | VOLATILE | CONST | RESTRICT | FUNC | FLOAT | TYPE_TAG => (12, 0),
            INT | VAR | DECL_TAG => (16, 0),
            ARRAY => (24, 0),
            ENUM | FUNC_PROTO => (12, 8),
            STRUCT | UNION | DATASEC | ENUM64 => (12, 12),
            _ => (0, 0),
        };
        kind += 1;
    }
    lengths
};

/// The first fields of `struct btf_type`, and the size of all of it.
pub struct Head {
    pub name: u32,
    pub info: u32,
    pub kind: u32,
    /// Bytes that it takes in the type section.
    pub length: usize,
}

/// `struct btf_type`, and the data of its kind that follows.
pub struct Type<'b> {
    pub name: u32,
    pub info: u32,
    /// Its size, or the id of the type that it refers to.
    pub size_or_type: u32,
    pub kind: u32,
    pub data: &'b [u8],
}

impl Type<'_> {
    /// Whether `size_or_type` is a type, and a value of it is inside a value of this one, or behind a pointer.
    pub fn refers(&self) -> bool {
        matches!(
            self.kind,
            PTR | TYPEDEF | VOLATILE | CONST | RESTRICT | TYPE_TAG
        )
    }

    /// Whether it refers to no other type.
    pub fn is_plain(&self) -> bool {
        matches!(self.kind, INT | FLOAT | FWD)
    }
}

/// The 32-bit number at byte `at`.
pub fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..at.checked_add(4)?)?;
    Some(u32::from_ne_bytes(bytes.try_into().ok()?))
}

/// A BTF file with these sections.
pub fn file(types: &[u8], strings: &[u8]) -> Option<Vec<u8>> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).ok();
    let mut file = Vec::with_capacity(HEADER + types.len() + strings.len());
    file.extend(MAGIC.to_ne_bytes());
    file.extend([1, 0]);
    let fields = [
        u32::try_from(HEADER).ok()?,
        0,
        length(types)?,
        length(types)?,
        length(strings)?,
    ];
    file.extend(fields.iter().flat_map(|field| field.to_ne_bytes()));
    file.extend(types);
    file.extend(strings);
    Some(file)
}
