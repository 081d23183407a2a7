//! `proto/client.proto` and the same in Rust say the same: which messages there are, and of each field its name, type and
//! number.

use crate::{house::read, none};
use std::collections::BTreeSet;

const RUST: &str = "crates/hubbub-core/src/wire/protobuf/messages.rs";
const PROTO: &str = "crates/hubbub-core/proto/client.proto";

/// `Message.field = number: type`, for every field of the `.proto` file.
fn in_proto(text: &str) -> BTreeSet<String> {
    let mut fields = BTreeSet::new();
    let mut message = String::new();
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with("//")) {
        if let Some(name) = line.strip_prefix("message ") {
            message = name.split(' ').next().unwrap_or_default().to_owned();
            fields.insert(message.clone());
        } else if let Some((field, number)) = line.trim_end_matches(';').split_once(" = ")
            && line.ends_with(';')
            && !message.is_empty()
        {
            let (of, name) = field.rsplit_once(' ').unwrap_or(("", field));
            fields.insert(format!("{message}.{name} = {number}: {of}"));
        }
    }
    fields
}

/// The same, from the attributes and types of the Rust file.
fn in_rust(text: &str) -> BTreeSet<String> {
    let mut fields = BTreeSet::new();
    let (mut message, mut attribute) = (String::new(), "");
    for line in text.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("pub(super) struct ") {
            message = rest.split(' ').next().unwrap_or_default().to_owned();
            fields.insert(message.clone());
        } else if let Some(rest) = line.strip_prefix("#[prost(") {
            attribute = rest;
        } else if let Some((name, of)) = line.strip_prefix("pub ").and_then(|rest| rest.split_once(": ")) {
            let number = attribute.split('"').rev().nth(1).unwrap_or_default();
            let kind = attribute.split([' ', ',']).next().unwrap_or_default();
            let within = of.split(['<', '>']).nth(1).unwrap_or_default();
            let of = match kind {
                "message" if attribute.contains("repeated") => format!("repeated {within}"),
                "message" => within.to_owned(),
                scalar => scalar.to_owned(),
            };
            let name = name.trim_start_matches("r#");
            fields.insert(format!("{message}.{name} = {number}: {of}"));
        }
    }
    fields
}

#[test]
fn the_proto_file_and_its_rust_have_the_same_fields() {
    let (proto, rust) = (in_proto(&read(PROTO)), in_rust(&read(RUST)));
    assert!(proto.len() > 60, "only {proto:?}");
    let differing: Vec<_> = proto.symmetric_difference(&rust).cloned().collect();
    none(
        &differing,
        "proto/client.proto and wire/protobuf/messages.rs differ in these; the numbers are the protocol's.",
    );
}
