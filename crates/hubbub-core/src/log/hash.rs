//! Keyed hashes: of bodies, to tell a retry from a conflict, and of short texts that instances sign for each other.

use super::{
    body::{BodyWriter, Column},
    kinds::What,
};
use crate::model::{json::Json, seq::Seq};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;

/// A keyed hash of what a draft says, kept beside the draft's key. A retry with another body is a conflict. Because the hash is
/// of the original body, a retry is still recognised after the entry was edited or erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BodyHash(pub [u8; 16]);

/// The database's secret for [`BodyHash`]: without it a hash tells nothing about a text.
#[derive(Clone)]
pub struct HashKey(pub [u8; 32]);

impl HashKey {
    /// A public name for the database of this key: 32 hexadecimal digits that say nothing about either. No body is hashed
    /// to it: bodies begin with a length, which no letter is.
    pub fn name_of(&self, database: &str) -> String {
        let mut hmac = Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        hmac.update(b"public name of a database\0");
        hmac.update(database.as_bytes());
        hmac.finalize().into_bytes()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey(…)")
    }
}

/// Hashes the members of a body in their order, each behind its length.
struct Hashing(Hmac<Sha256>);

impl Hashing {
    fn part(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    /// A member with a column of the first version has been there from the beginning, and counts even when it is absent. Any other
    /// may have been added by a later version: it counts, with its name, only when it is present, so
    /// that the hash of a body without it stays what it was.
    fn member(&mut self, name: &str, column: Column, value: Option<&[u8]>, absent: &[u8]) {
        if matches!(column, Column::Thread | Column::InRoom | Column::Body) {
            if let Some(value) = value {
                self.part(name.as_bytes());
                self.part(value);
            }
        } else {
            self.part(value.unwrap_or(absent));
        }
    }
}

impl<'a> BodyWriter<'a> for Hashing {
    fn string(&mut self, name: &'static str, column: Column, value: Option<&'a str>) {
        self.member(name, column, value.map(str::as_bytes), b"");
    }

    fn json(&mut self, name: &'static str, column: Column, value: Option<&'a Json>) {
        self.member(name, column, value.map(|json| json.as_str().as_bytes()), b"");
    }

    fn seq(&mut self, name: &'static str, column: Column, value: Option<Seq>) {
        let bytes = value.map(|seq| seq.get().to_be_bytes());
        self.member(name, column, bytes.as_ref().map(<[u8; 8]>::as_slice), &[0; 8]);
    }

    fn flag(&mut self, name: &'static str, column: Column, value: bool) {
        self.member(name, column, value.then_some(b"true".as_slice()), b"");
    }

    fn rest(&mut self, name: &'static str, json: &str) {
        self.member(name, Column::Body, Some(json.as_bytes()), b"");
    }
}

impl HashKey {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    fn hmac(&self) -> Hmac<Sha256> {
        Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length")
    }

    /// The hash of `what`.
    pub fn hash(&self, what: &What) -> BodyHash {
        self.hash_all(&[what])
    }

    /// The hash of what happens together, in this order.
    pub fn hash_both(&self, first: &What, second: &What) -> BodyHash {
        self.hash_all(&[first, second])
    }

    fn hash_all(&self, all: &[&What]) -> BodyHash {
        let mut hashing = Hashing(self.hmac());
        for what in all {
            hashing.part(what.word().as_bytes());
            what.write(&mut hashing);
        }
        let full = hashing.0.finalize().into_bytes();
        let mut short = [0; 16];
        short.copy_from_slice(&full[..16]);
        BodyHash(short)
    }

    fn sealing(&self, what: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.hmac();
        // No body of an entry is hashed with these words in front.
        mac.update(b"a seal of ");
        mac.update(what);
        mac
    }

    /// The seal of `what`: vouches for a short text that an instance gives to a client and wants to know again.
    pub fn seal(&self, what: &[u8]) -> [u8; 16] {
        let mut seal = [0; 16];
        seal.copy_from_slice(&self.sealing(what).finalize().into_bytes()[..16]);
        seal
    }

    /// Whether this is the seal of `what`; takes the same time for all that are not.
    pub fn is_seal(&self, what: &[u8], seal: &[u8]) -> bool {
        seal.len() == 16 && self.sealing(what).verify_truncated_left(seal).is_ok()
    }
}

#[cfg(test)]
mod tests;
