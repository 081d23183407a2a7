//! Keys that secrets of portals are sealed with, beside those that lie in the database.

use super::{Asked, Finding};
use crate::{
    config::StoreAt,
    crypto::seal::{SealKeys, is_sealed, key_of},
    store::{postgres::PostgresStore, sqlite::SqliteStore},
};
use serde_json::Value;
use std::collections::BTreeSet;

/// `--secrets-key`.
pub(super) async fn keys(asked: &Asked) -> Vec<Finding> {
    let keys = match asked.settings.secrets_keys() {
        Ok(keys) => keys,
        Err(error) => return vec![Finding::refused(ABOUT, &error)],
    };
    // Whether the store can be looked at is said elsewhere.
    let kept = match asked.settings.store_at() {
        Ok(StoreAt::Sqlite(path)) if SqliteStore::is_there(&path).is_ok_and(|is| is) => {
            SqliteStore::portal_secrets(&path).unwrap_or_default()
        }
        Ok(StoreAt::Postgres { place, schema, .. }) => {
            PostgresStore::portal_secrets(&place, &schema).await.unwrap_or_default()
        }
        _ => vec![],
    };
    let mut secrets = Vec::new();
    for row in &kept {
        // Of a portal a list of secrets for each direction; of its tokens each by itself.
        match serde_json::from_str::<Value>(row) {
            Ok(Value::Object(lists)) => secrets.extend(
                lists
                    .values()
                    .filter_map(Value::as_array)
                    .flatten()
                    .filter_map(|one| Some(one["value"].as_str()?.to_owned())),
            ),
            _ => secrets.push(row.clone()),
        }
    }
    vec![judge(&keys, &secrets)]
}

const ABOUT: &str = "--secrets-key";
const MAKE: &str = "make one with `openssl rand -hex 32`, give it to every instance with HUBBUB_SECRETS_KEY_FILE, then `hubbub portals reseal`";

fn judge(keys: &SealKeys, secrets: &[String]) -> Finding {
    let ids: Vec<&str> = keys.ids().collect();
    let strange: BTreeSet<&str> = secrets
        .iter()
        .filter(|secret| is_sealed(secret))
        .map(|secret| key_of(secret).unwrap_or("of a newer version"))
        .filter(|id| !ids.contains(id))
        .collect();
    if !strange.is_empty() {
        let strange: Vec<&str> = strange.into_iter().collect();
        let says = format!("secrets of portals are sealed with {}, which is not among them", strange.join(", "));
        return Finding::wrong(
            ABOUT,
            says,
            "give the key that they were sealed with, too; else their portals are not served",
        );
    }
    let plain = secrets.iter().filter(|secret| !is_sealed(secret)).count();
    match (ids.as_slice(), plain) {
        ([], 0) => Finding::ok(ABOUT, "there is none: secrets of portals would lie in the database as they are"),
        ([], _) => Finding::warning(ABOUT, "there is none: secrets of portals lie in the database as they are", MAKE),
        (_, 1..) => {
            let says = format!("{plain} secrets of portals lie in the database as they are");
            Finding::warning(
                ABOUT,
                says,
                "have them sealed with `hubbub portals reseal`, once all instances have the key",
            )
        }
        ([first], 0) => Finding::ok(ABOUT, format!("{first} seals and opens")),
        ([first, others @ ..], 0) => Finding::ok(ABOUT, format!("{first} seals, and {} open, too", others.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_looked_at_beside_what_they_have_to_open() {
        let keys = |list: &str| SealKeys::parse(list).unwrap();
        let (one, two) = (keys(&"01".repeat(32)), keys(&format!("{},{}", "02".repeat(32), "01".repeat(32))));
        let sealed = one.seal("x", "hush", [0; 12]).unwrap();
        let plain = "whsec_hush".to_owned();
        let all = [sealed.clone(), plain.clone()];
        for (keys, secrets, says) in [
            (&SealKeys::default(), &[][..], "ok       --secrets-key: there is none"),
            (&SealKeys::default(), &all[1..], "warning  --secrets-key: there is none"),
            (&SealKeys::default(), &all[..], "wrong    --secrets-key: secrets of portals are sealed with"),
            (&one, &all[..], "warning  --secrets-key: 1 secrets of portals lie"),
            (&one, &all[..1], "ok       --secrets-key: "),
            (&two, &all[..1], "open, too"),
            (&two, &["sealed:9:".to_owned()], "of a newer version"),
        ] {
            let found = judge(keys, secrets).to_string();
            assert!(found.contains(says) && !found.contains("hush"), "{found}, not {says}");
        }
    }
}
