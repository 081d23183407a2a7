//! HTML as a person reads it: the text, with line feeds where a browser begins a line. No tree is built, so nothing is nested.

use html5gum::{DefaultEmitter, EndTag, StartTag, Token, Tokenizer};
use std::collections::HashMap;

/// Elements of which nothing is read.
const UNREAD: [&str; 9] = ["script", "style", "title", "template", "iframe", "noembed", "noframes", "object", "svg"];
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
/// The parts of lists and tables, and which of them one ends that comes next.
const PARTS: [(&[&str], &[&str]); 5] = [
    (&["li"], &["li"]),
    (&["dt", "dd"], &["dt", "dd"]),
    (&["option"], &["option"]),
    (&["tr"], &["tr", "td", "th"]),
    (&["td", "th"], &["td", "th"]),
];
/// What such parts are parts of.
const WHOLES: [&str; 4] = ["ul", "ol", "dl", "table"];
/// What stands for an image of which nothing else can be said.
const IMAGE: &str = "[image]";
/// Schemes of images that anybody can fetch.
const WEB: [&str; 2] = ["https://", "http://"];
/// Schemes of links that are worth showing.
const SHOWN: [&str; 4] = ["https://", "http://", "mailto:", "tel:"];

/// What a person would read of this: entities decoded, scripts and styles left out, white space as a browser shows it; the
/// address of a link follows its text where the two differ, that of an image the text that stands for it.
pub fn text(html: &str) -> String {
    let mut page = Page::default();
    page.read(html, false);
    page.finish()
}

/// The address of something that can be looked at from elsewhere.
fn on_the_web(address: &str) -> Option<String> {
    if of_scheme(address, &WEB).is_some() {
        return Some(address.to_owned());
    }
    address.starts_with("//").then(|| format!("https:{address}"))
}

/// What follows the scheme of an address, where it is one of these.
fn of_scheme<'a>(address: &'a str, schemes: &[&str]) -> Option<&'a str> {
    let after = |scheme: &&str| {
        let (start, rest) = address.split_at_checked(scheme.len())?;
        start.eq_ignore_ascii_case(scheme).then_some(rest)
    };
    schemes.iter().find_map(after)
}

/// How many elements of a name are open, of those that stand for lines and cells.
#[derive(Default)]
struct Open(HashMap<&'static str, usize>);

impl Open {
    fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|count| *count > 0)
    }

    fn start(&mut self, name: &str) {
        let Some(name) = of_layout(name) else { return };
        // Whatever begins a line ends a paragraph.
        if LINES.contains(&name) {
            self.0.remove("p");
        }
        *self.0.entry(name).or_default() += 1;
    }

    fn end(&mut self, name: &str) {
        if let Some(count) = self.0.get_mut(name) {
            *count = count.saturating_sub(1);
        }
    }
}

fn of_layout(name: &str) -> Option<&'static str> {
    LINES.into_iter().chain(["td", "th"]).find(|known| *known == name)
}

/// An element of which nothing is read. Its end need not be written: browsers tell it from what comes next, and so must we, or
/// all that follows would be lost.
struct Unread {
    name: String,
    /// How many of its name are open, itself included.
    depth: usize,
    within: Open,
}

impl Unread {
    fn is_ended_by_start(&self, next: &str, around: &Open) -> bool {
        if matches!(self.name.as_str(), "template" | "object") {
            return false;
        }
        // One that stands in a line goes where the element around it goes.
        let ends = |part: &str| self.name == part || (of_layout(&self.name).is_none() && around.has(part));
        let is_drawing = self.name == "svg";
        (LINES.contains(&next) && (is_drawing || ends("p")))
            || (PARTS.iter().any(|(starts, ended)| starts.contains(&next) && ended.iter().any(|part| ends(part)))
                && !WHOLES.iter().any(|whole| self.within.has(whole)))
    }

    /// It is not open in here, so it is what is around.
    fn is_ended_by_end(&self, name: &str, around: &Open) -> bool {
        name != self.name && !self.within.has(name) && around.has(name)
    }
}

#[derive(Default)]
struct Page {
    out: String,
    unread: Option<Unread>,
    /// What is open and is read.
    open: Open,
    /// How many elements are open in which white space counts.
    preformatted: usize,
    /// White space is due before the next word.
    space: bool,
    /// An image was there, whether anything could be said of it or not.
    has_image: bool,
    /// A player is open that has nothing to play yet.
    plays_next: bool,
    /// The address of the link that is open, and where its text begins.
    link: Option<(String, usize)>,
}

impl Page {
    /// Reads this. `nested`: it was text to the tokenizer, as what stands in `noscript` is, where browsers run scripts; we run none.
    fn read(&mut self, html: &str, nested: bool) {
        let mut emitter = DefaultEmitter::<()>::default();
        emitter.naively_switch_states(true);
        let mut is_markup = false;
        for token in Tokenizer::new_with_emitter(html, emitter) {
            match token {
                Ok(Token::StartTag(tag)) => {
                    is_markup = !nested && *tag.name == b"noscript"[..];
                    self.start(&tag);
                }
                Ok(Token::EndTag(tag)) => {
                    is_markup = false;
                    self.end(&tag);
                }
                Ok(Token::String(text)) if is_markup => self.read(&String::from_utf8_lossy(&text), true),
                Ok(Token::String(text)) => self.text(&String::from_utf8_lossy(&text)),
                Ok(Token::Comment(_) | Token::Doctype(_) | Token::Error(_)) => {}
                // Reading from memory does not fail.
                Err(never) => match never {},
            }
        }
    }

    fn start(&mut self, tag: &StartTag<()>) {
        let name = std::str::from_utf8(&tag.name).unwrap_or_default();
        if let Some(unread) = &mut self.unread {
            if !unread.is_ended_by_start(name, &self.open) {
                unread.depth += usize::from(unread.name == name);
                unread.within.start(name);
                return;
            }
            self.unread = None;
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
        let framed = [("iframe", b"src".as_slice()), ("object", b"data")].into_iter().find(|(of, _)| *of == name);
        if let Some((_, address)) = framed.filter(|_| !is_hidden) {
            self.address(attribute(address).and_then(|address| on_the_web(&address)));
        }
        if is_hidden || UNREAD.contains(&name) {
            let is_whole = VOID.contains(&name) || (name == "svg" && tag.self_closing);
            if !is_whole {
                if LINES.contains(&name) && self.open.0.remove("p").is_some_and(|count| count > 0) {
                    self.line();
                }
                self.unread = Some(Unread { name: name.into(), depth: 1, within: Open::default() });
            }
            return;
        }
        self.open.start(name);
        match name {
            "br" => {
                self.space = false;
                self.trim();
                self.out.push('\n');
            }
            "td" | "th" => self.space = true,
            "input" if attribute(b"type").is_none_or(|kind| !kind.eq_ignore_ascii_case("image")) => {}
            // The first is what browsers read the second as.
            "img" | "image" | "input" => {
                let dot =
                    |side| attribute(side).is_some_and(|length| matches!(length.as_str(), "0" | "1" | "0px" | "1px"));
                let first = |list: String| list.split([' ', ',']).find(|one| !one.is_empty()).and_then(on_the_web);
                let address = attribute(b"src").and_then(|src| on_the_web(&src));
                // Of an image that a script is to load later.
                let later = || attribute(b"data-src").and_then(|src| on_the_web(&src));
                let address = address.or_else(|| attribute(b"srcset").and_then(first)).or_else(later);
                // Images of one pixel count readers; they show nothing.
                if !(dot(b"width") && dot(b"height")) {
                    self.image(attribute(b"alt"), address);
                }
            }
            "video" | "audio" | "embed" => {
                if LINES.contains(&name) {
                    self.line();
                }
                let address = attribute(b"src").and_then(|src| on_the_web(&src));
                self.plays_next = address.is_none();
                self.address(address);
            }
            // Of several that say the same the first.
            "source" => {
                let address = attribute(b"src").filter(|_| self.plays_next).and_then(|src| on_the_web(&src));
                self.plays_next &= address.is_none();
                self.address(address);
            }
            "a" => {
                self.close_link();
                let href = attribute(b"href").map(|href| on_the_web(&href).unwrap_or(href));
                self.link = href.map(|href| (href, self.out.len()));
            }
            _ if LINES.contains(&name) => self.line(),
            _ => {}
        }
        self.preformatted += usize::from(name == "pre");
    }

    fn end(&mut self, tag: &EndTag<()>) {
        let name = std::str::from_utf8(&tag.name).unwrap_or_default();
        if let Some(unread) = &mut self.unread {
            let is_over = unread.is_ended_by_end(name, &self.open);
            if !is_over {
                unread.within.end(name);
                unread.depth = unread.depth.saturating_sub(usize::from(unread.name == name));
                if unread.depth == 0 {
                    self.unread = None;
                }
                return;
            }
            self.unread = None;
        }
        self.open.end(name);
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

    /// One that stands for nothing (`alt=""`) is worth no word; of any other it is said that it is there.
    fn image(&mut self, alt: Option<String>, address: Option<String>) {
        self.has_image = true;
        match (alt.as_deref(), address) {
            (None | Some(""), Some(address)) => self.address(Some(address)),
            (Some(alt), Some(address)) => self.text(&format!("{alt} ({address})")),
            (alt, None) => self.text(alt.unwrap_or(IMAGE)),
        }
    }

    /// An address stands alone, or nobody could tell where it ends.
    fn address(&mut self, address: Option<String>) {
        if let Some(address) = address.filter(|_| self.unread.is_none()) {
            self.space = true;
            self.text(&address);
            self.space = true;
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
        let bare = |link: &str| of_scheme(link, &SHOWN).unwrap_or(link).trim_end_matches('/').to_owned();
        // A picture that leads to itself has said it.
        let is_said = bare(said) == bare(&href) || said.ends_with(&format!("({href})"));
        if of_scheme(&href, &SHOWN).is_some() && !is_said {
            if said.is_empty() {
                return self.address(Some(href));
            }
            let due = std::mem::replace(&mut self.space, true);
            self.text(&format!("({href})"));
            self.space = due;
        }
    }

    fn finish(mut self) -> String {
        self.close_link();
        if self.has_image && self.out.trim().is_empty() {
            return IMAGE.into();
        }
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
mod tests;
