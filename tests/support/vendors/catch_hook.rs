//! A catch-hook: an address that starts a flow, in n8n or Zapier.
//!
//! Written from, on 2026-11-29:
//! - <https://docs.n8n.io/integrations/builtin/core-nodes/n8n-nodes-base.webhook/>: `/webhook/{path}`, header authentication
//!   (403 `Authorization data is wrong!`), 200 `{"message":"Workflow was started"}`; a flow that is not active is 404
//! - <https://help.zapier.com/hc/en-us/articles/8496288690317>: catch hooks take any JSON and answer 200 with `status`; 429 when
//!   there are too many
//! - the flow answers by a request of its own, with the headers that its author gives it

use super::{Answer, Asked, Vendor};
use serde_json::{Value, json};

/// See the module.
pub struct CatchHook {
    pub path: String,
    /// What the header `X-Hook-Key` must hold.
    pub key: String,
    pub is_active: bool,
    /// What came.
    pub caught: Vec<Value>,
    /// What the flow sends when it answers.
    pub token: String,
}

impl CatchHook {
    pub fn new(path: &str, key: &str, token: &str) -> Self {
        let [path, key, token] = [path, key, token].map(ToOwned::to_owned);
        Self { path, key, is_active: true, caught: vec![], token }
    }
}

impl Vendor for CatchHook {
    fn answer(&mut self, asked: &Asked) -> Answer {
        if asked.method != "POST" || asked.path != self.path || !self.is_active {
            let words = format!("The requested webhook \"{} {}\" is not registered.", asked.method, asked.path);
            return Answer::json(404, &json!({ "code": 404, "message": words }));
        }
        if asked.header("x-hook-key") != self.key {
            return Answer::text(403, "Authorization data is wrong!");
        }
        let Some(body) = asked.json() else {
            return Answer::json(422, &json!({ "message": "Failed to parse request body" }));
        };
        self.caught.push(body);
        Answer::json(200, &json!({ "message": "Workflow was started" }))
    }

    fn too_many(&self) -> Answer {
        Answer::json(429, &json!({ "status": "error", "errors": ["Rate limit exceeded"] }))
    }

    fn signed(&self, _url: &str, _body: &str) -> Vec<(&'static str, String)> {
        vec![("content-type", "application/json".into()), ("authorization", format!("Bearer {}", self.token))]
    }
}
