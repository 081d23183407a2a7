//! Portals that lie in the database, beside what the configuration says of them.

use super::{Asked, Finding};
use crate::{
    config::StoreAt,
    store::{postgres::PostgresStore, sqlite::SqliteStore},
};
use hubbub_core::portal::settings::PortalSettings;

/// Portals that are named in a finding.
const NAMED: usize = 8;

/// Portals that sign their URL, where nobody has said how it begins.
pub(super) async fn addresses(asked: &Asked) -> Vec<Finding> {
    // What is wrong with it is said elsewhere.
    if !matches!(asked.settings.public_url(), Ok(None)) {
        return vec![];
    }
    // Whether the store can be looked at is said elsewhere, too.
    let kept = match asked.settings.store_at() {
        Ok(StoreAt::Sqlite(path)) if SqliteStore::is_there(&path).is_ok_and(|is| is) => {
            SqliteStore::portal_settings(&path).unwrap_or_default()
        }
        Ok(StoreAt::Postgres { place, schema, .. }) => {
            PostgresStore::portal_settings(&place, &schema).await.unwrap_or_default()
        }
        _ => vec![],
    };
    judge(&kept).into_iter().collect()
}

fn judge(kept: &[(String, String)]) -> Option<Finding> {
    // Those of a newer version are its own to check.
    let read = |settings: &str| serde_json::from_str::<PortalSettings>(settings).ok();
    let is_lost = |settings: &PortalSettings| settings.signs_url() && settings.public_url.is_none();
    let lost = kept.iter().filter(|(_, settings)| read(settings).is_some_and(|settings| is_lost(&settings)));
    let lost: Vec<&str> = lost.map(|(id, _)| id.as_str()).collect();
    let more = match lost.len() {
        0 => return None,
        count if count > NAMED => format!(" and {} more", count - NAMED),
        _ => String::new(),
    };
    let named = lost.iter().take(NAMED).copied().collect::<Vec<_>>().join(", ");
    let says = format!(
        "there is none, and these portals sign their whole URL: {named}{more}; their webhooks are answered 401"
    );
    Some(Finding::warning(
        "--public-url",
        says,
        "give what stands before /hooks/ in the addresses that they call, here or as `public_url` in the settings of each",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn portals_that_sign_a_url_that_nobody_knows_are_named() {
        let kept = |id: &str, settings: &str| (id.to_owned(), settings.to_owned());
        let twilio = r#"{"verify":{"scheme":"twilio"}}"#;
        let template = r#"{"verify":{"scheme":"hmac","header":"X-Sig","signed":"{method}{url}{body}"}}"#;
        let asked = r#"{"verify":{"scheme":"bearer"},"challenges":[{"method":"get","reply":"query:c","verify":
            {"scheme":"hmac","header":"X-Sig","signed":"{url}"}}]}"#;
        let known = r#"{"verify":{"scheme":"hubspot"},"public_url":"https://chat.example"}"#;
        let others = [kept("a", "{}"), kept("b", known), kept("c", r#"{"newer":1}"#), kept("d", "no json")];
        assert!(judge(&others).is_none());
        let all = [&others[..], &[kept("tw", twilio), kept("own", template), kept("q", asked)]].concat();
        let found = judge(&all).expect("a finding").to_string();
        assert!(found.starts_with("warning  --public-url: ") && found.contains("URL: tw, own, q; their"), "{found}");
        let many: Vec<_> = (0..30).map(|n| kept(&format!("p{n}"), twilio)).collect();
        let found = judge(&many).expect("a finding").to_string();
        assert!(found.contains("p7 and 22 more") && !found.contains("p8"), "{found}");
    }
}
