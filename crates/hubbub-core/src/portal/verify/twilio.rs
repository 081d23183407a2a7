//! Twilio's signature: over the URL and the sorted parameters of a form, or over a URL that holds the digest of any other body.

use super::{
    Unverified,
    check::{BASE64, Signed, by_key, digest, same},
};
use crate::portal::verify::Algorithm;
use base64::Engine;

/// The header with the signature.
pub(super) const HEADER: &str = "X-Twilio-Signature";
/// The parameter of the URL with the SHA-256 of a body that is no form, in hexadecimal.
const BODY_DIGEST: &str = "bodySHA256";

/// Which of the secrets it is signed with.
pub(super) fn verify(secrets: &[&str], request: &Signed<'_>) -> Result<usize, Unverified> {
    let url = request.url()?;
    let given = BASE64.decode(request.header(HEADER)?).map_err(|_| Unverified::SignatureMismatch)?;
    let said = request.query.and_then(|query| {
        let named = form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == BODY_DIGEST);
        named.map(|(_, value)| value.to_ascii_lowercase())
    });
    let parameters = if request.is_form() {
        sorted(request.body)
    } else {
        // What is not signed in the URL is not signed at all.
        let is_signed = said.is_some_and(|said| same(said.as_bytes(), digest(request.body).as_bytes()));
        if !is_signed && !request.body.is_empty() {
            return Err(Unverified::SignatureMismatch);
        }
        String::new()
    };
    // Twilio's own libraries try the URL with and without its port, too: which of them is signed depends on what called.
    let spellings = std::iter::once(url.to_owned()).chain(other_spelling(url));
    let found = spellings.into_iter().find_map(|url| {
        by_key(
            secrets,
            Algorithm::Sha1,
            |secret| Some(secret.as_bytes().to_vec()),
            &[url.as_bytes(), parameters.as_bytes()],
            &[&given],
        )
        .ok()
    });
    found.ok_or(Unverified::SignatureMismatch)
}

/// Names and values one after another, sorted; what is there twice counts once.
fn sorted(form: &[u8]) -> String {
    let mut fields: Vec<_> = form_urlencoded::parse(form).collect();
    fields.sort_unstable();
    fields.dedup();
    fields.into_iter().flat_map(|(name, value)| [name, value]).collect()
}

/// With the port that its scheme has, where it names none; otherwise without.
fn other_spelling(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (host, path) = rest.split_at(end);
    let colon = host.rfind(':').filter(|at| host[at + 1..].bytes().all(|byte| byte.is_ascii_digit()));
    let host = match colon {
        Some(at) => host[..at].to_owned(),
        None => format!("{host}:{}", if scheme == "https" { 443 } else { 80 }),
    };
    Some(format!("{scheme}://{host}{path}"))
}
