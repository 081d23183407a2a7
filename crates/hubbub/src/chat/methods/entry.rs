//! How entries look in the OpenAPI document: a schema for each kind, made of what the kinds say of themselves, and one for kinds
//! of later versions.

use super::rest::{Schemas, role, schema_of, words};
use hubbub_core::log::{
    fold::{ReactionShown, Replies},
    kinds::{
        What,
        about::{About, Member, Value},
    },
    settings::SettingsChange,
};
use std::borrow::Cow;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        ArrayBuilder, KnownFormat, Object, ObjectBuilder, Ref, RefOr, Schema, SchemaFormat, Type,
        schema::{AdditionalProperties, AnyOfBuilder, SchemaType},
    },
};

/// An entry of any kind.
pub struct EntryView;

/// The name of the schema for kinds that are not known.
const OTHER: &str = "OtherEntry";

impl PartialSchema for EntryView {
    /// Not "one of": what is of no known kind is an `OtherEntry`, and what is of one is that as well.
    fn schema() -> RefOr<Schema> {
        let names = What::ABOUT.iter().map(name).chain([OTHER.to_owned()]);
        let any = names.fold(AnyOfBuilder::new(), |any, name| any.item(Ref::from_schema_name(name)));
        let about = "An entry of a room's log. Its `type` says of which kind it is; later versions have more kinds.";
        RefOr::T(Schema::AnyOf(any.description(Some(about)).build()))
    }
}

impl ToSchema for EntryView {
    fn name() -> Cow<'static, str> {
        "Entry".into()
    }

    fn schemas(schemas: &mut Schemas) {
        for about in What::ABOUT {
            let kind = of_kind(about, schemas);
            schemas.push((name(about), kind.into()));
        }
        let other = common(text("A kind that is not among the others.").build())
            .description(Some("An entry of a kind that a later version has: pass it over."))
            .additional_properties(Some(AdditionalProperties::FreeForm(true)));
        schemas.push((OTHER.to_owned(), other.build().into()));
    }
}

/// `message` as `MessageEntry`.
fn name(about: &About) -> String {
    let word = about.words[0];
    format!("{}{}Entry", word[..1].to_uppercase(), &word[1..])
}

fn of_kind(about: &About, schemas: &mut Schemas) -> Object {
    let mut kind = common(words("The kind.", about.words)).description(Some(about.meaning));
    for member in about.members {
        kind = kind.property(member.name, of_member(member, schemas));
        if member.is_needed {
            kind = kind.required(member.name);
        }
    }
    if about.words == ["message"] { of_pages(kind, schemas).build() } else { kind.build() }
}

/// What every entry has.
fn common(kind: Object) -> ObjectBuilder {
    let all: [(&str, Object); 7] = [
        ("type", kind),
        ("id", text("The same everywhere: a UUID of version 7.").build()),
        ("room", text("The room.").build()),
        ("seq", number("Its number in the room.").build()),
        ("from", text("Who wrote it.").build()),
        ("at", time("When the store took it.").build()),
        ("key", text("By it a repeat of the request is known: the sender's, or one that the server made.").build()),
    ];
    all.into_iter().fold(ObjectBuilder::new(), |entry, (name, schema)| entry.property(name, schema).required(name))
}

/// What became of a message, on pages.
fn of_pages(message: ObjectBuilder, schemas: &mut Schemas) -> ObjectBuilder {
    let reactions = ArrayBuilder::new()
        .items(schema_of::<ReactionShown>(schemas))
        .description(Some("On pages: its reactions, in the order in which the first of each came."));
    let replies = schema_of::<Replies>(schemas);
    message
        .property("edited_at", time("On pages: when it was edited last."))
        .property("reactions", reactions)
        .property("replies", replies)
        .property("pinned", yes("On pages: it is pinned."))
}

fn of_member(member: &Member, schemas: &mut Schemas) -> RefOr<Schema> {
    match member.value {
        Value::Text | Value::User => text(member.about).into(),
        Value::Json => ObjectBuilder::new().schema_type(SchemaType::AnyValue).description(Some(member.about)).into(),
        Value::Seq => number(member.about).into(),
        Value::Seqs => many(number("A seq."), member.about),
        Value::Users => many(text("A user."), member.about),
        Value::Time => time(member.about).into(),
        Value::Yes => yes(member.about).into(),
        Value::Role => role().into(),
        Value::Settings => schema_of::<SettingsChange>(schemas).into(),
    }
}

fn text(about: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(about))
}

fn time(about: &str) -> ObjectBuilder {
    text(about).format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
}

fn number(about: &str) -> ObjectBuilder {
    let number = ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(0)).description(Some(about));
    number.format(Some(SchemaFormat::KnownFormat(KnownFormat::Int64)))
}

fn yes(about: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Boolean).description(Some(about))
}

fn many(one: ObjectBuilder, about: &str) -> RefOr<Schema> {
    RefOr::T(Schema::Array(ArrayBuilder::new().items(one).description(Some(about)).build()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, Value as Json, json};

    /// Every entry of the vectors, with what a page shows of it.
    fn entries(of: &Json, all: &mut Vec<Map<String, Json>>) {
        match of {
            Json::Object(object) => {
                if object.contains_key("seq") && object.contains_key("type") {
                    all.push(object.clone());
                }
                object.values().for_each(|value| entries(value, all));
            }
            Json::Array(array) => array.iter().for_each(|value| entries(value, all)),
            _ => {}
        }
    }

    #[test]
    fn every_kind_has_a_schema_and_what_entries_have_stands_in_it() {
        let mut schemas = Schemas::new();
        EntryView::schemas(&mut schemas);
        let schemas: Map<String, Json> =
            schemas.into_iter().map(|(name, schema)| (name, serde_json::to_value(schema).unwrap())).collect();
        let known: Vec<_> = What::ABOUT.iter().flat_map(|about| about.words).collect();
        assert_eq!(known, What::WORDS.iter().copied().flatten().collect::<Vec<_>>());
        let vectors = include_str!("../../../../../tests/vectors/fold.json");
        let mut all = Vec::new();
        entries(&serde_json::from_str(vectors).unwrap(), &mut all);
        assert!(all.len() > 900);
        for entry in all {
            let about = What::ABOUT.iter().find(|about| about.words.iter().any(|word| entry["type"] == *word)).unwrap();
            let schema = &schemas[&name(about)];
            assert!(schema["properties"]["type"]["enum"].as_array().unwrap().contains(&entry["type"]));
            for (member, value) in &entry {
                let shown = &schema["properties"][member];
                let expected = match value {
                    Json::Bool(_) => "boolean",
                    Json::Number(_) => "integer",
                    Json::String(_) => "string",
                    Json::Array(_) => "array",
                    _ => "object",
                };
                let is_so = shown["type"] == expected || shown["$ref"].is_string();
                assert!(is_so, "{}: {member}: {value}: {shown}", entry["type"]);
            }
            let is_gone = entry.get("gone") == Some(&json!(true));
            for needed in schema["required"].as_array().unwrap() {
                let there = entry.contains_key(needed.as_str().unwrap());
                assert!(there || is_gone, "{}: {needed}", entry["type"]);
            }
        }
    }
}
