//! For people: see [`crate::ui`], which draws.

use super::{Format, Write};

pub const FORMAT: Format = Format {
    name: "human",
    help: "Text for people",
    write: Write::Any(|document, _, screen, out| {
        let mut text = Vec::new();
        document.page(screen).write(&mut text)?;
        out.write_all(&text)
    }),
};
