//! Holds inotify in given ways; see the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    nospace_holder::main()
}
