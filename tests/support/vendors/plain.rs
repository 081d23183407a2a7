//! Plain: threads of customers, over GraphQL, where everything is answered 200.
//!
//! Written from, on 2026-11-29:
//! - <https://docs.plain.com/core-api/error-handling>: a mutation that failed has an `error` beside null, of the type `VALIDATION`,
//!   `FORBIDDEN` or `INTERNAL`, which is to be tried again; other faults are in `errors`, with `extensions.code`
//! - <https://www.plain.com/docs/request-signing>: `Plain-Request-Signature`, the hex HMAC-SHA256 of the body
//! - <https://www.plain.com/docs/webhooks/thread-chat-sent>: the body; `createdBy.actorType`, the thread's `externalId`
//! - <https://github.com/team-plain/typescript-sdk>: `SendCustomerChatInput` with `customerId`, `threadId`, `text`
//!
//! Not verified: `threadByExternalId`, that `createThread` takes an `externalId`, and what who asks too often is answered.

use super::{Answer, Asked, Vendor, hex_hmac};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// See the module.
pub struct Plain {
    pub key: String,
    pub hook_secret: String,
    /// Their `externalId`.
    pub customers: Vec<String>,
    /// By their `externalId`: what was said.
    pub threads: BTreeMap<String, Vec<String>>,
    /// What the next chat is answered with instead.
    pub fails: Vec<&'static str>,
    sent: usize,
}

impl Plain {
    pub fn new(key: &str, hook_secret: &str) -> Self {
        let [key, hook_secret] = [key, hook_secret].map(ToOwned::to_owned);
        Self { key, hook_secret, customers: vec![], threads: BTreeMap::new(), fails: vec![], sent: 0 }
    }

    /// An agent answers in a thread.
    pub fn agent_writes(&mut self, thread: &str, text: &str) -> String {
        self.told(thread, text, "user")
    }

    /// Something that is no person does.
    pub fn machine_writes(&mut self, thread: &str, text: &str) -> String {
        self.told(thread, text, "machineUser")
    }

    fn told(&mut self, thread: &str, text: &str, by: &str) -> String {
        self.sent += 1;
        let id = format!("ch_{}", self.sent);
        json!({ "timestamp": "2023-11-02T15:32:28.831Z", "workspaceId": "w_1", "type": "thread.chat_sent",
            "id": format!("pEv_{}", self.sent), "payload": { "eventType": "thread.chat_sent",
            "chat": { "timelineEntryId": "t_1", "id": id, "customerReadAt": null, "attachments": [], "text": text,
                "createdBy": { "actorType": by, "userId": "u_1" } },
            "thread": { "id": format!("th_{thread}"), "externalId": thread, "customer": { "id": "c_0" }, "title": "…" } } })
        .to_string()
    }

    fn mutation(&mut self, name: &str, input: &Value) -> Result<Value, &'static str> {
        let word = |pointer: &str| input.pointer(pointer).and_then(Value::as_str).map(ToOwned::to_owned);
        let customer = |id: Option<String>| id.and_then(|id| id.strip_prefix("c_")?.parse::<usize>().ok());
        match name {
            "upsertCustomer" => {
                let who = word("/identifier/externalId").ok_or("VALIDATION")?;
                word("/onCreate/email/email").filter(|email| email.contains('@')).ok_or("VALIDATION")?;
                let known = self.customers.iter().position(|known| *known == who);
                let at = known.unwrap_or_else(|| {
                    self.customers.push(who);
                    self.customers.len() - 1
                });
                Ok(json!({ "customer": { "id": format!("c_{at}") } }))
            }
            "createThread" => {
                let thread = word("/externalId").ok_or("VALIDATION")?;
                let customer = customer(word("/customerIdentifier/customerId"));
                customer.filter(|at| *at < self.customers.len()).ok_or("VALIDATION")?;
                if self.threads.contains_key(&thread) {
                    return Err("VALIDATION");
                }
                self.threads.insert(thread.clone(), vec![]);
                Ok(json!({ "thread": { "id": format!("th_{thread}") } }))
            }
            "sendCustomerChat" => {
                if let Some(kind) = self.fails.pop() {
                    return Err(kind);
                }
                let thread = word("/threadId").and_then(|id| id.strip_prefix("th_").map(ToOwned::to_owned));
                let said = self.threads.get_mut(&thread.ok_or("VALIDATION")?).ok_or("VALIDATION")?;
                said.push(word("/text").ok_or("VALIDATION")?);
                self.sent += 1;
                Ok(json!({ "chat": { "id": format!("ch_{}", self.sent) } }))
            }
            _ => Err("VALIDATION"),
        }
    }
}

fn fault(code: &str) -> Answer {
    let fault = json!({ "message": code.to_lowercase(), "extensions": { "code": code } });
    Answer::json(200, &json!({ "data": null, "errors": [fault] }))
}

impl Vendor for Plain {
    fn answer(&mut self, asked: &Asked) -> Answer {
        if asked.bearer() != Some(&self.key) {
            return fault("UNAUTHENTICATED");
        }
        let body = asked.json().unwrap_or_default();
        let query = body["query"].as_str().unwrap_or_default();
        // The braces are the language's.
        if query.matches('{').count() != query.matches('}').count() || query.contains("{{") {
            return fault("GRAPHQL_PARSE_FAILED");
        }
        let name: String =
            query.split_once("{ ").map_or("", |(_, rest)| rest).chars().take_while(char::is_ascii_alphabetic).collect();
        if name == "threadByExternalId" {
            let thread = body["variables"]["thread"].as_str().unwrap_or_default();
            let found = self.threads.contains_key(thread).then(|| json!({ "id": format!("th_{thread}") }));
            return Answer::json(200, &json!({ "data": { name: found } }));
        }
        let answer = match self.mutation(&name, &body["variables"]["input"]) {
            Ok(mut result) => {
                result["error"] = Value::Null;
                result
            }
            Err(kind) => json!({ "error": { "message": "…", "type": kind, "code": "input_validation" } }),
        };
        Answer::json(200, &json!({ "data": { name: answer } }))
    }

    fn too_many(&self) -> Answer {
        Answer::text(429, "Too Many Requests")
    }

    fn signed(&self, _url: &str, body: &str) -> Vec<(&'static str, String)> {
        let signature = hex_hmac(ring::hmac::HMAC_SHA256, &self.hook_secret, body);
        vec![("content-type", "application/json".into()), ("plain-request-signature", signature)]
    }
}
