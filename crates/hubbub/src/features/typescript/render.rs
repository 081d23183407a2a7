//! JSON schemas as TypeScript.

use serde_json::{Map, Value as Json};
use std::fmt::{self, Display, Write};

/// A line of a comment is at most so long.
const WIDTH: usize = 120;

/// `accept_invite` as `AcceptInvite`.
pub fn pascal(name: &str) -> String {
    name.split('_').map(|part| part[..1].to_uppercase() + &part[1..]).collect()
}

/// A comment in the form of TSDoc; nothing where there is nothing to say.
pub fn comment(text: &str, indent: &str) -> String {
    let words: Vec<_> = text.split_whitespace().collect();
    // Links of the code's own documentation lead nowhere from there.
    let text = words.join(" ").replace("*/", "*\u{200b}/").replace("[`", "`").replace("`]", "`");
    if text.is_empty() {
        return String::new();
    }
    if indent.len() + text.len() + 8 <= WIDTH {
        return format!("{indent}/** {text} */\n");
    }
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.last_mut().expect("one at least");
        if !last.is_empty() && indent.len() + last.len() + word.len() + 4 > WIDTH {
            lines.push(word.to_owned());
        } else {
            last.push_str(if last.is_empty() { "" } else { " " });
            last.push_str(word);
        }
    }
    let lines: String = lines.iter().fold(String::new(), |mut all, line| {
        let _ = writeln!(all, "{indent} * {line}");
        all
    });
    format!("{indent}/**\n{lines}{indent} */\n")
}

/// One of these words.
pub fn words(words: &[&str]) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" | ")
}

/// The members of an object.
pub struct Fields(Vec<Field>);

struct Field {
    name: String,
    about: String,
    of: String,
    is_needed: bool,
}

impl Fields {
    /// Those of an object's schema, and which of them are needed.
    pub fn new(schema: &Json, needed: &[String]) -> Self {
        let none = Map::new();
        let properties = schema["properties"].as_object().unwrap_or(&none);
        for name in needed {
            assert!(properties.contains_key(name), "{name} is not a field: {schema}");
        }
        Self(properties.iter().map(|(name, schema)| Field::new(name, schema, needed)).collect())
    }
}

impl Field {
    fn new(name: &str, schema: &Json, needed: &[String]) -> Self {
        let about = schema["description"].as_str().unwrap_or_default();
        // What may be absent is never null, but where it is said what null means.
        let null = if about.contains("null") && can_be_null(schema) { " | null" } else { "" };
        Self {
            name: name.to_owned(),
            about: about.to_owned(),
            of: type_of(schema) + null,
            is_needed: needed.iter().any(|needed| needed == name),
        }
    }
}

impl Display for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Field { name, about, of, is_needed } in &self.0 {
            let mark = if *is_needed { "" } else { "?" };
            writeln!(f, "{}    {name}{mark}: {of};", comment(about, "    "))?;
        }
        Ok(())
    }
}

/// What every entry has.
const HEAD: [&str; 6] = ["id", "room", "seq", "from", "at", "key"];

/// What every entry has, from the schema of any of them.
pub fn head_of_entries(schema: &Json) -> String {
    let mut fields = Fields::new(schema, &needed(schema));
    fields.0.retain(|field| HEAD.contains(&&*field.name));
    assert_eq!(fields.0.len(), HEAD.len(), "{schema}");
    format!("\n/** What every entry has. */\nexport interface EntryHead {{\n{fields}}}\n")
}

/// A schema that has a name.
pub fn interface(name: &str, schema: &Json) -> String {
    let about = comment(schema["description"].as_str().unwrap_or_default(), "");
    let is_empty = schema["properties"].as_object().is_none_or(Map::is_empty);
    if schema["type"] != "object" || is_empty {
        return format!("\n{about}export type {name} = {};\n", type_of(schema));
    }
    let mut fields = Fields::new(schema, &needed(schema));
    let mut more = "";
    let mut base = "";
    if name.ends_with("Entry") && HEAD.iter().all(|head| fields.0.iter().any(|field| field.name == *head)) {
        fields.0.retain(|field| !HEAD.contains(&&*field.name));
        base = " extends EntryHead";
    }
    if schema["additionalProperties"] == true {
        more = "    [member: string]: unknown;\n";
    }
    format!("\n{about}export interface {name}{base} {{\n{fields}{more}}}\n")
}

fn needed(schema: &Json) -> Vec<String> {
    let needed = schema["required"].as_array().into_iter().flatten();
    needed.filter_map(Json::as_str).map(str::to_owned).collect()
}

fn can_be_null(schema: &Json) -> bool {
    let one = schema["oneOf"].as_array().is_some_and(|any| any.iter().any(is_null));
    one || schema["type"].as_array().is_some_and(|types| types.iter().any(|of| of == "null"))
}

fn is_null(schema: &Json) -> bool {
    schema["type"] == "null"
}

/// The type that a schema describes, without null.
pub fn type_of(schema: &Json) -> String {
    if let Some(to) = schema["$ref"].as_str() {
        return to.rsplit('/').next().unwrap_or_default().to_owned();
    }
    if let Some(all) = schema["allOf"].as_array() {
        return all.iter().map(type_of).collect::<Vec<_>>().join(" & ");
    }
    for any in ["oneOf", "anyOf"] {
        if let Some(any) = schema[any].as_array() {
            let any: Vec<_> = any.iter().filter(|one| !is_null(one)).map(type_of).collect();
            return any.join(" | ");
        }
    }
    if let Some(values) = schema["enum"].as_array() {
        let values: Vec<_> = values.iter().filter_map(Json::as_str).collect();
        return words(&values);
    }
    let of = match &schema["type"] {
        Json::Array(types) => types.iter().find(|of| *of != "null").unwrap_or(&Json::Null),
        of => of,
    };
    match of.as_str() {
        Some("string") => "string".to_owned(),
        Some("integer" | "number") => "number".to_owned(),
        Some("boolean") => "boolean".to_owned(),
        Some("array") => many(&type_of(&schema["items"])),
        Some("object") if schema["additionalProperties"].is_object() => {
            format!("Record<string, {}>", type_of(&schema["additionalProperties"]))
        }
        Some("object") if schema["properties"].is_object() => {
            let fields = Fields::new(schema, &needed(schema));
            let inline: Vec<_> = fields.0.iter().map(Field::inline).collect();
            format!("{{ {} }}", inline.join("; "))
        }
        Some("object") => "Record<string, never>".to_owned(),
        _ => "unknown".to_owned(),
    }
}

impl Field {
    fn inline(&self) -> String {
        format!("{}{}: {}", self.name, if self.is_needed { "" } else { "?" }, self.of)
    }
}

/// A list.
pub fn many(of: &str) -> String {
    if of.contains(' ') { format!("readonly ({of})[]") } else { format!("readonly {of}[]") }
}
