//! Compiles the BPF programs, and generates their skeletons and the list of kernel types that they read.

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
    use std::path::{Path, PathBuf};
    use std::{env, fs};

    use libbpf_cargo::SkeletonBuilder;
    use libbpf_rs::btf::BtfKind::{Enum, Enum64, Fwd, Struct, Typedef, Union};
    use libbpf_rs::btf::{Btf, BtfType, TypeId};

    /// Every `src/bpf/NAME.bpf.c` becomes `OUT_DIR/NAME.bpf.o` and `OUT_DIR/NAME.skel.rs`.
    const PROGRAMS: [&str; 7] = [
        "accounting",
        "accounting_direct",
        "guard",
        "tables",
        "tables_direct",
        "trace",
        "watches",
    ];
    /// Objects that libbpf loads with all of the kernel's types: what only they read would cost all others time.
    const BY_KERNEL_BTF: [&str; 1] = ["guard"];
    const SOURCES: &str = "src/bpf";

    pub fn build() -> Result<(), Box<dyn Error>> {
        println!("cargo::rerun-if-changed={SOURCES}");
        let out = PathBuf::from(env::var("OUT_DIR")?);
        let mut types = BTreeSet::new();
        for name in PROGRAMS {
            compile(name, &out).map_err(|e| format!("cannot compile {name}.bpf.c: {e:#}"))?;
            if !BY_KERNEL_BTF.contains(&name) {
                types.extend(type_names(&out.join(format!("{name}.bpf.o")))?);
            }
        }
        fs::write(out.join("types.txt"), Vec::from_iter(types).join("\n"))?;
        Ok(())
    }

    /// The same bytes in any directory that nospace is built in.
    fn compile(name: &str, out: &Path) -> Result<(), Box<dyn Error>> {
        let skeleton = out.join(format!("{name}.skel.rs"));
        SkeletonBuilder::new()
            .source(Path::new(SOURCES).join(format!("{name}.bpf.c")))
            .obj(out.join(format!("{name}.bpf.o")))
            .reference_obj(true)
            // An object names the source of each of its instructions: from this crate's directory.
            .clang_args([
                "-Wall",
                "-Werror",
                "-Wno-unused-function",
                "-fdebug-compilation-dir=.",
            ])
            .build_and_generate(&skeleton)?;
        // A skeleton names its object, which is beside it. The length of a path would be in the symbols of the program.
        let generated = fs::read_to_string(&skeleton)?;
        fs::write(
            &skeleton,
            generated.replace(&format!("{}/", out.display()), ""),
        )?;
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
}
