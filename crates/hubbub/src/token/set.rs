//! A set of keys (JWKS, RFC 7517), as an identity provider publishes it.

use super::key::Key;
use anyhow::{Context, bail};
use hubbub_core::limits::TOKEN_KEYS;
use jsonwebtoken::{Algorithm, jwk::Jwk};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The keys of a set that can be used here.
#[derive(Default)]
pub struct KeySet {
    keys: Vec<Key>,
    /// Why others cannot.
    pub unusable: Vec<String>,
    /// Those that say themselves that they are for something else.
    beside: Vec<String>,
}

#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow)]
    keys: Vec<&'a RawValue>,
}

impl KeySet {
    /// Reads a set. A key that cannot be used is left out and does no harm to the others. Of two with one id and one
    /// type the first counts: who may add keys to a set cannot replace one that is in use.
    ///
    /// # Errors
    /// It is none, or holds no key that can be used.
    pub fn parse(json: &[u8]) -> anyhow::Result<Self> {
        let wire: Wire<'_> = serde_json::from_slice(json).ok().context("not a JSON object with a list of keys")?;
        if wire.keys.len() > TOKEN_KEYS {
            bail!("{} keys; the limit is {TOKEN_KEYS}", wire.keys.len());
        }
        let mut set = Self::default();
        for (n, raw) in wire.keys.iter().enumerate() {
            let jwk = serde_json::from_str::<Jwk>(raw.get()).ok().context("not a key as RFC 7517 has them");
            match jwk.and_then(|jwk| Key::of_jwk(&jwk)) {
                Ok(key) if set.keys.iter().any(|other| is_doubled(other, &key)) => {
                    set.unusable.push(format!("key {}: there is one with its id and type before it", n + 1));
                }
                Ok(key) => set.keys.push(key),
                Err(why) if is_for_something_else(raw) => set.beside.push(format!("key {}: {why:#}", n + 1)),
                Err(why) => set.unusable.push(format!("key {}: {why:#}", n + 1)),
            }
        }
        if set.keys.is_empty() {
            bail!(
                "no key that can be used: {}",
                if wire.keys.is_empty() {
                    "it is empty".into()
                } else {
                    [set.unusable, set.beside].concat().join("; ")
                }
            );
        }
        Ok(set)
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Never: a set without keys is none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// The keys.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// The keys that may have signed a token of this header: those with its id, or all where it names none.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> impl Iterator<Item = &Key> {
        self.keys.iter().filter(move |key| is_named(key, id) && key.allows(algorithm))
    }

    /// Whether there is a key with this id, for whatever algorithm.
    pub(super) fn has(&self, id: Option<&str>) -> bool {
        self.keys.iter().any(|key| is_named(key, id))
    }
}

/// Keycloak publishes a key for encryption beside those for signatures, as a matter of course.
fn is_for_something_else(key: &RawValue) -> bool {
    #[derive(Deserialize)]
    struct Use {
        r#use: String,
    }
    serde_json::from_str::<Use>(key.get()).is_ok_and(|key| key.r#use != "sig")
}

fn is_named(key: &Key, id: Option<&str>) -> bool {
    id.is_none() || key.id() == id
}

fn is_doubled(key: &Key, other: &Key) -> bool {
    key.id().is_some() && key.id() == other.id() && key.family() == other.family()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::token::tests::signer::Signer;
    use serde_json::{Value, json};

    fn parse(keys: Value) -> anyhow::Result<KeySet> {
        KeySet::parse(json!({ "keys": keys }).to_string().as_bytes())
    }

    fn finds(set: &KeySet, id: Option<&str>, algorithm: Algorithm) -> bool {
        set.find(id, algorithm).next().is_some()
    }

    #[test]
    fn a_key_is_found_by_its_id_and_has_its_own_algorithm() {
        let (rsa, ec) = (Signer::named("one", Algorithm::RS256), Signer::named("two", Algorithm::ES256));
        let set = parse(json!([rsa.jwk(), ec.jwk()])).unwrap();
        assert!(finds(&set, Some("one"), Algorithm::RS256) && finds(&set, Some("two"), Algorithm::ES256));
        assert!(!set.has(Some("three")) && !finds(&set, Some("three"), Algorithm::RS256));
        for (id, algorithm) in
            [(Some("one"), Algorithm::ES256), (Some("one"), Algorithm::HS256), (Some("two"), Algorithm::RS256)]
        {
            assert!(set.has(id) && !finds(&set, id, algorithm), "{id:?} {algorithm:?}");
        }
        // Its alg says RS256, and nothing else it is.
        assert!(!finds(&set, Some("one"), Algorithm::RS512));
        // Who names none may have any of its algorithm, and those need no ids.
        assert_eq!(set.find(None, Algorithm::RS256).count(), 1);
        let nameless = [Algorithm::RS256; 2].map(|algorithm| {
            let mut jwk = Signer::new(algorithm).jwk();
            jwk.as_object_mut().unwrap().remove("kid");
            jwk
        });
        let set = parse(json!(nameless)).unwrap();
        assert_eq!(set.find(None, Algorithm::RS256).count(), 2);
        assert!(!set.has(Some("one")) && !finds(&set, None, Algorithm::ES256));
    }

    #[test]
    fn what_cannot_be_used_is_left_out_and_named() {
        let good = Signer::named("good", Algorithm::EdDSA);
        let of = |algorithm, change: &dyn Fn(&mut Value)| {
            let mut jwk = Signer::named("bad", algorithm).jwk();
            change(&mut jwk);
            jwk
        };
        let changed = |change: &dyn Fn(&mut Value)| of(Algorithm::ES256, change);
        let rsa_key = Signer::named("bad", Algorithm::RS256).jwk();
        let rsa = |change: &dyn Fn(&mut Value)| {
            let mut jwk = rsa_key.clone();
            change(&mut jwk);
            jwk
        };
        let ed = |change: &dyn Fn(&mut Value)| of(Algorithm::EdDSA, change);
        let oct = json!({"kty": "oct", "kid": "bad", "k": "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"});
        let short = json!({"kty": "RSA", "kid": "bad", "n": "u".repeat(170) + "g", "e": "AQAB"});
        for (bad, says) in [
            (oct, "symmetric"),
            (short, "1024 bits"),
            (changed(&|jwk| jwk["key_ops"] = json!(["encrypt"])), "key_ops"),
            (changed(&|jwk| jwk["kty"] = "AKP".into()), "not an RSA"),
            (changed(&|jwk| jwk["crv"] = "P-521".into()), "curve"),
            (changed(&|jwk| jwk["crv"] = "secp256k1".into()), "not an RSA"),
            (changed(&|jwk| jwk["crv"] = "P-384".into()), "not of its curve"),
            (changed(&|jwk| jwk["x"] = "AAAA".into()), "not of its curve"),
            (changed(&|jwk| jwk["x"] = "***".into()), "not an RSA"),
            (changed(&|jwk| jwk["y"] = jwk["x"].clone()), "no point of its curve"),
            (rsa(&|jwk| jwk["e"] = "AQ".into()), "exponent"),
            (rsa(&|jwk| jwk["e"] = "Aw".into()), "exponent"),
            (rsa(&|jwk| jwk["e"] = "AQAA".into()), "exponent is even"),
            (ed(&|jwk| jwk["x"] = format!("AQ{}", "A".repeat(41)).into()), "small order"),
            (ed(&|jwk| jwk["x"] = "A".repeat(43).into()), "small order"),
            (ed(&|jwk| jwk["x"] = "AQAA".into()), "make no key"),
            (changed(&|jwk| jwk["alg"] = "RS256".into()), "alg"),
            (changed(&|jwk| jwk["alg"] = "none".into()), "alg"),
            (json!({"kid": "bad"}), "not an RSA"),
            (json!("key"), "RFC 7517"),
        ] {
            let set = parse(json!([bad, good.jwk()])).unwrap();
            assert_eq!(set.len(), 1, "{bad}");
            assert!(
                set.unusable[0].starts_with("key 1: ") && set.unusable[0].contains(says),
                "{bad}: {:?}",
                set.unusable
            );
            assert!(!set.has(Some("bad")));
            assert!(parse(json!([bad])).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_key_that_says_it_is_for_something_else_is_left_out_without_a_word() {
        let good = Signer::named("good", Algorithm::EdDSA);
        let mut bad = Signer::named("bad", Algorithm::RS256).jwk();
        bad["use"] = "enc".into();
        bad["alg"] = "RSA-OAEP".into();
        let set = parse(json!([bad, good.jwk()])).unwrap();
        assert!(set.len() == 1 && set.unusable.is_empty() && !set.has(Some("bad")));
        assert!(
            parse(json!([bad])).err().unwrap().to_string().contains("use is not sig"),
            "it is said where it is all"
        );
    }

    #[test]
    fn of_two_keys_with_one_id_the_first_counts() {
        let (first, second) = (Signer::named("k", Algorithm::ES256), Signer::named("k", Algorithm::ES256));
        let other_type = Signer::named("k", Algorithm::RS256);
        let set = parse(json!([first.jwk(), second.jwk(), other_type.jwk()])).unwrap();
        assert_eq!((set.len(), set.unusable.len()), (2, 1));
        assert!(finds(&set, Some("k"), Algorithm::ES256) && finds(&set, Some("k"), Algorithm::RS256));
        let alone = parse(json!([first.jwk()])).unwrap();
        let bytes = |set: &KeySet| set.keys[0].decoding.try_get_as_bytes().unwrap().to_vec();
        assert_eq!(bytes(&set), bytes(&alone));
    }

    #[test]
    fn what_is_no_set_is_refused() {
        for json in ["", "[]", "{}", "<html>", r#"{"keys":{}}"#, r#"{"keys":[]}"#, "\u{0}", r#"{"keys":[{}]}"#] {
            assert!(KeySet::parse(json.as_bytes()).is_err(), "{json}");
        }
        let many = vec![Signer::named("k", Algorithm::EdDSA).jwk(); TOKEN_KEYS + 1];
        assert!(parse(json!(many)).err().unwrap().to_string().contains("the limit is"));
    }
}
