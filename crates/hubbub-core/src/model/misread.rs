//! What is wrong with JSON or a query that does not fit, by field and limit, in words for whoever wrote it.

use crate::{
    limits,
    model::{
        objects::{self, Objects},
        seq::Seq,
    },
};
use serde::Deserialize;

/// Reads JSON, of which `whole` is the name.
///
/// # Errors
/// Names the field and what is expected there, with the limit.
pub fn read<'a, T: Deserialize<'a>>(whole: &str, json: &'a str) -> Result<T, String> {
    objects::read(json).map_err(|error| {
        // Read again for the way there: who writes well does not pay for it.
        let mut reader = serde_json::Deserializer::from_str(json);
        let path = match serde_path_to_error::deserialize::<_, T>(Objects(&mut reader)) {
            Err(found) if error.is_data() => found.path().to_string(),
            _ => String::new(),
        };
        let said = error.to_string();
        if !error.is_data() {
            return format!("{whole}: {said}");
        }
        let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(said, _)| said);
        if matches!(path.as_str(), "" | "." | "?") {
            told(whole, said)
        } else {
            format!("{whole}: {}", told(&path, said))
        }
    })
}

/// What is wrong with a field, by what the library says of it.
pub fn told(field: &str, said: &str) -> String {
    let unfit = said.strip_prefix("invalid type: ").or_else(|| said.strip_prefix("invalid value: "));
    if let Some((found, expected)) = unfit.and_then(|rest| rest.rsplit_once(", expected ")) {
        let found = found_there(found);
        return match whole_number(expected) {
            true => format!("{field}: {found}; {}", limit_of(field)),
            false => format!("{field}: {found}; {} is expected", expected_there(expected)),
        };
    }
    // `after` of a list or of a log.
    if said.contains("untagged enum") {
        return format!("{field}: neither an id nor a whole number, 0 to {}", Seq::MAX.get());
    }
    // Of queries and paths.
    let no_number = ["invalid digit found in string", "number too large", "cannot parse integer"];
    if no_number.iter().any(|words| said.contains(words)) {
        return format!("{field}: no number that fits; {}", limit_of(field));
    }
    format!("{field}: {said}")
}

fn whole_number(expected: &str) -> bool {
    let bits = expected.strip_prefix(['u', 'i']).unwrap_or_default();
    matches!(bits, "8" | "16" | "32" | "64" | "128" | "size") || expected.starts_with("a nonzero u")
}

/// What somebody wrote; a text may be long, and theirs.
fn found_there(found: &str) -> &str {
    let kinds = [("string", "a string"), ("sequence", "a list"), ("map", "an object")];
    if let Some((_, word)) = kinds.iter().find(|(kind, _)| found.starts_with(kind)) {
        return word;
    }
    let value = found.split_once('`').and_then(|(_, rest)| rest.split_once('`'));
    value.map_or(found, |(value, _)| value)
}

fn expected_there(expected: &str) -> &str {
    match expected {
        "a borrowed string" => "a string",
        "a sequence" => "a list",
        "a map" => "an object",
        _ if expected.starts_with("struct ") || expected.starts_with("any valid JSON") => "an object",
        _ => expected,
    }
}

/// What a number may be, by the last part of its name.
pub fn limit_of(field: &str) -> String {
    match field.rsplit('.').next().unwrap_or(field) {
        "limit" => format!("it is 1 to {}", limits::PAGE_MAX),
        "slow_mode" => format!("it is null, or 1 to {} seconds", limits::SLOW_MODE_SECONDS),
        "edit_window" => format!("it is null, or 0 to {} seconds", limits::EDIT_WINDOW_SECONDS),
        _ => format!("it is a whole number, 0 to {}", Seq::MAX.get()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::log::settings::SettingsChange;
    use std::borrow::Cow;

    #[derive(Debug, Deserialize, Default)]
    #[serde(default)]
    struct Data<'a> {
        #[serde(borrow)]
        room: Option<Cow<'a, str>>,
        seq: Option<u64>,
        limit: Option<u64>,
        in_room: Option<bool>,
        mentions: Option<Vec<String>>,
        settings: Option<SettingsChange>,
        #[serde(borrow)]
        data: Option<&'a serde_json::value::RawValue>,
    }

    #[test]
    fn the_field_and_its_limit_are_named() {
        for (json, why) in [
            (r#"{"seq":-1}"#, "seq: -1; it is a whole number, 0 to 9007199254740991"),
            (r#"{"data":{"a":[1]},"seq":1.5}"#, "seq: 1.5; it is a whole number, 0 to 9007199254740991"),
            (r#"{"seq":1e30}"#, "seq: 1e+30; it is a whole number, 0 to 9007199254740991"),
            (r#"{"seq":"7"}"#, "seq: a string; it is a whole number, 0 to 9007199254740991"),
            (r#"{"limit":-5}"#, "limit: -5; it is 1 to 1000"),
            (r#"{"limit":[]}"#, "limit: a list; it is 1 to 1000"),
            (r#"{"limit":true}"#, "limit: true; it is 1 to 1000"),
            (r#"{"settings":{"slow_mode":-1}}"#, "settings.slow_mode: -1; it is null, or 1 to 21600 seconds"),
            (
                r#"{"settings":{"edit_window":4294967296}}"#,
                "settings.edit_window: 4294967296; it is null, or 0 to 31536000 seconds",
            ),
            (r#"{"settings":{"edit_window":0.5}}"#, "settings.edit_window: 0.5; it is null, or 0 to 31536000 seconds"),
            (r#"{"settings":{"frozen":1}}"#, "settings.frozen: 1; a boolean is expected"),
            (r#"{"settings":[30,true]}"#, "settings: a list; an object is expected"),
            (r#"{"settings":{"members_may":[]}}"#, "settings.members_may: a list; an object is expected"),
            (r#"{"settings":7}"#, "settings: 7; an object is expected"),
            (r#"{"room":5}"#, "room: 5; a string is expected"),
            (r#"{"in_room":"yes"}"#, "in_room: a string; a boolean is expected"),
            (r#"{"mentions":"ana"}"#, "mentions: a string; a list is expected"),
            (r#"{"mentions":["ana",{}]}"#, "mentions[1]: an object; a string is expected"),
        ] {
            assert_eq!(read::<Data<'_>>("data", json).unwrap_err(), format!("data: {why}"), "{json}");
        }
        let cut = read::<Data<'_>>("data", r#"{"seq":1"#).unwrap_err();
        assert!(cut.starts_with("data: EOF while parsing an object"), "{cut}");
        let unknown = read::<Data<'_>>("data", r#"{"settings":{"color":1}}"#).unwrap_err();
        assert!(unknown.starts_with("data: settings") && unknown.contains("unknown field `color`"), "{unknown}");
        assert!(read::<Data<'_>>("data", r#"{"seq":7,"data":{"x":[]},"unknown":1}"#).is_ok());
    }

    #[test]
    fn numbers_of_queries_are_told_alike() {
        assert_eq!(told("limit", "invalid digit found in string"), "limit: no number that fits; it is 1 to 1000");
        let large = told("before", "number too large to fit in target type");
        assert_eq!(large, "before: no number that fits; it is a whole number, 0 to 9007199254740991");
    }
}
