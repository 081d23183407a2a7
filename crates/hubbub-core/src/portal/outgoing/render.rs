//! A call becomes a request: everything that is filled in is written so that it stays where it stands.

use super::{
    Call, HttpMethod, LongText,
    event::Document,
    parts::{cut, length, split},
    template::{Fault, Filter, Piece, Place, Template},
};
use crate::{limits, portal::address};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::Value;
use std::{borrow::Cow, collections::BTreeMap};
use url::Position;

/// Everything but what RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What is sent; what authorises it is still lacking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// How.
    pub method: HttpMethod,
    /// Where to.
    pub url: String,
    /// Names, in lower case, and values.
    pub headers: Vec<(String, String)>,
    /// What is said.
    pub body: Option<String>,
}

impl Call {
    /// The request that this call is for an event.
    ///
    /// # Errors
    /// Which part of it cannot be filled in, and why: it is not sent then.
    pub fn request(&self, base: &str, event: &Document) -> Result<Request, Fault> {
        let url = self.url(base, event)?;
        let mut headers = Vec::new();
        let (body, kind) = self.body(event)?;
        if body.as_ref().is_some_and(|body| body.len() > limits::CALL_BODY_BYTES) {
            let bytes = body.map_or(0, |body| body.len());
            return Err(Fault(format!("the body has {bytes} bytes; the limit is {}", limits::CALL_BODY_BYTES)));
        }
        if let Some(kind) = kind.filter(|_| !self.headers.keys().any(|name| name.eq_ignore_ascii_case("content-type")))
        {
            headers.push(("content-type".to_owned(), kind.to_owned()));
        }
        for (name, template) in &self.headers {
            if let Some(value) = header(name, template, event)? {
                headers.push((name.to_ascii_lowercase(), value));
            }
        }
        Ok(Request { method: self.method, url, headers, body })
    }

    /// The texts that this call is made with, one after another: one, or the parts of one that is too long for it, with where
    /// each begins.
    ///
    /// # Errors
    /// Where it is too long, and is to be refused.
    pub fn texts<'t>(&self, text: &'t str) -> Result<Vec<(usize, Cow<'t, str>)>, Fault> {
        let filters = self.filters_of_text();
        let width = |c: char| filters.iter().map(|filter| filter.width(c)).max().unwrap_or(1);
        let whole = || Ok(vec![(0, text.into())]);
        let Some(limit) = self.text_limit else { return whole() };
        let characters = length(text, &width);
        if characters <= limit {
            return whole();
        }
        match self.long_text {
            LongText::Refuse => {
                Err(Fault(format!("the text has {characters} characters; the limit of this call is {limit}")))
            }
            LongText::Cut => Ok(vec![(0, cut(text, limit, &width).into())]),
            LongText::Split => {
                Ok(split(text, limit, &width)?.into_iter().map(|(at, part)| (at, part.into())).collect())
            }
        }
    }

    /// Whether where it goes depends on the event: what is not found there says nothing about the portal's settings then.
    pub fn goes_by_event(&self) -> bool {
        let of_settings = |pointer: &&str| pointer.starts_with("/vars/") || pointer.starts_with("/portal/");
        let depends = |template: &String| {
            let template = Template::parse(template);
            template.is_ok_and(|template| template.places().any(|place| !place.pointers.iter().all(of_settings)))
        };
        self.path.iter().chain(self.query.values()).any(depends)
    }

    /// Whether one of its templates has a place for what is at this pointer.
    pub(super) fn names(&self, pointer: &str) -> bool {
        let mut found = false;
        self.each_template(&mut |_, template| {
            let template = Template::parse(template);
            found |= template.iter().flat_map(Template::places).any(|place| place.pointers.contains(&pointer));
        });
        found
    }

    /// How the message's text is written in it.
    fn filters_of_text(&self) -> Vec<Filter> {
        let mut filters = Vec::new();
        let mut look = |template: &str| {
            for place in Template::parse(template).iter().flat_map(Template::places) {
                if place.pointers.contains(&"/message/text") {
                    filters.extend(place.filters.iter().copied());
                }
            }
        };
        self.each_template(&mut |_, template| look(template));
        filters
    }

    /// Tells `tell` of every template, with the name of where it stands.
    pub(super) fn each_template<'c>(&'c self, tell: &mut impl FnMut(Cow<'static, str>, &'c str)) {
        if let Some(path) = &self.path {
            tell("path".into(), path);
        }
        for (field, templates) in [("query", &self.query), ("headers", &self.headers)] {
            for (name, template) in templates {
                tell(format!("{field}, `{name}`").into(), template);
            }
        }
        for (pointer, template) in &self.matching {
            tell(format!("where, `{pointer}`").into(), template);
        }
        if let Some(json) = &self.json {
            each_text(json, &mut |text| tell("json".into(), text));
        }
        for (name, value) in self.form.iter().flatten() {
            each_text(value, &mut |text| tell(format!("form, `{name}`").into(), text));
        }
        if let Some(text) = &self.text {
            tell("text".into(), text);
        }
    }

    fn url(&self, base: &str, event: &Document) -> Result<String, Fault> {
        let base = address::parse(base).map_err(|invalid| Fault(invalid.to_string()))?;
        let mut url = base[..Position::BeforePath].to_owned();
        match &self.path {
            None => url.push_str(base.path()),
            Some(path) => {
                url.push_str(base.path().trim_end_matches('/'));
                url.push_str(&filled_path(path, event)?);
            }
        }
        let expected = url.len();
        let own = base.query().map(ToOwned::to_owned).into_iter();
        let query = own.chain(filled_pairs(&self.query, event)?).collect::<Vec<_>>().join("&");
        if !query.is_empty() {
            url.push('?');
            url.push_str(&query);
        }
        // Read as whoever calls it reads it, it must be what was written.
        let read = address::parse(&url).map_err(|invalid| Fault(invalid.to_string()))?;
        if read[..Position::BeforePath] != base[..Position::BeforePath]
            || read[..Position::AfterPath] != url[..expected]
        {
            return Err(Fault("path: it leads elsewhere than it says".into()));
        }
        Ok(url)
    }

    fn body(&self, event: &Document) -> Result<(Option<String>, Option<&'static str>), Fault> {
        if let Some(json) = &self.json {
            let mut body = String::new();
            if !write_json(json, event, &mut body).map_err(|why| within("json", &why))? {
                body.push_str("null");
            }
            return Ok((Some(body), Some("application/json")));
        }
        if let Some(form) = &self.form {
            let mut pairs = form_urlencoded::Serializer::new(String::new());
            for (name, value) in form {
                let at = |why: Fault| within(&format!("form, `{name}`"), &why);
                if let Some(value) = form_value(value, event).map_err(at)? {
                    pairs.append_pair(name, &value);
                }
            }
            return Ok((Some(pairs.finish()), Some("application/x-www-form-urlencoded")));
        }
        let Some(text) = &self.text else { return Ok((None, None)) };
        let body = filled(text, event).map_err(|why| within("text", &why))?;
        Ok((Some(body.unwrap_or_default()), Some("text/plain; charset=utf-8")))
    }
}

fn within(field: &str, why: &Fault) -> Fault {
    Fault(format!("{field}: {why}"))
}

/// Tells of every text in JSON but the names of members.
fn each_text<'j>(json: &'j Value, tell: &mut impl FnMut(&'j str)) {
    match json {
        Value::String(text) => tell(text),
        Value::Array(items) => items.iter().for_each(|item| each_text(item, tell)),
        Value::Object(members) => members.values().for_each(|value| each_text(value, tell)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// A template as plain text; `None`: it is one place that may find nothing, and does.
pub(super) fn filled(template: &str, event: &Document) -> Result<Option<String>, Fault> {
    let template = Template::parse(template)?;
    if let Some(place) = template.whole().filter(|place| place.optional) {
        return place.text(event);
    }
    template.fill(event, |_, found| Ok(found)).map(Some)
}

fn filled_path(path: &str, event: &Document) -> Result<String, Fault> {
    let write = |place: &Place<'_>, found: String| {
        let pointer = || place.pointers.join("`, `");
        if found.is_empty() {
            return Err(Fault(format!("`{}` finds an empty text, which cannot stand in a path", pointer())));
        }
        if found == "." || found == ".." {
            return Err(Fault(format!("`{}` finds `{found}`, which cannot stand in a path", pointer())));
        }
        if found.chars().any(char::is_control) {
            return Err(Fault(format!("`{}` finds a control character, which cannot stand in a path", pointer())));
        }
        Ok(utf8_percent_encode(&found, RESERVED).to_string())
    };
    let filled = Template::parse(path).and_then(|path| path.fill(event, write)).map_err(|why| within("path", &why))?;
    check_steps(&filled).map_err(|why| within("path", &why))?;
    Ok(filled)
}

/// No part of a path leads up, however it is spelled.
pub(super) fn check_steps(path: &str) -> Result<(), Fault> {
    let leads_up = |step: &str| matches!(&*percent_decode_str(step).decode_utf8_lossy(), "." | "..");
    match path.split('/').find(|step| leads_up(step)) {
        Some(step) => Err(Fault(format!("`{step}` cannot stand in a path"))),
        None => Ok(()),
    }
}

fn filled_pairs(templates: &BTreeMap<String, String>, event: &Document) -> Result<Vec<String>, Fault> {
    let mut pairs = Vec::new();
    for (name, template) in templates {
        let value = filled(template, event).map_err(|why| within(&format!("query, `{name}`"), &why))?;
        let encoded = |text: &str| utf8_percent_encode(text, RESERVED).to_string();
        pairs.extend(value.map(|value| format!("{}={}", encoded(name), encoded(&value))));
    }
    Ok(pairs)
}

/// The value of a header; `None`: it is left out.
fn header(name: &str, template: &str, event: &Document) -> Result<Option<String>, Fault> {
    let at = |why: &str| Fault(format!("headers, `{name}`: {why}"));
    let Some(value) = filled(template, event).map_err(|why| at(&why.0))? else { return Ok(None) };
    // What cannot stand there is not taken out: what would be left is not what was said.
    if let Some(c) = value.chars().find(|c| c.is_control()) {
        return Err(at(&format!("the control character U+{:04X} cannot stand in a header", u32::from(c))));
    }
    if value.len() > limits::CALL_HEADER_BYTES {
        return Err(at(&format!("{} bytes; the limit is {}", value.len(), limits::CALL_HEADER_BYTES)));
    }
    Ok(Some(value))
}

fn form_value(value: &Value, event: &Document) -> Result<Option<String>, Fault> {
    if let Value::String(template) = value {
        return filled(template, event);
    }
    let mut json = String::new();
    Ok(write_json(value, event, &mut json)?.then_some(json))
}

/// Writes JSON with its texts filled in. Says whether there is anything: a place that may find nothing, and does, is left out with
/// the member or the item that it is.
fn write_json(json: &Value, event: &Document, to: &mut String) -> Result<bool, Fault> {
    match json {
        Value::String(text) => {
            let template = Template::parse(text)?;
            if let Some(place) = template.whole() {
                let Some(found) = place.json(event)? else { return Ok(false) };
                to.push_str(&found);
            } else if let [Piece::Text(text)] = template.pieces() {
                push_text(text, to);
            } else {
                push_text(&template.fill(event, |_, found| Ok(found))?, to);
            }
        }
        Value::Array(items) => {
            write_all(items.iter().map(|item| (None, item)), ('[', ']'), event, to)?;
        }
        Value::Object(members) => {
            write_all(members.iter().map(|(name, value)| (Some(name.as_str()), value)), ('{', '}'), event, to)?;
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => to.push_str(&json.to_string()),
    }
    Ok(true)
}

fn write_all<'j>(
    all: impl Iterator<Item = (Option<&'j str>, &'j Value)>,
    (open, close): (char, char),
    event: &Document,
    to: &mut String,
) -> Result<(), Fault> {
    to.push(open);
    let mut is_first = true;
    for (name, value) in all {
        let before = to.len();
        if !is_first {
            to.push(',');
        }
        if let Some(name) = name {
            push_text(name, to);
            to.push(':');
        }
        if write_json(value, event, to)? {
            is_first = false;
        } else {
            to.truncate(before);
        }
    }
    to.push(close);
    Ok(())
}

fn push_text(text: &str, to: &mut String) {
    to.push_str(&Value::from(text).to_string());
}
