//! A file of settings, filled in from the command line.

use anyhow::{Context, bail};
use serde_json::{Map, Value};

/// Puts `NAME=VALUE` into settings. NAME is a path like `vars.channel`, a number stands for a place in an array. What is a text there,
/// and every one of `vars`, stays a text; elsewhere VALUE may be JSON.
pub(super) fn set(settings: &mut Value, assignment: &str) -> anyhow::Result<()> {
    let (name, value) = assignment.split_once('=').with_context(|| format!("--set {assignment}: it is NAME=VALUE"))?;
    let wrong = |why: &str| anyhow::anyhow!("--set {name}: {why}");
    if name.is_empty() || name.split('.').any(str::is_empty) {
        bail!(wrong("NAME is a path like vars.channel"));
    }
    let mut at = settings;
    for step in name.split('.') {
        if at.is_null() {
            *at = Value::Object(Map::new());
        }
        at = match at {
            Value::Object(members) => members.entry(step).or_insert(Value::Null),
            Value::Array(items) => step
                .parse::<usize>()
                .ok()
                .and_then(|place| items.get_mut(place))
                .ok_or_else(|| wrong(&format!("{step} is no place in that array")))?,
            _ => bail!(wrong(&format!("nothing has a part {step} there"))),
        };
    }
    let is_text = at.is_string() || name.starts_with("vars.");
    *at = match serde_json::from_str::<Value>(value) {
        // A whole object may take the place of a text, like another `auth`.
        Ok(json) if !is_text || (json.is_object() && !name.starts_with("vars.")) => json,
        _ => value.into(),
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_recipe_is_filled_in_by_name() {
        let recipe = json!({
            "url": "https://a.example", "vars": { "app": "" }, "auth": { "scheme": "basic", "user": "" },
            "concurrency": 4, "calls": [{ "name": "a", "path": "/v1/x" }], "verify": { "scheme": "header", "name": "X" },
        });
        for (assignment, pointer, value) in [
            ("vars.app=5f", "/vars/app", json!("5f")),
            ("vars.app=12345678901234567890123", "/vars/app", json!("12345678901234567890123")),
            ("vars.other={\"a\":1}", "/vars/other", json!("{\"a\":1}")),
            ("auth.user=123", "/auth/user", json!("123")),
            ("url=http://127.0.0.1:8/a?b=c=d", "/url", json!("http://127.0.0.1:8/a?b=c=d")),
            ("concurrency=8", "/concurrency", json!(8)),
            ("customers_open=false", "/customers_open", json!(false)),
            ("public_url=https://chat.example", "/public_url", json!("https://chat.example")),
            ("calls.0.path=/v1/Services/IS1/x", "/calls/0/path", json!("/v1/Services/IS1/x")),
            ("verify={\"scheme\":\"path\"}", "/verify", json!({ "scheme": "path" })),
            ("mapping.require=", "/mapping/require", json!("")),
            ("name=true", "/name", json!(true)),
        ] {
            let mut settings = recipe.clone();
            set(&mut settings, assignment).unwrap();
            assert_eq!(settings.pointer(pointer), Some(&value), "{assignment}");
        }
        let mut named = json!({ "name": "Desk" });
        set(&mut named, "name=true").unwrap();
        assert_eq!(named["name"], "true", "a text stays one");
    }

    #[test]
    fn what_cannot_be_set_is_said() {
        let recipe = json!({ "url": "https://a.example", "calls": [{}] });
        for (assignment, words) in [
            ("vars.app", "NAME=VALUE"),
            ("=x", "a path like"),
            ("vars..app=x", "a path like"),
            ("url.host=x", "no"),
            ("calls.1.path=/x", "no place"),
            ("calls.first.path=/x", "no place"),
        ] {
            let why = set(&mut recipe.clone(), assignment).unwrap_err().to_string();
            assert!(why.contains(words), "{assignment}: {why}");
        }
    }
}
