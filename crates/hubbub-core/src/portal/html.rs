//! HTML as a person reads it: the text, with line feeds where a browser begins a line. No tree is built, so nothing is nested.

use html5gum::{DefaultEmitter, EndTag, StartTag, Token, Tokenizer};

/// Elements of which nothing is read.
const UNREAD: [&str; 10] =
    ["head", "script", "style", "title", "template", "iframe", "noembed", "noframes", "object", "svg"];
/// Elements that begin and end a line.
const LINES: [&str; 38] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "center",
    "dd",
    "details",
    "dialog",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "nav",
    "ol",
    "option",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "tr",
    "ul",
    "video",
];
/// Elements without an end.
const VOID: [&str; 13] =
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"];
/// Schemes of links that are worth showing.
const SHOWN: [&str; 4] = ["https://", "http://", "mailto:", "tel:"];

/// What a person would read of this: entities decoded, scripts and styles left out, white space as a browser shows it; the
/// address of a link follows its text where the two differ.
pub fn text(html: &str) -> String {
    let mut emitter = DefaultEmitter::<()>::default();
    emitter.naively_switch_states(true);
    let mut page = Page::default();
    for token in Tokenizer::new_with_emitter(html, emitter) {
        match token {
            Ok(Token::StartTag(tag)) => page.start(&tag),
            Ok(Token::EndTag(tag)) => page.end(&tag),
            Ok(Token::String(text)) => page.text(&String::from_utf8_lossy(&text)),
            Ok(Token::Comment(_) | Token::Doctype(_) | Token::Error(_)) => {}
            // Reading from memory does not fail.
            Err(never) => match never {},
        }
    }
    page.finish()
}

#[derive(Default)]
struct Page {
    out: String,
    /// An element of which nothing is read, and how many of its name are open within.
    unread: Option<(Vec<u8>, usize)>,
    /// How many elements are open in which white space counts.
    preformatted: usize,
    /// White space is due before the next word.
    space: bool,
    /// The address of the link that is open, and where its text begins.
    link: Option<(String, usize)>,
}

impl Page {
    fn start(&mut self, tag: &StartTag<()>) {
        let name = std::str::from_utf8(&tag.name).unwrap_or_default();
        if let Some((unread, depth)) = &mut self.unread {
            *depth += usize::from(unread.as_slice() == name.as_bytes());
            // A head need not be closed.
            if name == "body" && unread.as_slice() == b"head" {
                self.unread = None;
            }
            return;
        }
        let attribute = |name: &[u8]| {
            let value = tag.attributes.get(name)?;
            Some(String::from_utf8_lossy(value).trim().to_owned())
        };
        let is_hidden = attribute(b"hidden").is_some()
            || attribute(b"style").is_some_and(|style| {
                let style: String = style.chars().filter(|c| !c.is_whitespace()).collect();
                style.to_ascii_lowercase().contains("display:none")
            });
        if is_hidden || UNREAD.contains(&name) {
            let is_whole = VOID.contains(&name) || (name == "svg" && tag.self_closing);
            if !is_whole {
                self.unread = Some((name.into(), 1));
            }
            return;
        }
        match name {
            "br" => {
                self.space = false;
                self.trim();
                self.out.push('\n');
            }
            "td" | "th" => self.space = true,
            "img" => self.text(&attribute(b"alt").unwrap_or_default()),
            "a" => {
                self.close_link();
                self.link = attribute(b"href").map(|href| (href, self.out.len()));
            }
            _ if LINES.contains(&name) => self.line(),
            _ => {}
        }
        self.preformatted += usize::from(name == "pre");
    }

    fn end(&mut self, tag: &EndTag<()>) {
        let name = std::str::from_utf8(&tag.name).unwrap_or_default();
        if let Some((unread, depth)) = &mut self.unread {
            *depth -= usize::from(unread.as_slice() == name.as_bytes());
            if *depth == 0 {
                self.unread = None;
            }
            return;
        }
        match name {
            "a" => self.close_link(),
            "pre" => self.preformatted = self.preformatted.saturating_sub(1),
            _ => {}
        }
        if LINES.contains(&name) {
            self.line();
        }
    }

    fn text(&mut self, text: &str) {
        if self.unread.is_some() {
            return;
        }
        for c in text.chars() {
            match c {
                // Browsers pass over it, too.
                '\0' => {}
                ' ' | '\t' | '\n' | '\r' | '\u{c}' if self.preformatted == 0 => self.space = true,
                c => {
                    if std::mem::take(&mut self.space) && !self.out.is_empty() && !self.out.ends_with('\n') {
                        self.out.push(' ');
                    }
                    self.out.push(if c == '\u{a0}' { ' ' } else { c });
                }
            }
        }
    }

    /// The next word begins a line.
    fn line(&mut self) {
        self.space = false;
        self.trim();
        if !self.out.is_empty() && !self.out.ends_with('\n') {
            self.out.push('\n');
        }
    }

    fn trim(&mut self) {
        let end = self.out.trim_end_matches(' ').len();
        self.out.truncate(end);
    }

    fn close_link(&mut self) {
        let Some((href, began)) = self.link.take() else { return };
        let said = self.out.get(began..).unwrap_or_default().trim();
        let bare = |link: &str| {
            let link = SHOWN.into_iter().find_map(|scheme| link.strip_prefix(scheme)).unwrap_or(link);
            link.trim_end_matches('/').to_owned()
        };
        if SHOWN.into_iter().any(|scheme| href.starts_with(scheme)) && bare(said) != bare(&href) {
            let address = if said.is_empty() { href } else { format!("({href})") };
            let due = std::mem::replace(&mut self.space, !said.is_empty());
            self.text(&address);
            self.space = due;
        }
    }

    fn finish(mut self) -> String {
        self.close_link();
        let mut text = String::with_capacity(self.out.len());
        let mut feeds = 0;
        for c in self.out.trim().chars() {
            feeds = if c == '\n' { feeds + 1 } else { 0 };
            // One empty line is enough.
            if feeds <= 2 {
                text.push(c);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_reads_lines_and_words() {
        for (html, read) in [
            ("<p>Good morning,</p>\n<p>your parcel&nbsp;is <b>here</b>.</p>", "Good morning,\nyour parcel is here."),
            ("one<br>two<br/><br />four", "one\ntwo\n\nfour"),
            ("a<br><br><br><br>b", "a\n\nb"),
            ("<ul><li>red <li>blue</ul>after", "red\nblue\nafter"),
            ("<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>", "1 2\n3"),
            ("&lt;b&gt; &amp; &eacute; &#128512; &#x41; &unknown; 5 < 6 &copy", "<b> & é 😀 A &unknown; 5 < 6 ©"),
            ("  in \n a\tline  ", "in a line"),
            ("<pre>x\n  y</pre>z", "x\n  y\nz"),
            ("<html><head><title>T</title><style>p{}</style></head><body>B</body></html>", "B"),
            ("<head><meta charset=utf-8><body>B", "B"),
            ("a<script>if (1 < 2) { '</b>' }</script>b<style>x</style>c<!-- d -->e", "abce"),
            ("<div style='DISPLAY : none'>preview <div>x</div></div><span hidden>y</span>seen", "seen"),
            ("<em>*</em> <img alt='a cat' src=x> <img src=y>.", "* a cat ."),
            ("a\0b&#0;", "ab\u{fffd}"),
            ("<textarea>kept</textarea>", "kept"),
            ("", ""),
            ("plain", "plain"),
            ("<p", ""),
            ("</nothing></p>x</div>", "x"),
        ] {
            assert_eq!(text(html), read, "{html}");
        }
    }

    #[test]
    fn a_link_is_followed_by_its_address_where_that_is_something_else() {
        for (html, read) in [
            (
                "see <a href='https://a.example/x?y=1&amp;z=2'>our page</a>!",
                "see our page (https://a.example/x?y=1&z=2)!",
            ),
            ("<a href='https://a.example/'>a.example</a>", "a.example"),
            ("<a href='https://a.example'>https://a.example/</a>", "https://a.example/"),
            ("<a href='mailto:a@a.example'>a@a.example</a>", "a@a.example"),
            ("<a href='javascript:alert(1)'>click</a> <a href='#x'>up</a> <a name=q>q</a>", "click up q"),
            ("<a href='https://a.example'><img src=x></a>", "https://a.example"),
            (
                "<a href=https://a.example>one <a href=https://b.example>two",
                "one (https://a.example) two (https://b.example)",
            ),
        ] {
            assert_eq!(text(html), read, "{html}");
        }
    }

    /// Were any of these quadratic, they would take minutes.
    #[test]
    fn hostile_input_is_read_in_linear_time_and_without_a_stack() {
        const N: usize = 100_000;
        assert_eq!(text(&format!("{}deep{}", "<div>".repeat(N), "</div>".repeat(N))), "deep");
        assert_eq!(text(&format!("{}deep", "<b><p><a href=x>".repeat(N))), "deep");
        assert_eq!(text(&format!("<p title='{}'>x", "y".repeat(10 * N))), "x");
        let attributes: String = (0..N).map(|n| format!(" a{n}=1")).collect();
        assert_eq!(text(&format!("<p{attributes}>x")), "x");
        assert_eq!(text(&format!("{}x", "<br>".repeat(N))), "x");
        assert_eq!(text(&format!("{}x", "<svg>".repeat(N))), "");
        assert_eq!(text(&"<a href=https://a.example>b".repeat(N)).len(), N * "b (https://a.example)".len());
        assert_eq!(text(&"<!--".repeat(N)), "");
        assert_eq!(text(&format!("{}x", " <p> ".repeat(N))), "x");
        assert_eq!(text(&"&".repeat(N)).len(), N);
    }
}
