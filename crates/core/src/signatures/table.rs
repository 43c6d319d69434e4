use std::collections::HashSet;
use std::sync::OnceLock;

use serde::Deserialize;
use thiserror::Error;

use super::{Pattern, Signature};

const BUILTIN: &str = include_str!("builtin.toml");

/// Signatures, those of users before the built-in ones.
#[derive(Debug, Default)]
pub struct Table {
    signatures: Vec<Signature>,
    patterns: Vec<OnceLock<Option<Pattern>>>,
}

/// A file of signatures that cannot be used: names the file, the entry and the reason.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum TableError {
    /// Not TOML, or not the fields of a signature.
    #[error("{file}: not a table of signatures: {why}")]
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
        table.append(parse("builtin.toml", BUILTIN)?);
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
            let signatures = parse(file, text)?;
            for signature in &signatures {
                check(file, signature)?;
                if !seen.insert(signature.id.clone()) {
                    return Err(entry(file, signature, "this id was used before"));
                }
            }
            table.append(signatures);
        }
        table.append(parse("builtin.toml", BUILTIN)?);
        Ok(table)
    }

    fn append(&mut self, signatures: Vec<Signature>) {
        self.patterns
            .extend(signatures.iter().map(|_| OnceLock::new()));
        self.signatures.extend(signatures);
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

fn parse(file: &str, text: &str) -> Result<Vec<Signature>, TableError> {
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
            let name = value.get("id").and_then(toml::Value::as_str).map_or_else(
                || format!("number {} (line {line})", n + 1),
                |id| format!("\"{id}\" (line {line})"),
            );
            value
                .try_into()
                .map_err(|e: toml::de::Error| TableError::Entry {
                    file: file.to_owned(),
                    entry: name,
                    why: e.message().to_owned(),
                })
        })
        .collect()
}

/// What a test checks of the built-in table is checked of users' files when they are read.
fn check(file: &str, signature: &Signature) -> Result<(), TableError> {
    if signature.literal.len() < 6 {
        return Err(entry(
            file,
            signature,
            "its literal has fewer than 6 characters: too many lines would have it",
        ));
    }
    let pattern = Pattern::new(signature).map_err(|e| {
        entry(
            file,
            signature,
            &format!("its pattern is no regular expression: {e}"),
        )
    })?;
    let line = |text: &str| {
        pattern
            .find(signature, &crate::explain::unescape(text.as_bytes()))
            .is_some()
    };
    if !line(&signature.example) {
        return Err(entry(
            file,
            signature,
            "its pattern does not match its own example",
        ));
    }
    if let Some(wrong) = signature.not.iter().find(|t| line(t)) {
        return Err(entry(
            file,
            signature,
            &format!("its pattern matches a line that it must not match: {wrong}"),
        ));
    }
    Ok(())
}

fn entry(file: &str, signature: &Signature, why: &str) -> TableError {
    TableError::Entry {
        file: file.to_owned(),
        entry: format!("\"{}\"", signature.id),
        why: why.to_owned(),
    }
}
