//! What commands say on standard output, and what is wrong on standard error. Nothing here panics where nobody reads, as
//! `println!` and `eprintln!` do.

use std::{
    fmt::Display,
    io::{self, ErrorKind, Write},
};

/// Why a command ended, and whether other flags would have helped.
pub enum Failure {
    /// The flags or the configuration are wrong.
    Configuration(anyhow::Error),
    /// It has been said.
    Told,
    /// Something else.
    Other(anyhow::Error),
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

/// Says a line. Where nobody reads any more (`hubbub openapi | head`) the command ends, quietly: nobody would hear the rest.
pub fn line(text: impl Display) {
    if !finding(text) {
        std::process::exit(0);
    }
}

/// Says a line of a command whose exit code says what it has found, and which goes on for that where nobody reads any more.
/// Whether somebody did.
pub fn finding(text: impl Display) -> bool {
    say(&mut io::stdout().lock(), &text).unwrap_or_else(|error| {
        complaint(format_args!("standard output: {error}"));
        std::process::exit(1)
    })
}

/// Says on standard error what is wrong, where somebody hears it.
pub fn complaint(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "hubbub: {text}");
}

/// Says on standard error how far something is, where somebody hears it. `end`: a line feed, or nothing where it is to be written over.
pub fn progress(text: impl Display, end: &str) {
    let mut stderr = io::stderr().lock();
    let _ = write!(stderr, "{text}{end}").and_then(|()| stderr.flush());
}

/// Writes whole lines to standard output. Where nobody reads any more the command ends, quietly.
pub fn lines(text: &str) {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::BrokenPipe => std::process::exit(0),
        Err(error) => {
            complaint(format_args!("standard output: {error}"));
            std::process::exit(1)
        }
    }
}

/// Says a line where somebody hears it: for what goes on serving when nobody does.
pub fn notice(text: impl Display) {
    let _ = say(&mut io::stdout().lock(), &text);
}

/// Whether somebody was there to read it.
fn say(to: &mut impl Write, text: &impl Display) -> io::Result<bool> {
    match writeln!(to, "{text}").and_then(|()| to.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        said => said.map(|()| true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Breaks after some bytes, like this.
    struct Breaks(usize, ErrorKind);

    impl Write for Breaks {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let taken = bytes.len().min(self.0);
            self.0 -= taken;
            if taken == 0 { Err(self.1.into()) } else { Ok(taken) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_is_no_error_and_everything_else_is_one() {
        assert!(say(&mut Breaks(6, ErrorKind::BrokenPipe), &"hello").unwrap());
        assert!(!say(&mut Breaks(5, ErrorKind::BrokenPipe), &"hello").unwrap());
        assert!(!say(&mut Breaks(0, ErrorKind::BrokenPipe), &42).unwrap());
        assert_eq!(say(&mut Breaks(3, ErrorKind::StorageFull), &"hello").unwrap_err().kind(), ErrorKind::StorageFull);
    }
}
