//! Compiles the BPF programs and makes the Rust twin of the records they send.

#[cfg(not(feature = "ebpf"))]
fn main() {}

#[cfg(feature = "ebpf")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    ebpf::build()
}

#[cfg(feature = "ebpf")]
mod ebpf {
    use std::collections::BTreeSet;
    use std::error::Error;
    use std::fmt::Write as _;
    use std::path::{Path, PathBuf};
    use std::{env, fs};

    use libbpf_cargo::SkeletonBuilder;
    use libbpf_rs::btf::BtfKind::{Enum, Enum64, Fwd, Struct, Typedef, Union};
    use libbpf_rs::btf::{Btf, BtfType, TypeId};

    /// Every `src/bpf/NAME.bpf.c` becomes `OUT_DIR/NAME.bpf.o`.
    const PROGRAMS: [&str; 3] = ["accounting", "trace", "watches"];
    const SOURCES: &str = "src/bpf";

    pub fn build() -> Result<(), Box<dyn Error>> {
        println!("cargo::rerun-if-changed={SOURCES}");
        let out = PathBuf::from(env::var("OUT_DIR")?);
        let mut types = BTreeSet::new();
        for name in PROGRAMS {
            compile(name, &out).map_err(|e| format!("cannot compile {name}.bpf.c: {e:#}"))?;
            types.extend(type_names(&out.join(format!("{name}.bpf.o")))?);
        }
        fs::write(out.join("types.txt"), Vec::from_iter(types).join("\n"))?;
        let header = fs::read_to_string(Path::new(SOURCES).join("records.h"))?;
        fs::write(out.join("records.rs"), to_rust(&header)?)?;
        Ok(())
    }

    fn compile(name: &str, out: &Path) -> Result<(), Box<dyn Error>> {
        SkeletonBuilder::new()
            .source(Path::new(SOURCES).join(format!("{name}.bpf.c")))
            .obj(out.join(format!("{name}.bpf.o")))
            .clang_args(["-Wall", "-Werror", "-Wno-unused-function"])
            .build()?;
        Ok(())
    }

    /// Names of the types in an object, as the kernel calls them: `user_struct___atomic` is one layout of `user_struct`.
    fn type_names(object: &Path) -> Result<BTreeSet<String>, Box<dyn Error>> {
        let btf = Btf::from_path(object)?;
        let number = |n: usize| u32::try_from(n).map(TypeId::from);
        let mut names = BTreeSet::new();
        for n in 1..btf.len() {
            let Some(one) = btf.type_by_id::<BtfType<'_>>(number(n)?) else {
                continue;
            };
            if let (Struct | Union | Enum | Enum64 | Typedef | Fwd, Some(name)) =
                (one.kind(), one.name())
            {
                let name = name.to_string_lossy();
                let name = name.split("___").next().unwrap_or_default();
                names.insert(name.to_owned());
            }
        }
        Ok(names)
    }

    /// The structs, enum values and numeric macros of `header`, as Rust.
    fn to_rust(header: &str) -> Result<String, Box<dyn Error>> {
        let mut rust = String::new();
        let mut in_enum = false;
        for (number, line) in header.lines().enumerate() {
            let malformed = || format!("records.h:{}: cannot read {line:?}", number + 1);
            let words: Vec<&str> = line
                .trim()
                .trim_end_matches([';', ','])
                .split_whitespace()
                .collect();
            match words[..] {
                [] | ["/*" | "*", ..] => {}
                ["struct", name, "{"] => writeln!(
                    rust,
                    "#[repr(C)]\n#[derive(Clone, Copy, Debug, zerocopy::FromBytes, \
                     zerocopy::Immutable, zerocopy::IntoBytes, zerocopy::KnownLayout)]\npub struct {} {{",
                    camel(name)
                )?,
                ["enum", _, "{"] => in_enum = true,
                ["}"] if in_enum => in_enum = false,
                ["}"] => rust.push_str("}\n"),
                [name, "=", value] if in_enum => {
                    writeln!(rust, "pub const {name}: u32 = {value};")?;
                }
                ["#define", name, value] => writeln!(rust, "pub const {name}: usize = {value};")?,
                [kind, field] => {
                    let kind = kind.strip_prefix("__").ok_or_else(malformed)?;
                    match field.split_once('[') {
                        None => writeln!(rust, "    pub {field}: {kind},")?,
                        Some((field, length)) => {
                            let length = length.strip_suffix(']').ok_or_else(malformed)?;
                            writeln!(rust, "    pub {field}: [{kind}; {length}],")?;
                        }
                    }
                }
                _ => return Err(malformed().into()),
            }
        }
        Ok(rust)
    }

    /// `user_record` → `UserRecord`.
    fn camel(name: &str) -> String {
        name.split('_')
            .map(|word| word[..1].to_uppercase() + &word[1..])
            .collect()
    }
}
