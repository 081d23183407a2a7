//! Texts with places that are filled in: `Order {/session/id}: {/message/text|html}`.
//!
//! A place is `{`, a JSON Pointer (RFC 6901) into the event, and `}`. Several pointers with `|` between: the first that finds
//! something. `?` after the last: it may find nothing. Then, each after a `|`, how what was found is written. `{{` and `}}` are
//! braces.

use super::event::Document;
use crate::model::time::Timestamp;
use base64::{Engine, engine::general_purpose::STANDARD};
use std::{borrow::Cow, fmt};

/// A template, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template<'t> {
    pieces: Vec<Piece<'t>>,
}

/// A part of a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece<'t> {
    /// Text, as it is.
    Text(&'t str),
    /// A brace.
    Brace(&'static str),
    /// A place to be filled in.
    Place(Place<'t>),
}

/// A place to be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place<'t> {
    /// Where to look, in this order.
    pub pointers: Vec<&'t str>,
    /// It may find nothing.
    pub optional: bool,
    /// How what was found is written, one after another.
    pub filters: Vec<Filter>,
}

/// How what was found is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// Text within HTML.
    Html,
    /// Text within Slack's mrkdwn.
    Slack,
    /// The value as JSON.
    Json,
    /// Its bytes in base64.
    Base64,
    /// A number that is written as a text, as a number.
    Number,
    /// A time, as seconds since 1970.
    Seconds,
    /// A time, as milliseconds since 1970.
    Milliseconds,
}

impl Filter {
    const ALL: [(&'static str, Self); 7] = [
        ("html", Self::Html),
        ("slack", Self::Slack),
        ("json", Self::Json),
        ("base64", Self::Base64),
        ("number", Self::Number),
        ("seconds", Self::Seconds),
        ("milliseconds", Self::Milliseconds),
    ];

    /// Whether what it writes is a number.
    const fn is_number(self) -> bool {
        matches!(self, Self::Number | Self::Seconds | Self::Milliseconds)
    }

    /// A text, written so; `None`: it cannot be.
    fn write(self, text: &str) -> Option<String> {
        let time = || Timestamp::parse(text).map(|time| time.0);
        Some(match self {
            Self::Base64 => STANDARD.encode(text),
            Self::Json => serde_json::Value::from(text).to_string(),
            Self::Number => serde_json::from_str::<serde_json::Number>(text).ok().map(|_| text.to_owned())?,
            Self::Seconds => time()?.div_euclid(1_000).to_string(),
            Self::Milliseconds => time()?.to_string(),
            Self::Html | Self::Slack => {
                let mut written = String::with_capacity(text.len());
                for c in text.chars() {
                    match self.entity(c) {
                        Some(entity) => written.push_str(entity),
                        None => written.push(c),
                    }
                }
                written
            }
        })
    }

    const fn entity(self, c: char) -> Option<&'static str> {
        match (self, c) {
            (Self::Html | Self::Slack, '&') => Some("&amp;"),
            (Self::Html | Self::Slack, '<') => Some("&lt;"),
            (Self::Html | Self::Slack, '>') => Some("&gt;"),
            (Self::Html, '"') => Some("&quot;"),
            (Self::Html, '\'') => Some("&#39;"),
            _ => None,
        }
    }

    /// How many characters this one becomes.
    pub fn width(self, c: char) -> usize {
        match (self, c) {
            (Self::Json, '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}') => 2,
            (Self::Json, '\0'..='\u{1f}') => 6,
            _ => self.entity(c).map_or(1, str::len),
        }
    }
}

/// Why a template is none, or cannot be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault(pub String);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn fault<T>(why: impl Into<String>) -> Result<T, Fault> {
    Err(Fault(why.into()))
}

impl<'t> Template<'t> {
    /// Reads a template.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &'t str) -> Result<Self, Fault> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            if !before.is_empty() {
                pieces.push(Piece::Text(before));
            }
            rest = if let Some(after) = from.strip_prefix("{{") {
                pieces.push(Piece::Brace("{"));
                after
            } else if let Some(after) = from.strip_prefix("}}") {
                pieces.push(Piece::Brace("}"));
                after
            } else if let Some(inner) = from.strip_prefix('{') {
                let Some((place, after)) = inner.split_once('}') else {
                    return fault("a { is not closed; a brace itself is written {{");
                };
                pieces.push(Piece::Place(Place::parse(place)?));
                after
            } else {
                return fault("a } has no {; a brace itself is written }}");
            };
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest));
        }
        Ok(Self { pieces })
    }

    /// Its parts, in order.
    pub fn pieces(&self) -> &[Piece<'t>] {
        &self.pieces
    }

    /// The places that are to be filled in.
    pub fn places(&self) -> impl Iterator<Item = &Place<'t>> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Place(place) => Some(place),
            Piece::Text(_) | Piece::Brace(_) => None,
        })
    }

    /// The place that is all of it, where what is found is to be taken as it is.
    pub fn whole(&self) -> Option<&Place<'t>> {
        match self.pieces.as_slice() {
            [Piece::Place(place)] => Some(place),
            _ => None,
        }
    }

    /// Whether it is one place that may find nothing: then it may stand for nothing at all.
    pub fn is_optional(&self) -> bool {
        self.whole().is_some_and(|place| place.optional)
    }

    /// Filled in, with `write` for what was found in each place.
    ///
    /// # Errors
    /// Which place cannot be filled in.
    pub fn fill(
        &self,
        event: &Document,
        write: impl Fn(&Place<'_>, String) -> Result<String, Fault>,
    ) -> Result<String, Fault> {
        let mut filled = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => filled.push_str(text),
                Piece::Brace(brace) => filled.push_str(brace),
                Piece::Place(place) => {
                    let found = place.text(event)?.unwrap_or_default();
                    filled.push_str(&write(place, found)?);
                }
            }
        }
        Ok(filled)
    }
}

impl<'t> Place<'t> {
    fn parse(inner: &'t str) -> Result<Self, Fault> {
        let shown = format!("`{{{inner}}}`");
        if !inner.starts_with('/') {
            return fault(format!("{shown}: after {{ stands a pointer like /message/text; a brace is written {{{{"));
        }
        if inner.contains('{') {
            return fault(format!("{shown}: a {{ within a pointer"));
        }
        let mut place = Self { pointers: vec![], optional: false, filters: vec![] };
        for part in inner.split('|') {
            if !part.starts_with('/') {
                let filter = Filter::ALL.into_iter().find(|(name, _)| *name == part);
                let Some((_, filter)) = filter else {
                    let known = Filter::ALL.map(|(name, _)| name).join(", ");
                    return fault(format!("{shown}: `{part}` is neither a pointer nor one of {known}"));
                };
                place.filters.push(filter);
                continue;
            }
            if !place.filters.is_empty() || place.optional {
                return fault(format!("{shown}: `{part}` stands after what ends the pointers"));
            }
            let (pointer, optional) = part.strip_suffix('?').map_or((part, false), |bare| (bare, true));
            place.optional = optional;
            if pointer.split('~').skip(1).any(|after| !after.starts_with(['0', '1'])) {
                return fault(format!("{shown}: after ~ stands 0 or 1 (RFC 6901)"));
            }
            place.pointers.push(pointer);
        }
        Ok(place)
    }

    /// What is there, as JSON. With several pointers a text that is empty is nothing.
    fn raw<'e>(&self, event: &'e Document) -> Option<&'e str> {
        let mut found = self.pointers.iter().filter_map(|pointer| event.at(pointer));
        match self.pointers.len() {
            1 => found.next(),
            _ => found.find(|json| *json != r#""""#),
        }
    }

    fn missing<T>(&self) -> Result<Option<T>, Fault> {
        if self.optional {
            return Ok(None);
        }
        fault(format!("`{}` finds nothing", self.pointers.join("`, `")))
    }

    /// What is found, as JSON of whatever type.
    ///
    /// # Errors
    /// Where nothing is, and something must be.
    pub fn json<'e>(&self, event: &'e Document) -> Result<Option<Cow<'e, str>>, Fault> {
        if self.filters.is_empty() {
            return self.raw(event).map_or_else(|| self.missing(), |json| Ok(Some(json.into())));
        }
        let is_number = self.filters.last().is_some_and(|last| last.is_number());
        let write = |text: String| if is_number { text } else { serde_json::Value::from(text).to_string() };
        Ok(self.text(event)?.map(|text| write(text).into()))
    }

    /// What is found, as text.
    ///
    /// # Errors
    /// Where nothing is and something must be, or it is neither a text nor a number nor true or false.
    pub fn text(&self, event: &Document) -> Result<Option<String>, Fault> {
        let Some(json) = self.raw(event) else { return self.missing() };
        let (mut text, rest) = match self.filters.split_first() {
            Some((Filter::Json, rest)) => (json.to_owned(), rest),
            _ if json.starts_with(['{', '[']) => {
                let pointer = self.pointers.join("`, `");
                let what = if json.starts_with('{') { "an object" } else { "an array" };
                return fault(format!("`{pointer}` finds {what}, which is no text; `|json` writes it as JSON"));
            }
            _ if json.starts_with('"') => {
                let text = serde_json::from_str(json);
                (text.map_err(|why| Fault(why.to_string()))?, self.filters.as_slice())
            }
            _ => (json.to_owned(), self.filters.as_slice()),
        };
        for filter in rest {
            let Some(written) = filter.write(&text) else {
                let what = if *filter == Filter::Number { "number" } else { "time" };
                return fault(format!("`{}` finds what is no {what}", self.pointers.join("`, `")));
            };
            text = written;
        }
        Ok(Some(text))
    }
}

#[cfg(test)]
mod tests;
