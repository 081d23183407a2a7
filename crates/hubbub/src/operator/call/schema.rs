//! What a schema of the OpenAPI document says.

use serde_json::Value;

/// A schema, within the document that it refers to.
#[derive(Clone, Copy)]
pub struct Schema<'a> {
    document: &'a Value,
    value: &'a Value,
}

/// A member of an object.
pub struct Property<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is.
    pub schema: &'a Value,
    /// Whether it must be there.
    pub is_needed: bool,
}

/// A text, or none.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

impl<'a> Schema<'a> {
    /// A part of the document.
    pub const fn new(document: &'a Value, value: &'a Value) -> Self {
        Self { document, value }
    }

    const fn at(self, value: &'a Value) -> Self {
        Self { value, ..self }
    }

    /// The schema itself: what is referred to, or the one thing that may stand here beside null.
    fn resolved(self) -> &'a Value {
        let mut value = self.value;
        // References do not go round; nobody waits if they do.
        for _ in 0..8 {
            if let Some(to) = value["$ref"].as_str() {
                value = self.document.pointer(to.trim_start_matches('#')).unwrap_or(&Value::Null);
            } else if let Some(only) = only_of(value) {
                value = only;
            } else {
                break;
            }
        }
        value
    }

    /// What is said of it where it stands, or else of the thing itself.
    pub fn description(self) -> String {
        let found = [self.value, only_of(self.value).unwrap_or(&Value::Null), self.resolved()];
        let said = found.into_iter().find_map(|value| value["description"].as_str());
        said.unwrap_or_default().to_owned()
    }

    /// The members of an object.
    pub fn properties(self) -> Vec<Property<'a>> {
        let value = self.resolved();
        let needed = |name: &str| value["required"].as_array().is_some_and(|names| names.iter().any(|one| one == name));
        let own = value["properties"].as_object().into_iter().flatten();
        let mut properties: Vec<_> =
            own.map(|(name, schema)| Property { name, schema, is_needed: needed(name) }).collect();
        for part in value["allOf"].as_array().into_iter().flatten() {
            properties.extend(self.at(part).properties());
        }
        properties
    }

    /// What a list is made of.
    pub fn items(self) -> Option<Self> {
        let items = &self.resolved()["items"];
        (!items.is_null()).then(|| self.at(items))
    }

    /// Whether a text may stand here.
    pub fn is_text(self) -> bool {
        self.kinds().contains(&"string")
    }

    /// Whether a list may stand here.
    pub fn is_list(self) -> bool {
        self.kinds().contains(&"array")
    }

    fn kinds(self) -> Vec<&'a str> {
        match &self.resolved()["type"] {
            Value::String(kind) => vec![kind],
            Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null").collect(),
            _ => Vec::new(),
        }
    }

    /// What it is, in a word or a few.
    pub fn words(self) -> String {
        if let Some(names) = self.resolved()["enum"].as_array() {
            return names.iter().map(text).collect::<Vec<_>>().join(" | ");
        }
        match self.kinds().as_slice() {
            ["string"] => "text".into(),
            ["integer" | "number"] => "number".into(),
            ["boolean"] => "true | false".into(),
            ["array"] => self.items().map_or_else(|| "list".into(), |items| format!("list of {}", items.words())),
            ["object"] if !self.properties().is_empty() => "object".into(),
            _ => "JSON".into(),
        }
    }

    /// The first member of a value that is none of the schema's, as a path, where the schema names all there are.
    pub fn stranger(self, value: &Value, path: &str) -> Option<String> {
        match value {
            Value::Object(members) if self.resolved()["additionalProperties"] == false => {
                let properties = self.properties();
                members.iter().find_map(|(name, value)| {
                    let path = format!("{path}.{name}");
                    match properties.iter().find(|property| property.name == name) {
                        Some(property) => self.at(property.schema).stranger(value, &path),
                        None => Some(path),
                    }
                })
            }
            Value::Array(values) => {
                let items = self.items()?;
                values.iter().enumerate().find_map(|(n, value)| items.stranger(value, &format!("{path}[{n}]")))
            }
            _ => None,
        }
    }
}

/// The one thing that may stand somewhere beside null.
fn only_of(value: &Value) -> Option<&Value> {
    let choices = value["oneOf"].as_array().or_else(|| value["anyOf"].as_array())?;
    let mut others = choices.iter().filter(|choice| choice["type"] != "null");
    others.next().filter(|_| others.next().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_schema_says_what_it_is_and_what_is_strange_in_it() {
        let document = json!({ "components": { "schemas": {
            "Change": { "type": "object", "additionalProperties": false, "required": ["pin"], "properties": {
                "pin": { "type": ["boolean", "null"], "description": "Pins." },
                "people": { "type": "array", "items": { "$ref": "#/components/schemas/Change" } },
                "from": { "type": "string", "enum": ["all", "joined"] },
            } },
        } } });
        let value = json!({ "oneOf": [
            { "$ref": "#/components/schemas/Change", "description": "What changes." }, { "type": "null" }
        ] });
        let schema = Schema::new(&document, &value);
        assert_eq!((schema.words(), schema.description()), ("object".into(), "What changes.".into()));
        let seen: Vec<_> = schema
            .properties()
            .iter()
            .map(|property| format!("{} {} {}", property.name, schema.at(property.schema).words(), property.is_needed))
            .collect();
        assert_eq!(seen, ["from all | joined false", "people list of object false", "pin true | false true"]);
        for (value, stranger) in [
            (json!({ "pin": true, "people": [{ "from": "all" }] }), None),
            (json!({ "pim": true }), Some("settings.pim")),
            (json!({ "people": [{}, { "From": "all" }] }), Some("settings.people[1].From")),
            (json!(null), None),
        ] {
            assert_eq!(schema.stranger(&value, "settings").as_deref(), stranger);
        }
    }
}
