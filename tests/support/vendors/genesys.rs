//! Genesys Cloud: Open Messaging.
//!
//! Written from, on 2026-11-29:
//! - <https://developer.genesys.cloud/commdigital/digital/openmessaging/validate.html>: `X-Hub-Signature-256: sha256=` and the
//!   **base64** HMAC-SHA256 of the body; 10 s; five repeats after 429, 5xx and silence
//! - <https://developer.genesys.cloud/commdigital/digital/openmessaging/outboundMessages>: what an agent writes comes as a
//!   `NormalizedMessage`
//! - <https://github.com/MyPureCloud/platform-client-sdk-dotnet>, `build/docs/OpenInboundMessageMessagingChannel.md`,
//!   `ConversationsApi.md`: `POST /api/v2/conversations/messages/{integrationId}/inbound/open/message`; of the channel `from` and
//!   `time` are required
//! - <https://github.com/botpress/botpress>, its integration for Genesys: `POST https://login.{region}/oauth/token`, client credentials
//!
//! Not verified: the form of a message with attachments (`Structured`), and whether a `messageId` that came before is taken twice.

use super::{Answer, Asked, Vendor, hmac};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// See the module.
pub struct Genesys {
    pub client: (String, String),
    pub hook_secret: String,
    /// Tokens that were given; the last one is good.
    pub tokens: usize,
    /// Of whom, and what.
    pub said: Vec<(String, String)>,
    sent: usize,
}

const INTEGRATION: &str = "9a1c1d5e-0000-4000-8000-000000000001";

impl Genesys {
    pub fn new(client: (&str, &str), hook_secret: &str) -> Self {
        let client = (client.0.to_owned(), client.1.to_owned());
        Self { client, hook_secret: hook_secret.to_owned(), tokens: 0, said: vec![], sent: 0 }
    }

    /// The token that there is is good no more.
    pub fn forgets_tokens(&mut self) {
        self.tokens += 1;
    }

    /// An agent answers a customer.
    pub fn agent_writes(&mut self, to: &str, text: &str) -> String {
        self.told(to, &json!({ "type": "Text", "text": text, "originatingEntity": "Human" }))
    }

    /// An agent sends a picture.
    pub fn agent_sends(&mut self, to: &str, url: &str) -> String {
        let attachment = json!({ "id": "a-1", "mediaType": "Image", "url": url, "mime": "image/png" });
        self.told(
            to,
            &json!({ "type": "Structured", "originatingEntity": "Human",
            "content": [{ "contentType": "Attachment", "attachment": attachment }] }),
        )
    }

    /// What it also sends, and nobody is to read.
    pub fn receipt(&mut self, to: &str) -> String {
        self.told(to, &json!({ "type": "Receipt", "status": "Published", "isFinalReceipt": false }))
    }

    fn told(&mut self, to: &str, more: &Value) -> String {
        self.sent += 1;
        let mut told = json!({ "id": format!("out-{}", self.sent), "direction": "Outbound", "channel": { "id": INTEGRATION,
            "platform": "Open", "type": "Private", "to": { "id": to }, "from": { "nickname": "Ada", "id": INTEGRATION },
            "time": "2026-01-31T09:30:00.123Z" } });
        for (name, value) in more.as_object().into_iter().flatten() {
            told[name] = value.clone();
        }
        told.to_string()
    }
}

fn error(status: u16, code: &str) -> Answer {
    Answer::json(status, &json!({ "message": code, "code": code, "status": status, "details": [], "errors": [] }))
}

impl Vendor for Genesys {
    fn answer(&mut self, asked: &Asked) -> Answer {
        if asked.path == "/oauth/token" {
            let form = asked.form().unwrap_or_default();
            if asked.basic().as_ref() != Some(&self.client) || form["grant_type"] != "client_credentials" {
                return Answer::json(400, &json!({ "error": "invalid_client", "description": "client not found" }));
            }
            self.tokens += 1;
            let token = format!("token-{}", self.tokens);
            return Answer::json(200, &json!({ "access_token": token, "token_type": "bearer", "expires_in": 86_399 }));
        }
        if asked.bearer() != Some(&format!("token-{}", self.tokens)) {
            return error(401, "bad.credentials");
        }
        if asked.path != format!("/api/v2/conversations/messages/{INTEGRATION}/inbound/open/message") {
            return error(404, "not.found");
        }
        let body = asked.json().unwrap_or_default();
        let channel = &body["channel"];
        let is_whole =
            channel["time"].as_str().is_some_and(|time| time.ends_with('Z')) && channel["from"]["idType"] == "Opaque";
        let (Some(from), Some(text), true) = (channel["from"]["id"].as_str(), body["text"].as_str(), is_whole) else {
            return error(400, "bad.request");
        };
        self.said.push((from.to_owned(), text.to_owned()));
        let told = self.receipt(from);
        Answer::json(202, &json!({ "id": format!("in-{}", self.said.len()), "type": "Text", "text": text })).hooks(told)
    }

    fn too_many(&self) -> Answer {
        error(429, "too.many.requests").with("retry-after", "1")
    }

    fn signed(&self, _url: &str, body: &str) -> Vec<(&'static str, String)> {
        let signature = STANDARD.encode(hmac(ring::hmac::HMAC_SHA256, &self.hook_secret, body));
        vec![("content-type", "application/json".into()), ("x-hub-signature-256", format!("sha256={signature}"))]
    }
}
