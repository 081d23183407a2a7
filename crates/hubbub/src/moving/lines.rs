//! The lines of a file, none of them longer than it may be.

use anyhow::Context;
use hubbub_core::limits::IMPORT_LINE_BYTES;
use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

/// See the module.
pub(super) struct Lines {
    reader: Box<dyn BufRead>,
    line: Vec<u8>,
    /// Bytes that were read.
    pub read: u64,
    /// Bytes that there are, where that is known.
    pub total: Option<u64>,
}

impl Lines {
    /// Those of a file, or of standard input: `-`.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        if path == Path::new("-") {
            return Ok(Self::of(BufReader::new(io::stdin()), None));
        }
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let length = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
        Ok(Self::of(BufReader::with_capacity(1 << 16, file), length))
    }

    fn of(reader: impl BufRead + 'static, total: Option<u64>) -> Self {
        Self { reader: Box::new(reader), line: Vec::new(), read: 0, total }
    }

    /// Whether they can be read a second time.
    pub const fn is_file(&self) -> bool {
        self.total.is_some()
    }

    /// The next line, without its end; of one that is too long so much that this is told. What is no UTF-8 is an error that does not
    /// end the lines.
    pub fn next(&mut self) -> anyhow::Result<Option<Result<&str, &'static str>>> {
        self.line.clear();
        let most = IMPORT_LINE_BYTES as u64 + 2;
        let got = self.reader.by_ref().take(most).read_until(b'\n', &mut self.line).context("cannot read on")?;
        self.read += got as u64;
        if got == 0 {
            return Ok(None);
        }
        if self.line.ends_with(b"\n") {
            self.line.pop();
            self.line.pop_if(|byte| *byte == b'\r');
        } else if got as u64 == most {
            self.read += self.reader.skip_until(b'\n').context("cannot read on")? as u64;
            // So many bytes that it is too long, whatever they are.
            self.line.fill(b' ');
        }
        Ok(Some(std::str::from_utf8(&self.line).map_err(|_| "line: this is not UTF-8")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_too_long_or_no_text_ends_nothing() {
        let mut text = b"one\r\n\n".to_vec();
        text.extend(std::iter::repeat_n(b'x', 2 * IMPORT_LINE_BYTES));
        text.extend(b"\n\xff\xfe\nlast");
        let length = text.len() as u64;
        let mut lines = Lines::of(io::Cursor::new(text), Some(length));
        assert_eq!(lines.next().unwrap(), Some(Ok("one")));
        assert_eq!(lines.next().unwrap(), Some(Ok("")));
        assert!(lines.next().unwrap().unwrap().unwrap().len() > IMPORT_LINE_BYTES);
        assert!(lines.next().unwrap().unwrap().is_err());
        assert_eq!(lines.next().unwrap(), Some(Ok("last")));
        assert_eq!(lines.next().unwrap(), None);
        assert_eq!(lines.read, length);
    }
}
