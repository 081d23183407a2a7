//! What a portal's settings make of a request that comes in.

use super::PortalSettings;
use crate::portal::{
    challenge::Challenge,
    mapping::{Body, BodyFormat, Mapped, Mapping, Unmapped, native, read},
    verify::Signed,
};

impl PortalSettings {
    /// What bodies mean: the first whose filters match.
    pub fn all_mappings(&self) -> &[Mapping] {
        match (&self.mappings[..], &self.mapping) {
            ([], mapping) if *mapping == Mapping::default() => native(),
            ([], mapping) => std::slice::from_ref(mapping),
            (several, _) => several,
        }
    }

    /// All questions that are answered at once, and how their bodies are written where that is said.
    pub fn all_challenges(&self) -> impl Iterator<Item = (&Challenge, Option<&BodyFormat>)> {
        fn of_mapping(mapping: &Mapping) -> Option<(&Challenge, Option<&BodyFormat>)> {
            Some((mapping.challenge.as_ref()?, Some(&mapping.format)))
        }
        self.challenges.iter().map(|one| (one, None)).chain(self.all_mappings().iter().filter_map(of_mapping))
    }

    /// Whether some question must hold the portal's token.
    pub fn has_tokens(&self) -> bool {
        self.all_challenges().any(|(challenge, _)| challenge.token.is_some())
    }

    /// Whether something that is signed holds the URL.
    pub fn signs_url(&self) -> bool {
        self.verify.signs_url()
            || self.all_challenges().any(|(challenge, _)| challenge.verify.as_ref().is_some_and(|v| v.signs_url()))
    }

    /// What the body of a webhook means, with which filter passed what over if that is asked for.
    ///
    /// # Errors
    /// Why nothing can be made of it, with the pointer: all of it, no part of it is taken.
    pub fn read(&self, content_type: Option<&str>, body: &[u8], explain: bool) -> Result<Mapped, Unmapped> {
        read(self.all_mappings(), content_type, body, explain)
    }

    /// The question that a request is, if it is one, with its body. Those that are `verified` are meant, or the others.
    pub fn asked(&self, request: &Signed<'_>, verified: bool) -> Option<(&Challenge, Option<Body>)> {
        let mut bodies: Vec<(Option<&BodyFormat>, Option<Body>)> = Vec::new();
        for (challenge, format) in self.all_challenges() {
            if challenge.is_verified() != verified || !challenge.is_asked_by(request.method) {
                continue;
            }
            // No body is read before it is verified.
            if !verified || request.method != "POST" {
                if challenge.is_asked(request, None) {
                    return Some((challenge, None));
                }
                continue;
            }
            let known = bodies.iter().position(|(known, _)| *known == format);
            let at = known.unwrap_or_else(|| {
                let (content_type, bytes) = (request.content_type(), request.body);
                let body = match format {
                    Some(format) => Body::read(format, content_type, bytes),
                    None => Body::of_either(content_type, bytes),
                };
                bodies.push((format, body.ok()));
                bodies.len() - 1
            });
            if challenge.is_asked(request, bodies[at].1.as_ref()) {
                return Some((challenge, bodies.swap_remove(at).1));
            }
        }
        None
    }
}
