//! Foreign text in lines: whatever cannot be seen, or would move what can, is written as its number.
//!
//! Ids, paths, headers, answers of portals, errors of peers and libraries: any of them may hold a line feed and what looks
//! like a line of ours, a terminal's commands, or signs that turn the order of letters around. Here, right before a line is
//! written, it is told for all of them: a line is one line, whoever wrote it.

use std::{
    borrow::Cow,
    fmt::{self, Write as _},
    io,
};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{
        FormatFields,
        format::{DefaultFields, Writer},
    },
};

/// Whether a character is not seen as itself: controls, marks of direction, separators of lines, spaces without width.
pub fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// The same text on one line, without anything that cannot be seen.
pub fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return text.into();
    }
    let mut plain = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            c if is_hidden(c) => plain.extend(c.escape_default()),
            c => plain.push(c),
        }
    }
    plain.into()
}

/// Fields of lines and spans in text.
pub(super) struct PlainFields(pub DefaultFields);

impl<'writer> FormatFields<'writer> for PlainFields {
    fn format_fields<R: RecordFields>(&self, mut writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut text = String::new();
        self.0.format_fields(Writer::new(&mut text), fields)?;
        writer.write_str(&plain(&text))
    }
}

/// Lines in JSON, which come here whole: JSON itself escapes only some of it.
pub(super) struct PlainJson<W>(pub W);

impl<W: io::Write> io::Write for PlainJson<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match std::str::from_utf8(line) {
            Ok(text) if text.chars().any(is_hidden_in_json) => self.0.write_all(json(text).as_bytes())?,
            _ => self.0.write_all(line)?,
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// What stands below a space in a line of JSON is the line's end.
fn is_hidden_in_json(c: char) -> bool {
    c > ' ' && is_hidden(c)
}

fn json(text: &str) -> String {
    let mut plain = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_hidden_in_json(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String does not fail.
                let _ = write!(plain, "\\u{unit:04x}");
            }
        } else {
            plain.push(c);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::{LogFormat, lines_to};
    use std::sync::{Arc, Mutex};
    use tracing_subscriber::layer::SubscriberExt;

    const FOREIGN: [&str; 8] = [
        "a\n2026-01-01T00:00:00Z ERROR hubbub: forged\u{1b}[31m",
        "b\r\x08\x7f\0",
        "c\u{2028}d\u{2029}e\u{85}f\u{9b}31m",
        "\u{202e}evil\u{2066}\u{2069}\u{200f}\u{61c}",
        "g\u{200b}\u{feff}\u{e0041}h",
        "tab\there, \"quoted\" and \\ back",
        "\u{c4}nne M\u{fc}ller \u{1f642}",
        "\u{1b}]0;title\u{7}",
    ];

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Kept {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(text);
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// The lines that are written of all foreign texts, in every place one can stand.
    fn written(format: LogFormat, colours: bool) -> Vec<String> {
        let kept = Kept::default();
        let to = kept.clone();
        let subscriber = tracing_subscriber::registry().with(lines_to(format, colours, move || to.clone()));
        tracing::subscriber::with_default(subscriber, || {
            for foreign in FOREIGN {
                let span = tracing::info_span!("connection", path = foreign, user = tracing::field::Empty);
                span.record("user", foreign);
                let error = anyhow::anyhow!("{foreign}").context("refused");
                span.in_scope(|| {
                    tracing::info!(display = %foreign, debug = ?foreign, text = foreign, %error, chain = ?error, "told");
                    tracing::warn!("in words: {foreign}");
                });
            }
        });
        let bytes = kept.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap().split_terminator('\n').map(ToOwned::to_owned).collect()
    }

    #[test]
    fn whatever_is_told_a_line_is_one_line_and_all_of_it_is_seen() {
        for format in [LogFormat::Text, LogFormat::Json] {
            let lines = written(format, false);
            assert_eq!(lines.len(), 2 * FOREIGN.len(), "{lines:#?}");
            for line in &lines {
                assert!(!line.chars().any(is_hidden), "{line:?}");
                assert!(line.contains("told") || line.contains("in words"), "{line}");
            }
            let last = lines.iter().rfind(|line| line.contains("M\u{fc}ller")).unwrap();
            assert!(last.contains('\u{1f642}'), "what can be seen stays as it is: {last}");
        }
    }

    #[test]
    fn in_json_it_reads_as_it_was() {
        for (line, foreign) in written(LogFormat::Json, false).chunks(2).zip(FOREIGN) {
            let read: serde_json::Value = serde_json::from_str(&line[0]).unwrap();
            assert_eq!((&read["display"], &read["text"]), (&foreign.into(), &foreign.into()));
            assert_eq!(read["span"]["path"], foreign);
        }
    }

    #[test]
    fn on_a_terminal_only_our_own_colours_are_commands() {
        for line in written(LogFormat::Text, true) {
            let rest: String = line.split("\u{1b}[").skip(1).map(|part| part.split_once('m').unwrap().1).collect();
            assert!(!rest.chars().any(is_hidden), "{line:?}");
            assert!(!line.contains("\u{1b}[31mforged") && !line.contains("\u{1b}]0"), "{line:?}");
        }
    }

    #[test]
    fn plain_text_costs_nothing_and_the_rest_is_escaped() {
        assert!(matches!(plain("just text, \u{e4}\u{1f642}"), Cow::Borrowed(_)));
        assert_eq!(plain("a\nb\u{1b}[31m\u{202e}"), "a\\nb\\u{1b}[31m\\u{202e}");
    }
}
