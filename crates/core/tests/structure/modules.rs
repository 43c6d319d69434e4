//! The modules of a crate, and which of them names an item of which.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, Item, ItemMod, ItemUse, UseTree, Visibility};

/// A module's place below the crate's root, `["parse", "keys"]`.
pub type Place = Vec<String>;

/// What a `use` brings into a module.
struct Import {
    /// `None` for a glob.
    name: Option<String>,
    path: Vec<String>,
}

#[derive(Default)]
struct Module {
    place: Place,
    /// The module of the file that it is written in.
    file: usize,
    parent: usize,
    children: BTreeMap<String, usize>,
    items: BTreeSet<String>,
    imports: Vec<Import>,
    /// Paths that the module names, re-exports of what lies below it left out.
    mentions: BTreeSet<Vec<String>>,
}

/// All modules of a crate but those for tests.
#[derive(Default)]
pub struct Modules(Vec<Module>);

/// Which module names which, each with one of the paths by which it does.
pub type Edges = BTreeMap<(Place, Place), String>;

impl Modules {
    /// Reads a crate from its `lib.rs`.
    pub fn read(root: &Path) -> Self {
        let mut modules = Self(vec![Module::default()]);
        modules.file(root, 0);
        modules
    }

    /// Every use of one file's items in another; modules within a file are that file.
    pub fn edges(&self) -> Edges {
        let mut edges = Edges::new();
        for (number, module) in self.0.iter().enumerate() {
            for path in &module.mentions {
                let Some(target) = self.resolve(number, path, 0) else {
                    continue;
                };
                let (from, to) = (module.file, self.0[target].file);
                if from != to {
                    let pair = (self.0[from].place.clone(), self.0[to].place.clone());
                    edges.entry(pair).or_insert_with(|| path.join("::"));
                }
            }
        }
        edges
    }

    fn file(&mut self, path: &Path, number: usize) {
        let source = fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let parsed = syn::parse_file(&source).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let stem = path.file_stem().unwrap_or_default();
        let directory = path.with_file_name("");
        let below = match stem.to_str() {
            Some("lib" | "main" | "mod") => directory,
            _ => directory.join(stem),
        };
        self.items(number, parsed.items, Some(&below));
    }

    /// `below`: where the files of child modules are; `None` within a module that is no file.
    fn items(&mut self, number: usize, items: Vec<Item>, below: Option<&Path>) {
        for item in items {
            if let Item::Mod(child) = item {
                self.child(number, child, below);
                continue;
            }
            let mut reader = Reader {
                module: &mut self.0[number],
            };
            reader.visit_item(&item);
        }
    }

    fn child(&mut self, parent: usize, module: ItemMod, below: Option<&Path>) {
        if is_test(&module.attrs) {
            return;
        }
        let name = module.ident.to_string();
        let number = self.0.len();
        let mut place = self.0[parent].place.clone();
        place.push(name.clone());
        let file = match module.content {
            Some(_) => self.0[parent].file,
            None => number,
        };
        self.0[parent].children.insert(name.clone(), number);
        self.0.push(Module {
            place,
            file,
            parent,
            ..Module::default()
        });
        match (module.content, below) {
            (Some((_, items)), _) => self.items(number, items, None),
            (None, Some(below)) => {
                let alone: PathBuf = below.join(format!("{name}.rs"));
                let path = match alone.exists() {
                    true => alone,
                    false => below.join(name).join("mod.rs"),
                };
                self.file(&path, number);
            }
            (None, None) => panic!("module {name} within a module without a file of its own"),
        }
    }

    /// The module that defines what `path` means in module `from`; `None` for other crates and local names.
    fn resolve(&self, from: usize, path: &[String], depth: usize) -> Option<usize> {
        let first = path.first()?;
        let supers = path.iter().take_while(|word| *word == "super").count();
        let (mut at, rest) = match first.as_str() {
            _ if depth > 20 => return None,
            "crate" => (0, &path[1..]),
            "self" => (from, &path[1..]),
            "super" => {
                let up = (0..supers).fold(from, |at, _| self.0[at].parent);
                (up, &path[supers..])
            }
            _ if self.knows(from, first) => (from, path),
            _ => return None,
        };
        for (place, name) in rest.iter().enumerate() {
            let module = &self.0[at];
            if let Some(&child) = module.children.get(name) {
                at = child;
                continue;
            }
            if module.items.contains(name) {
                return Some(at);
            }
            let rest = &rest[place + 1..];
            let named = module.imports.iter();
            let named = named.filter(|import| import.name.as_ref() == Some(name));
            let named = named.map(|import| import.path.iter().chain(rest).cloned().collect());
            let globs = module.imports.iter().filter(|import| {
                let target = self.resolve(at, &import.path, depth + 1);
                import.name.is_none() && target.is_some_and(|target| self.knows(target, name))
            });
            let globs = globs.map(|glob| {
                glob.path
                    .iter()
                    .chain([name])
                    .chain(rest)
                    .cloned()
                    .collect()
            });
            let mut paths = named.chain(globs);
            return match paths.next() {
                Some(path) => {
                    let path: Vec<String> = path;
                    self.resolve(at, &path, depth + 1)
                }
                None => Some(at),
            };
        }
        Some(at)
    }

    fn knows(&self, module: usize, name: &str) -> bool {
        let module = &self.0[module];
        let mut imports = module.imports.iter();
        module.children.contains_key(name)
            || module.items.contains(name)
            || imports.any(|import| import.name.as_deref().is_none_or(|one| one == name))
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let tokens = match &attribute.meta {
            syn::Meta::List(list) => list.tokens.to_string(),
            _ => String::new(),
        };
        attribute.path().is_ident("cfg") && tokens.contains("test")
    })
}

struct Reader<'m> {
    module: &'m mut Module,
}

impl Reader<'_> {
    fn tree(&mut self, prefix: &[String], tree: &UseTree, is_public: bool) {
        let path = |name: &dyn ToString| -> Vec<String> {
            let name = name.to_string();
            let own = (name != "self").then_some(name);
            prefix.iter().cloned().chain(own).collect()
        };
        let (name, path) = match tree {
            UseTree::Path(inner) => {
                return self.tree(&path(&inner.ident), &inner.tree, is_public);
            }
            UseTree::Group(group) => {
                let trees = group.items.iter();
                return trees.for_each(|tree| self.tree(prefix, tree, is_public));
            }
            UseTree::Name(name) => {
                let path = path(&name.ident);
                (path.last().cloned(), path)
            }
            UseTree::Rename(rename) => (Some(rename.rename.to_string()), path(&rename.ident)),
            UseTree::Glob(_) => (None, prefix.to_vec()),
        };
        // A re-export of what lies below is no use of it.
        let is_below = || {
            let first = path.first().map(String::as_str);
            !matches!(first, Some("crate" | "super"))
        };
        if !(is_public && is_below()) {
            self.module.mentions.insert(path.clone());
        }
        self.module.imports.push(Import { name, path });
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let name = match item {
            Item::Const(item) => Some(&item.ident),
            Item::Enum(item) => Some(&item.ident),
            Item::Fn(item) => Some(&item.sig.ident),
            Item::Static(item) => Some(&item.ident),
            Item::Struct(item) => Some(&item.ident),
            Item::Trait(item) => Some(&item.ident),
            Item::Type(item) => Some(&item.ident),
            Item::Macro(item) => item.ident.as_ref(),
            _ => None,
        };
        self.module.items.extend(name.map(ToString::to_string));
        visit::visit_item(self, item);
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if !is_test(&item.attrs) {
            let is_public = !matches!(item.vis, Visibility::Inherited);
            self.tree(&[], &item.tree, is_public);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path.segments.iter().map(|one| one.ident.to_string());
        let segments: Vec<String> = segments.collect();
        if segments.len() > 1 {
            self.module.mentions.insert(segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        // The arguments of a macro are only words; paths among them are written `a :: b`.
        let text = item.tokens.to_string().replace(" :: ", "::");
        let words = text.split(|letter: char| !(letter.is_alphanumeric() || "_:".contains(letter)));
        for word in words.filter(|word| word.contains("::")) {
            let path = word.split("::").filter(|part| !part.is_empty());
            self.module
                .mentions
                .insert(path.map(str::to_owned).collect());
        }
        visit::visit_macro(self, item);
    }
}
