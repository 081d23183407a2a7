//! Texts sealed under keys of the operator's: AES-256-GCM, each with a nonce of its own and bound to the place it lies in.
//!
//! A sealed text is `sealed:1:KEY:DATA`: the id of the key, and nonce, ciphertext and tag in base64. What does not begin with
//! `sealed:` is a text as it is.

use anyhow::{Context, bail};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use hubbub_core::limits::SECRETS_KEYS;
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    digest,
};
use std::{fmt, sync::Arc};

/// What every sealed text begins with, of whichever version.
const SEALED: &str = "sealed:";
/// The form that is written here.
const FORM: &str = "1";
/// Bytes of a key.
const KEY_BYTES: usize = 32;
/// Bytes of its digest that name it.
const ID_BYTES: usize = 6;

/// Keys: the first seals, all of them open. There may be none.
#[derive(Clone, Default)]
pub struct SealKeys(Arc<[SealKey]>);

struct SealKey {
    id: String,
    key: LessSafeKey,
}

/// Why a text cannot be opened. Says nothing of the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotOpened {
    /// None of the keys sealed it.
    #[error("it is sealed with the key {0}, which is not among those of --secrets-key")]
    OtherKey(String),
    /// The key is there, and this is not what it sealed for this place.
    #[error("it is not what the key {0} sealed for this place: it was changed or moved")]
    Changed(String),
    /// It is of a form that a newer version writes.
    #[error("it is sealed in a form that this version does not know")]
    OtherForm,
}

impl fmt::Debug for SealKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.ids()).finish()
    }
}

impl PartialEq for SealKeys {
    fn eq(&self, other: &Self) -> bool {
        self.ids().eq(other.ids())
    }
}

/// Whether a text is sealed, or is to be taken for it.
pub fn is_sealed(text: &str) -> bool {
    text.starts_with(SEALED)
}

/// The id of the key that sealed a text, where it is one of our form.
pub fn key_of(text: &str) -> Option<&str> {
    parts(text).map(|(id, _)| id)
}

fn parts(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix(SEALED)?.strip_prefix(FORM)?.strip_prefix(':')?.split_once(':')
}

impl SealKeys {
    /// Reads keys with commas or white space between, each 32 bytes in hexadecimal or base64.
    ///
    /// # Errors
    /// Which of them is none, without saying it.
    pub fn parse(list: &str) -> anyhow::Result<Self> {
        let mut keys: Vec<SealKey> = Vec::new();
        let written = list.split(|c: char| c == ',' || c.is_whitespace()).filter(|key| !key.is_empty());
        for (n, written) in written.enumerate() {
            let bytes = read(written)
                .with_context(|| format!("key {}: it is 32 bytes in hexadecimal or base64; {MAKE}", n + 1))?;
            let digest = digest::digest(&digest::SHA256, &[b"hubbub sealing key\0".as_slice(), &bytes].concat());
            let id: String = digest.as_ref().iter().take(ID_BYTES).map(|byte| format!("{byte:02x}")).collect();
            let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| anyhow::anyhow!("key {}: no key", n + 1))?;
            if keys.iter().any(|other| other.id == id) {
                bail!("key {}: it is there twice", n + 1);
            }
            keys.push(SealKey { id, key: LessSafeKey::new(key) });
        }
        if keys.len() > SECRETS_KEYS {
            bail!("{} keys; the limit is {SECRETS_KEYS}", keys.len());
        }
        Ok(Self(keys.into()))
    }

    /// The ids of the keys; the first is that of the one that seals.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|key| key.id.as_str())
    }

    /// Seals a text for a place, with a nonce that is used for nothing else. `None`: there is no key.
    pub fn seal(&self, place: &str, text: &str, nonce: [u8; NONCE_LEN]) -> Option<String> {
        let SealKey { id, key } = self.0.first()?;
        let mut data = text.as_bytes().to_vec();
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(place), &mut data).ok()?;
        let data = URL_SAFE_NO_PAD.encode([nonce.as_slice(), &data].concat());
        Some(format!("{SEALED}{FORM}:{id}:{data}"))
    }

    /// Opens a text that was sealed for this place. What is not sealed is what it is.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub fn open(&self, place: &str, text: &str) -> Result<String, NotOpened> {
        if !is_sealed(text) {
            return Ok(text.to_owned());
        }
        let (id, data) = parts(text).ok_or(NotOpened::OtherForm)?;
        let Some(SealKey { key, .. }) = self.0.iter().find(|key| key.id == id) else {
            return Err(NotOpened::OtherKey(id.chars().take(2 * ID_BYTES).collect()));
        };
        let opened = || {
            let data = URL_SAFE_NO_PAD.decode(data).ok()?;
            let (nonce, sealed) = data.split_first_chunk::<NONCE_LEN>()?;
            let mut sealed = sealed.to_vec();
            let nonce = Nonce::assume_unique_for_key(*nonce);
            let text = key.open_in_place(nonce, Aad::from(place), &mut sealed).ok()?;
            String::from_utf8(text.to_vec()).ok()
        };
        opened().ok_or_else(|| NotOpened::Changed(id.to_owned()))
    }
}

/// How to come to a key.
const MAKE: &str = "make one with `openssl rand -hex 32`";

fn read(written: &str) -> Option<[u8; KEY_BYTES]> {
    let hex = || {
        let pairs = written.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
        let is_hex = written.len() == 2 * KEY_BYTES && written.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then(|| pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect::<Option<Vec<u8>>>())?
    };
    let base64 = || {
        let engines = [STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD];
        engines.iter().find_map(|engine| engine.decode(written).ok())
    };
    hex().or_else(base64)?.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "0101010101010101010101010101010101010101010101010101010101010101";
    const OTHER: &str = "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

    fn keys(list: &str) -> SealKeys {
        SealKeys::parse(list).unwrap()
    }

    #[test]
    fn what_is_sealed_is_opened_where_it_was_sealed_for_and_nowhere_else() {
        let (one, both) = (keys(ONE), keys(&format!("{OTHER}\n{ONE}\n")));
        let sealed = one.seal("a/incoming", "hush", [1; 12]).unwrap();
        assert!(sealed.starts_with("sealed:1:") && !sealed.contains("hush"), "{sealed}");
        assert_eq!(one.open("a/incoming", &sealed).unwrap(), "hush");
        assert_eq!(both.open("a/incoming", &sealed).unwrap(), "hush", "an old key opens");
        assert_eq!(key_of(&both.seal("x", "y", [0; 12]).unwrap()), both.ids().next(), "the first seals");
        let id = key_of(&sealed).unwrap().to_owned();
        for place in ["b/incoming", "a/outgoing", "", "a/incoming "] {
            assert_eq!(one.open(place, &sealed), Err(NotOpened::Changed(id.clone())), "{place}");
        }
        assert_eq!(keys(OTHER).open("a/incoming", &sealed), Err(NotOpened::OtherKey(id.clone())));
        assert_eq!(SealKeys::default().open("a/incoming", &sealed), Err(NotOpened::OtherKey(id)));
    }

    #[test]
    fn what_was_changed_anywhere_is_not_opened() {
        let one = keys(ONE);
        let sealed = one.seal("a", "a secret text", [7; 12]).unwrap();
        let data_at = sealed.rfind(':').unwrap() + 1;
        for end in data_at..sealed.len() {
            assert!(one.open("a", &sealed[..end]).is_err(), "cut at {end}");
        }
        for at in data_at..sealed.len() {
            let mut bytes = sealed.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            assert!(one.open("a", std::str::from_utf8(&bytes).unwrap()).is_err(), "changed at {at}");
        }
        for other in ["sealed:", "sealed:1:", "sealed:1", "sealed:2:x:y", "sealed:1:x", "sealed:11:x:y"] {
            assert!(one.open("a", other).is_err(), "{other}");
        }
        assert!(one.open("a", &format!("{sealed}A")).is_err());
    }

    #[test]
    fn what_is_not_sealed_is_what_it_is() {
        for keys in [SealKeys::default(), keys(ONE)] {
            for text in ["whsec_abc", "", "Sealed:1:x", " sealed:"] {
                assert_eq!(keys.open("a", text).unwrap(), text);
            }
        }
        assert_eq!(SealKeys::default().seal("a", "hush", [0; 12]), None);
    }

    #[test]
    fn a_key_is_32_bytes_and_is_shown_nowhere() {
        let both = keys(&format!(" {ONE},{OTHER}\r\n"));
        assert_eq!(both.ids().count(), 2);
        assert!(!format!("{both:?}").contains("0101"));
        assert_eq!(keys(""), SealKeys::default());
        let many: Vec<String> = (0..=SECRETS_KEYS).map(|n| format!("{n:064x}")).collect();
        for (list, says) in [
            ("hush".to_owned(), "key 1: it is 32 bytes"),
            (format!("{ONE},{}", &ONE[2..]), "key 2: it is 32 bytes"),
            (format!("{ONE}{ONE}"), "key 1"),
            (format!("{ONE},AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"), "key 2: it is there twice"),
            (many.join(","), "the limit is"),
        ] {
            let refused = format!("{:#}", SealKeys::parse(&list).unwrap_err());
            assert!(refused.contains(says) && !refused.contains("hush") && !refused.contains("0101"), "{refused}");
        }
    }
}
