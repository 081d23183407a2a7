//! The program without this process' own variables: whoever runs the tests may have set some for other purposes.

use std::{ffi::OsStr, process::Command};

/// A command that runs our program.
pub fn hubbub() -> Command {
    bare(env!("CARGO_BIN_EXE_hubbub"))
}

/// A command that runs a program which is ours, or becomes it.
pub fn bare(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    let own = std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("HUBBUB_"));
    own.for_each(|(name, _)| {
        command.env_remove(name);
    });
    command
}
