//! Bodies as portals send them, and what `payloads/expected.json` says must come of each: by configuration alone.

use hubbub_core::portal::{
    challenge::Answer,
    mapping::{Mapped, Mapping},
    settings::PortalSettings,
    verify::Signed,
};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    mappings: BTreeMap<String, Mapping>,
    bodies: Vec<Body>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    file: String,
    /// Without one it is the native contract.
    mapping: Option<String>,
    #[serde(default = "json")]
    content_type: String,
    #[serde(default)]
    challenge: Option<String>,
    #[serde(default)]
    events: Vec<Event>,
    #[serde(default)]
    passed_over: usize,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Event {
    #[serde(default)]
    session: Option<String>,
    #[serde(default)]
    external: Option<String>,
    text: String,
    #[serde(default)]
    data: Option<String>,
    #[serde(default)]
    agent: Option<String>,
    /// What tells repeats.
    key: Option<String>,
}

fn json() -> String {
    "application/json".into()
}

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "payloads"].iter().collect()
}

#[test]
fn every_body_becomes_what_is_expected_of_it() {
    let expected = fs::read_to_string(folder().join("expected.json")).unwrap();
    let Expected { mappings, bodies } = serde_json::from_str(&expected).unwrap();
    mappings.iter().for_each(|(name, mapping)| mapping.check().unwrap_or_else(|why| panic!("{name}: {why}")));
    let mut used = BTreeSet::new();
    let mut read = BTreeSet::from(["expected.json".to_owned()]);
    for body in bodies {
        let mapping = match &body.mapping {
            Some(name) => {
                used.insert(name.clone());
                mappings[name].clone()
            }
            None => Mapping::default(),
        };
        let bytes = fs::read(folder().join(&body.file)).unwrap();
        let wanted = match body.challenge {
            Some(reply) => Err(reply),
            None => Ok((body.events, body.passed_over)),
        };
        let settings = PortalSettings { mapping, ..PortalSettings::default() };
        let headers = |name: &str| (name == "content-type").then_some(body.content_type.as_bytes());
        let (method, body_text) = ("POST", &bytes[..]);
        let request = Signed { method, url: None, query: None, headers: &headers, body: body_text, path_secret: None };
        let asked = settings.asked(&request, true);
        let answer = asked.map(|(challenge, read)| challenge.answer(&request, read.as_ref(), None));
        let found = match answer
            .map_or_else(|| settings.read(Some(&body.content_type), &bytes, false).map(Ok), |a| a.map(Err))
        {
            Ok(Err(Answer::Text(reply))) => Err(reply),
            Ok(Err(other)) => panic!("{}: {other:?}", body.file),
            Ok(Ok(Mapped { events, passed_over, .. })) => {
                let events = events.into_iter().map(|event| Event {
                    key: event.repeat_key(None),
                    session: event.session,
                    external: event.external,
                    text: event.text,
                    data: event.data,
                    agent: event.agent,
                });
                Ok((events.collect::<Vec<_>>(), passed_over))
            }
            Err(unmapped) => panic!("{}: {unmapped}", body.file),
        };
        assert_eq!(found, wanted, "{}", body.file);
        read.insert(body.file);
    }
    let there: BTreeSet<_> =
        fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert_eq!(there, read, "every body is read");
    assert_eq!(used, mappings.into_keys().collect(), "every mapping is used");
}
