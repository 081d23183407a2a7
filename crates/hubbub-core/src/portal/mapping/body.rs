//! From the bytes of a body to JSON, in whatever format it came.

use super::{BodyFormat, Unmapped, find};
use crate::{
    limits::HOOK_DEPTH,
    model::{ijson, json::is_deeper},
};
use find::Item;
use percent_encoding::percent_decode;
use serde_json::{Map, Value, value::RawValue};
use std::borrow::Cow;

const FORM: &str = "application/x-www-form-urlencoded";

/// A body as JSON: what it means, and how it was written.
pub struct Body {
    value: Value,
    text: Box<RawValue>,
}

impl Body {
    /// Reads it.
    pub(in crate::portal) fn read(
        format: &BodyFormat,
        content_type: Option<&str>,
        body: &[u8],
    ) -> Result<Self, Unmapped> {
        let text = match format {
            BodyFormat::Json => Self::json(content_type, body)?,
            BodyFormat::JsonAt(pointer) => {
                let around = Self::of(&Self::json(content_type, body)?)?;
                return Self::of(around.whole().json_text(pointer)?);
            }
            BodyFormat::Form => {
                let fields: Map<_, _> = form(content_type, body)?.into_iter().map(|(n, v)| (n, v.into())).collect();
                Value::Object(fields).to_string().into()
            }
            BodyFormat::FormField(wanted) => {
                let found = form(content_type, body)?.into_iter().find(|(name, _)| name == wanted);
                let missing = || Unmapped::Missing { at: format!("the form's field `{wanted}`") };
                found.map(|(_, value)| value.into()).ok_or_else(missing)?
            }
        };
        Self::of(&text)
    }

    /// Reads it as what it says that it is: a form, or else JSON.
    pub(in crate::portal) fn of_either(content_type: Option<&str>, body: &[u8]) -> Result<Self, Unmapped> {
        let is_form = kind(content_type).is_some_and(|kind| kind == FORM);
        Self::read(if is_form { &BodyFormat::Form } else { &BodyFormat::Json }, content_type, body)
    }

    fn of(text: &str) -> Result<Self, Unmapped> {
        if is_deeper(text.as_bytes(), HOOK_DEPTH) {
            return Err(Unmapped::TooDeep);
        }
        // A customer waits for this answer: what others could not read of it is mended.
        let text = ijson::mended(text);
        let not_json = |why: serde_json::Error| Unmapped::NotJson(why.to_string());
        let value: Value = serde_json::from_str(&text).map_err(not_json)?;
        Ok(Self { value, text: serde_json::from_str(&text).map_err(not_json)? })
    }

    fn json<'a>(content_type: Option<&str>, body: &'a [u8]) -> Result<Cow<'a, str>, Unmapped> {
        // Some that have JSON to send say that it is text.
        let fits = |kind: &str| {
            matches!(kind, "application/json" | "text/json" | "text/plain")
                || (kind.starts_with("application/") && kind.ends_with("+json"))
        };
        match kind(content_type) {
            Some(kind) if !fits(&kind) => {
                return Err(Unmapped::ContentType {
                    given: kind.chars().take(100).collect(),
                    wanted: "application/json",
                });
            }
            _ => {}
        }
        let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
        // JSON is UTF-8, whatever a parameter says; what is none may still be what the parameter says.
        match std::str::from_utf8(body) {
            Ok(text) => Ok(text.into()),
            Err(why) => match charset(content_type).as_deref() {
                said if is_western(said) => Ok(western(body).into()),
                None | Some("utf-8" | "utf8" | "us-ascii") => Err(Unmapped::NotJson(why.to_string())),
                Some(other) => Err(Unmapped::ContentType {
                    given: format!("application/json; charset={}", other.chars().take(40).collect::<String>()),
                    wanted: "UTF-8",
                }),
            },
        }
    }

    /// All of it, as one event.
    pub(in crate::portal) fn whole(&self) -> Item<'_> {
        Item { event: &self.value, event_text: &self.text, body: &self.value, body_text: &self.text, index: None }
    }

    /// The items of the array that is there; `None`: nothing is. `*` stands for every item of an array: there are then those of all
    /// the arrays that there are.
    pub(super) fn items(&self, each: &str) -> Result<Option<Vec<Item<'_>>>, Unmapped> {
        let Some(all) = within(&self.value, &self.text, each)? else { return Ok(None) };
        let all = all.into_iter().enumerate();
        let item = |(n, (event, event_text))| Item { event, event_text, index: Some(n), ..self.whole() };
        Ok(Some(all.map(item).collect()))
    }
}

/// A value, and how it was written.
type Written<'a> = (&'a Value, &'a RawValue);

fn within<'a>(value: &'a Value, text: &'a RawValue, each: &str) -> Result<Option<Vec<Written<'a>>>, Unmapped> {
    let starred = each.split_once("/*/").filter(|(before, _)| matches!(value.pointer(before), Some(Value::Array(_))));
    let (before, rest) = starred.map_or((each, None), |(before, rest)| (before, Some(format!("/{rest}"))));
    let items = match value.pointer(before) {
        Some(Value::Array(items)) => items,
        None | Some(Value::Null) => return Ok(None),
        Some(_) => return Err(Unmapped::WrongType { at: format!("`{each}`"), wanted: "an array" }),
    };
    let texts = find::raw_at(text, before).map(find::items).unwrap_or_default();
    let items = items.iter().zip(texts);
    let Some(rest) = rest else { return Ok(Some(items.collect())) };
    let mut all = Vec::new();
    for (value, text) in items {
        all.extend(within(value, text, &rest)?.unwrap_or_default());
    }
    Ok(Some(all))
}

/// What the bytes 0x80 to 0x9F are in Windows-1252. Those that have nothing there are themselves.
const WESTERN: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// Reads Windows-1252, which is what those mean who say ISO-8859-1 (WHATWG).
fn western(bytes: &[u8]) -> String {
    let read = |byte: &u8| match byte {
        0x80..=0x9f => WESTERN[usize::from(byte - 0x80)],
        byte => char::from(*byte),
    };
    bytes.iter().map(read).collect()
}

/// The fields of a form, in order. They are UTF-8; what is none may be what the type says.
fn form(content_type: Option<&str>, body: &[u8]) -> Result<Vec<(String, String)>, Unmapped> {
    match kind(content_type) {
        Some(kind) if kind != FORM => {
            return Err(Unmapped::ContentType { given: kind.chars().take(100).collect(), wanted: FORM });
        }
        _ if !is_western(charset(content_type).as_deref()) => {
            return Ok(form_urlencoded::parse(body).into_owned().collect());
        }
        _ => {}
    }
    let read = |part: &[u8]| {
        let spaced: Vec<u8> = part.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
        let bytes: Vec<u8> = percent_decode(&spaced).collect();
        String::from_utf8(bytes).unwrap_or_else(|not| western(not.as_bytes()))
    };
    let pairs = body.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
    let pair = |pair: &[u8]| {
        let at = pair.iter().position(|byte| *byte == b'=').unwrap_or(pair.len());
        (read(&pair[..at]), read(pair.get(at + 1..).unwrap_or_default()))
    };
    Ok(pairs.map(pair).collect())
}

fn is_western(charset: Option<&str>) -> bool {
    matches!(charset, Some("iso-8859-1" | "latin1" | "windows-1252" | "cp1252"))
}

fn kind(content_type: Option<&str>) -> Option<String> {
    content_type.map(|said| said.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

fn charset(content_type: Option<&str>) -> Option<String> {
    let parameters = content_type?.split(';').skip(1);
    let said =
        parameters.filter_map(|one| one.split_once('=')).find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    said.map(|(_, value)| value.trim().trim_matches('"').to_ascii_lowercase())
}
