//! `sdk/src/generated.ts`: what the server says of itself, for clients in TypeScript. Run these tests with `UPDATE_DOCS=1` to
//! write it down.

mod render;
mod tables;

use super::methods;
use crate::chat::methods::{
    Edge, RestMethod, RpcMethod,
    entry::EntryView,
    rest::{Schemas, schema_of},
};
use hubbub_core::log::{features as additions, kinds::What};
use render::{Fields, comment, head_of_entries, interface, pascal, type_of, words};
use serde_json::{Map, Value as Json, json};
use std::{collections::BTreeMap, fmt::Write};
use utoipa::PartialSchema;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../sdk/src/generated.ts");
const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/protocol.md");

const HEAD: &str = "// Made from the server's own description by a test: `UPDATE_DOCS=1 cargo test -p hubbub --lib typescript`. Do not edit.
// What methods do, and what else there is to know of them, stands in docs/protocol.md.
";

/// What the table of methods says to clients.
#[derive(Default)]
struct Client {
    schemas: Schemas,
    /// Of each method: its name, what is said of it, its `data`, and the name of its answer.
    methods: Vec<(&'static str, &'static str, Fields, String)>,
}

impl<On> Edge<On> for Client {
    fn rpc<M: RpcMethod<On = On>>(&mut self) {
        let answer = schema_of::<M::Output>(&mut self.schemas);
        let answer = answer.ref_location.rsplit('/').next().unwrap_or_default().to_owned();
        <M::Data<'static> as utoipa::ToSchema>::schemas(&mut self.schemas);
        let schema = <M::Data<'static> as PartialSchema>::schema();
        let data = Fields::new(&serde_json::to_value(schema).expect("JSON"), &needed::<M>());
        self.methods.push((M::NAME, M::DOC.summary, data, answer));
    }

    fn rest<M: RestMethod<On = On>>(&mut self) {}
}

/// The fields without which the method refuses its own example as incomplete: the method itself is asked. Where one of several
/// is enough, none of them is needed.
fn needed<M: RpcMethod>() -> Vec<String> {
    let example = M::DOC.example.lines().next().expect("an example of `data`");
    let example: Map<String, Json> = serde_json::from_str(example).expect("an object");
    let refusal = |data: &Map<String, Json>| {
        let text = Json::Object(data.clone()).to_string();
        let read = serde_json::from_str(&text).map_err(|refused| refused.to_string());
        read.and_then(|data| M::read(data).map(drop).map_err(|refused| refused.to_string())).err()
    };
    assert_eq!(refusal(&example), None, "the example of {}", M::NAME);
    let is_needed = |name: &&String| {
        let mut without = example.clone();
        without.remove(*name);
        let is_missing = |data: &Map<String, Json>| refusal(data) == Some(format!("{name}: missing"));
        let was_missing = is_missing(&without);
        // A message says a text, data or both.
        without.entry("data").or_insert(json!({}));
        was_missing && is_missing(&without)
    };
    example.keys().filter(is_needed).cloned().collect()
}

/// The kinds of entries. What is of none of them is of a later version: TypeScript tells kinds apart by their words alone, so it
/// stands beside the others.
fn entries(schema: &Json) -> String {
    let all = type_of(schema);
    let known = all.strip_suffix(" | OtherEntry").expect("it stands last");
    let types: Vec<_> = What::ABOUT.iter().flat_map(|about| about.words).map(|word| format!("\"{word}\"")).collect();
    let about = schema["description"].as_str().expect("a sentence");
    let known = known.replace(" | ", "\n    | ");
    format!(
        "\n/** An entry of a kind that is known here: `type` says which. */\nexport type KnownEntry =\n    | {known};\n\n{}\
         export type Entry = KnownEntry | OtherEntry;\n\n/** The kinds that are known here. */\n\
         export const ENTRY_TYPES: readonly KnownEntry[\"type\"][] = [\n    {},\n];\n\n\
         /** Whether an entry is of a kind that is known here; pass over the others. */\n\
         export function isKnown(entry: Entry): entry is KnownEntry {{\n    \
         return (ENTRY_TYPES as readonly string[]).includes(entry.type);\n}}\n",
        comment(about, ""),
        types.join(",\n    "),
    )
}

fn generated(document: &str) -> String {
    let mut client = Client::default();
    methods(&mut client);
    let Client { mut schemas, methods } = client;
    let entry = schema_of::<EntryView>(&mut schemas);
    assert!(entry.ref_location.ends_with("/Entry"));
    let schemas: BTreeMap<_, _> =
        schemas.into_iter().map(|(name, schema)| (name, serde_json::to_value(schema).expect("JSON"))).collect();
    let mut ts = HEAD.to_owned() + &head_of_entries(&schemas["OtherEntry"]);
    for (name, schema) in schemas.iter().filter(|(name, _)| *name != "Entry") {
        ts.push_str(&interface(name, schema));
    }
    ts.push_str(&entries(&schemas["Entry"]));
    let mut table = String::new();
    for (name, summary, data, answer) in &methods {
        let data_name = format!("{}Data", pascal(name));
        assert!(!schemas.contains_key(&data_name), "{data_name} is another type");
        let _ = write!(ts, "\n/** `data` of `{name}`. */\nexport interface {data_name} {{\n{data}}}\n");
        let _ = writeln!(table, "{}    {name}: {{ data: {data_name}; answer: {answer} }};", comment(summary, "    "));
    }
    let _ = write!(
        ts,
        "\n/** The methods of `rpc`: what is asked and what is answered. */\nexport interface Methods {{\n{table}}}\n"
    );
    let _ = write!(ts, "\n/** The name of a method. */\nexport type Method = keyof Methods;\n");
    let features: Vec<_> = additions::Feature::ALL.iter().map(|feature| feature.word()).collect();
    let about =
        "What was added after the first version. The answer to `connect` names what is on; others may be named.";
    let _ = write!(ts, "\n{}export type Feature = {};\n", comment(about, ""), words(&features));
    ts.push_str(&tables::told(document));
    ts.push_str(&tables::codes(document));
    ts.push_str(&tables::limits(document));
    ts
}

#[test]
fn the_sdk_knows_what_the_server_says_of_itself() {
    let document = std::fs::read_to_string(DOCUMENT).expect("docs/protocol.md");
    let right = generated(&document);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(FILE, right).expect("sdk/src/generated.ts is written");
        return;
    }
    let there = std::fs::read_to_string(FILE).expect("sdk/src/generated.ts");
    assert!(there == right, "run `UPDATE_DOCS=1 cargo test -p hubbub --lib typescript` and look at the difference");
}

/// Counted another way: the headings of the document's part on methods, which is made from the same table.
#[test]
fn every_method_of_rpc_is_in_it_once() {
    let document = std::fs::read_to_string(DOCUMENT).expect("docs/protocol.md");
    let (_, part) = document.split_once("<!-- methods of rpc:").expect("the part");
    let (part, _) = part.split_once("<!-- end -->").expect("its end");
    let told: Vec<_> = part.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`')).collect();
    let there = std::fs::read_to_string(FILE).expect("sdk/src/generated.ts");
    let (_, table) = there.split_once("export interface Methods {\n").expect("the methods");
    let (table, _) = table.split_once("\n}\n").expect("their end");
    let named: Vec<_> = table.lines().filter_map(|line| Some(line.trim_start().split_once(": { data: ")?.0)).collect();
    assert!(told.len() > 30, "{told:?}");
    assert_eq!(named, told);
}
