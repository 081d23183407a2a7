//! The recipes that come with the program are settings that can be taken once they are filled in.

use super::{access::Auth, settings::PortalSettings, verify::Verify};

const RECIPES: [(&str, &str); 6] = [
    ("catch-hook", include_str!("../../../../deploy/portals/catch-hook.json")),
    ("chatwoot", include_str!("../../../../deploy/portals/chatwoot.json")),
    ("intercom", include_str!("../../../../deploy/portals/intercom.json")),
    ("slack", include_str!("../../../../deploy/portals/slack.json")),
    ("twilio", include_str!("../../../../deploy/portals/twilio.json")),
    ("zendesk", include_str!("../../../../deploy/portals/zendesk.json")),
];

#[test]
fn every_recipe_can_be_taken_once_it_is_filled_in() {
    for (name, json) in RECIPES {
        let mut settings: PortalSettings = serde_json::from_str(json).unwrap_or_else(|why| panic!("{name}: {why}"));
        // What the operator has to say is missing until then, and is asked for by its name.
        for empty in settings.vars.clone().iter().filter(|(_, value)| value.is_empty()) {
            let why = settings.check().expect_err(name).to_string();
            assert!(
                why.contains(&format!("`vars` has to say what `{}` is", empty.0)) || why.contains("auth.user"),
                "{why}"
            );
            settings.vars.insert(empty.0.clone(), "x".into());
        }
        if let Some(Auth::Basic { user }) = &mut settings.auth
            && user.is_empty()
        {
            *user = "x".into();
        }
        settings.check().unwrap_or_else(|why| panic!("{name}: {why}"));
        assert!(!settings.calls.is_empty() && settings.url.is_some(), "{name} calls nobody");
        assert!(!matches!(settings.verify, Verify::StandardWebhooks { .. }), "{name}: no vendor signs like us");
        // What is made is looked for first, or is made only where there is none.
        for call in settings.calls.iter().filter(|call| call.name.starts_with("make_")) {
            let search = call.name.replace("make_", "find_");
            let search = settings.calls.iter().find(|other| other.name == search);
            let search = search.unwrap_or_else(|| panic!("{name}: nothing looks for what {} makes", call.name));
            assert!(
                search.is_search() && search.unless == call.unless && call.unless.is_some(),
                "{name}: {}",
                call.name
            );
        }
    }
}
