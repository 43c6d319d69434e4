use std::collections::HashSet;
use std::sync::OnceLock;

use serde::Deserialize;
use thiserror::Error;

use super::pattern::Pattern;
use super::signature::Signature;
use crate::normalise::NormalForm;

const BUILTIN: &str = include_str!("builtin.toml");

/// Signatures, those of users before the built-in ones.
#[derive(Debug, Default)]
pub struct Table {
    signatures: Vec<Signature>,
    patterns: Vec<OnceLock<Option<Pattern>>>,
}

/// Why a file of signatures cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TableError {
    /// Not TOML, or not the fields of a signature.
    #[error("{file}: not a signature table: {why}")]
    Syntax {
        /// File.
        file: String,
        /// What the parser says, line and column included.
        why: String,
    },
    /// One entry is wrong.
    #[error("{file}: signature {entry}: {why}")]
    Entry {
        /// File.
        file: String,
        /// Its `id`, or its number where it has none.
        entry: String,
        /// What is wrong, and what to do.
        why: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    signature: Vec<toml::Spanned<toml::Value>>,
}

impl Table {
    /// The built-in signatures.
    ///
    /// # Errors
    /// Never for the table that ships: a test holds that.
    pub fn builtin() -> Result<Self, TableError> {
        let mut table = Self::default();
        table.append_builtin()?;
        Ok(table)
    }

    /// Users' signatures, `(file name, text)` each, then the built-in ones.
    ///
    /// # Errors
    /// Names the file, the entry and the reason.
    pub fn with_user(files: &[(String, String)]) -> Result<Self, TableError> {
        let mut table = Self::default();
        let mut seen = HashSet::new();
        for (file, text) in files {
            for (entry, signature) in parse(file, text)? {
                let wrong = |why: String| TableError::Entry {
                    file: file.clone(),
                    entry: entry.clone(),
                    why,
                };
                check(&signature).map_err(wrong)?;
                if !seen.insert(signature.id.clone()) {
                    return Err(wrong("this id is already used".to_owned()));
                }
                table.append(signature);
            }
        }
        table.append_builtin()?;
        Ok(table)
    }

    fn append_builtin(&mut self) -> Result<(), TableError> {
        for (_, signature) in parse("builtin.toml", BUILTIN)? {
            self.append(signature);
        }
        Ok(())
    }

    fn append(&mut self, signature: Signature) {
        self.patterns.push(OnceLock::new());
        self.signatures.push(signature);
    }

    /// All signatures, in the order in which they win a tie.
    #[must_use]
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// The pattern of signature `index`, compiled when first asked for.
    #[must_use]
    pub fn pattern(&self, index: usize) -> Option<&Pattern> {
        self.patterns
            .get(index)?
            .get_or_init(|| Pattern::new(&self.signatures[index]).ok())
            .as_ref()
    }
}

/// The entries, each with how messages call it: id and line.
fn parse(file: &str, text: &str) -> Result<Vec<(String, Signature)>, TableError> {
    let document: Document = toml::from_str(text).map_err(|e| TableError::Syntax {
        file: file.to_owned(),
        why: e.to_string().trim_end().to_owned(),
    })?;
    document
        .signature
        .into_iter()
        .enumerate()
        .map(|(n, value)| {
            let before = &text.as_bytes()[..value.span().start.min(text.len())];
            let line = 1 + memchr::memchr_iter(b'\n', before).count();
            let value = value.into_inner();
            let entry = value.get("id").and_then(toml::Value::as_str).map_or_else(
                || format!("number {} (line {line})", n + 1),
                |id| format!("\"{id}\" (line {line})"),
            );
            let signature: Result<Signature, toml::de::Error> = value.try_into();
            match signature {
                Ok(signature) => Ok((entry, signature)),
                Err(e) => Err(TableError::Entry {
                    file: file.to_owned(),
                    entry,
                    why: e.message().to_owned(),
                }),
            }
        })
        .collect()
}

/// A test checks the built-in table; users' files are checked when they are read.
fn check(signature: &Signature) -> Result<(), String> {
    let (literal, example) = (&signature.literal, &signature.example);
    if literal.len() < 6 {
        return Err(
            "its literal is shorter than 6 characters and would match too many lines".to_owned(),
        );
    }
    let pattern = Pattern::new(signature)
        .map_err(|e| format!("its pattern is not a valid regular expression: {e}"))?;
    let normal = |text: &str| NormalForm::of(text.as_bytes());
    let matches = |text: &str| pattern.find(signature, normal(text).text()).is_some();
    if !matches(example) {
        return Err("its pattern does not match its own example".to_owned());
    }
    let lower = normal(example).text().to_ascii_lowercase();
    if memchr::memmem::find(&lower, literal.to_ascii_lowercase().as_bytes()).is_none() {
        return Err(
            "its literal does not occur in its own example, so no line would match".to_owned(),
        );
    }
    match signature.not.iter().find(|t| matches(t)) {
        Some(wrong) => Err(format!(
            "its pattern matches a line from its own `not` list: {wrong}"
        )),
        None => Ok(()),
    }
}
