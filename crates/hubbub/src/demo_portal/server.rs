//! The server, as a third party reaches it: REST to register, webhooks to answer.

use super::reach::{Reach, TRIAL};
use crate::{config::server_url, direct, output};
use anyhow::{Context, bail};
use hubbub_core::portal::signature::{self, SigningKey};
use reqwest::{Client, Method, StatusCode, redirect::Policy};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the server may try to reach the desk.
const TRIAL_PATIENCE: Duration = Duration::from_secs(30);
/// The pause between two looks for a server that is not there yet.
const AGAIN: Duration = Duration::from_secs(1);
/// How long secrets of a desk before this one stay good.
const KEEP_SECONDS: u64 = 60;

/// See the module.
pub(super) struct Server {
    client: Client,
    at: String,
    key: String,
    /// The portal's id.
    pub portal: String,
    /// Where the server sends the portal's webhooks.
    url: String,
}

/// Why the server has not taken an answer.
pub(super) struct NotTaken {
    /// In words.
    pub why: String,
    /// Whether it would say the same again.
    pub is_final: bool,
}

/// What the portal's webhooks are verified and signed with.
pub(super) struct Secrets {
    pub outgoing: String,
    pub incoming: SigningKey,
}

impl Server {
    /// The server at `at`, and its `portal`, whose webhooks go to `url`.
    pub fn new(at: &str, key: String, portal: &str, url: String) -> anyhow::Result<Self> {
        crate::crypto::install();
        let client = direct::client(Client::builder(), &server_url(at)?).redirect(Policy::none()).timeout(PATIENCE);
        let client = client.build().context("an HTTP client")?;
        Ok(Self { client, at: at.trim_end_matches('/').to_owned(), key, portal: portal.to_owned(), url })
    }

    /// The customer's window, of a server with `--dev`.
    pub fn customer(&self) -> String {
        format!("{}/?user=ana&portal={}", self.at, self.portal)
    }

    async fn ask(&self, method: Method, path: &str, body: &Value) -> reqwest::Result<(StatusCode, Value)> {
        let request = self.client.request(method, format!("{}{path}", self.at)).bearer_auth(&self.key);
        let answer = request.header("content-type", "application/json").body(body.to_string()).send().await?;
        let status = answer.status();
        Ok((status, serde_json::from_str(&answer.text().await?).unwrap_or_default()))
    }

    /// The same until the server is there.
    async fn insist(&self, method: Method, path: &str, body: &Value) -> anyhow::Result<(StatusCode, Value)> {
        let mut told = false;
        loop {
            let why = match self.ask(method.clone(), path, body).await {
                Ok((status, answer)) if status != StatusCode::SERVICE_UNAVAILABLE => return Ok((status, answer)),
                Ok((status, _)) => status.to_string(),
                Err(error) if error.is_builder() => return Err(error).context("--server"),
                Err(_) => "it does not answer".into(),
            };
            if !std::mem::replace(&mut told, true) {
                output::notice(format_args!("waiting for the server at {}: {why}", self.at));
            }
            tokio::time::sleep(AGAIN).await;
        }
    }

    /// Makes the portal, or takes it over with new secrets.
    pub async fn register(&self) -> anyhow::Result<Secrets> {
        let forward = ["messages", "edits", "deletions", "states"];
        let settings = json!({ "name": "Demo desk", "url": self.url, "forward": forward });
        let new = json!({ "id": self.portal, "settings": settings });
        let (status, made) = self.insist(Method::POST, "/v1/portals", &new).await?;
        match status {
            StatusCode::CREATED => secrets(&made["outgoing_secret"], &made["incoming_secret"]),
            StatusCode::CONFLICT => {
                let path = format!("/v1/portals/{}", self.portal);
                fine(self.insist(Method::PUT, &path, &settings).await?)?;
                let rotate = async |direction: &str| {
                    let new = json!({ "direction": direction, "keep_seconds": KEEP_SECONDS });
                    fine(self.insist(Method::POST, &format!("{path}/secrets"), &new).await?)
                };
                let (outgoing, incoming) = (rotate("outgoing").await?, rotate("incoming").await?);
                fine(self.insist(Method::POST, &format!("{path}/resume"), &Value::Null).await?)?;
                secrets(&outgoing["outgoing_secret"], &incoming["incoming_secret"])
            }
            StatusCode::UNAUTHORIZED => {
                bail!("the API key is not the server's: set HUBBUB_API_KEY to the same for both")
            }
            _ => bail!("the server refuses the portal: {}", made["detail"].as_str().unwrap_or("no reason given")),
        }
    }

    /// Has the server send the desk a message that there is not, and says whether it came.
    pub async fn reaches(&self) -> Reach {
        let path = format!("{}/v1/portals/{}/try", self.at, self.portal);
        let request = self.client.post(path).bearer_auth(&self.key).timeout(TRIAL_PATIENCE);
        let request = request.header("content-type", "application/json").body(json!({ "text": TRIAL }).to_string());
        let silent = || Reach::Unanswered { why: format!("the server at {} does not answer", self.at) };
        let Ok(answer) = request.send().await else { return silent() };
        let status = answer.status();
        let Ok(text) = answer.text().await else { return silent() };
        Reach::of(status, &serde_json::from_str(&text).unwrap_or_default(), &self.url)
    }

    /// Says something in a session, as an agent: a webhook, signed. Answers where it is.
    pub async fn answer(&self, secrets: &Secrets, id: &str, body: &Value) -> Result<Value, NotTaken> {
        let body = body.to_string();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs().cast_signed();
        let request = self
            .client
            .post(format!("{}/hooks/{}", self.at, self.portal))
            .header("content-type", "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", now)
            .header("webhook-signature", secrets.incoming.sign(id, now, body.as_bytes()));
        let away = |_| NotTaken { why: "the server does not answer".into(), is_final: false };
        let answer = request.body(body).send().await.map_err(away)?;
        let status = answer.status();
        let text = answer.text().await.unwrap_or_default();
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        if status.is_success() {
            return Ok(answer["messages"][0].clone());
        }
        Err(NotTaken::of(status, &answer))
    }

    /// Says where a session stands.
    pub async fn set_state(&self, session: &str, state: &str) -> Result<(), String> {
        let path = format!("/v1/sessions/{session}/state");
        match self.ask(Method::PUT, &path, &json!({ "state": state })).await {
            Ok((status, _)) if status.is_success() => Ok(()),
            Ok((_, answer)) => Err(answer["detail"].as_str().unwrap_or("refused").to_owned()),
            Err(_) => Err("the server does not answer".into()),
        }
    }
}

impl NotTaken {
    /// What an answer with this status says. What is refused for what it is, is refused again; too slow and too busy pass.
    fn of(status: StatusCode, answer: &Value) -> Self {
        let passes = matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS);
        let why = format!("{}: {}", status.as_u16(), answer["detail"].as_str().unwrap_or("no reason given"));
        Self { why, is_final: status.is_client_error() && !passes }
    }
}

fn fine((status, answer): (StatusCode, Value)) -> anyhow::Result<Value> {
    if status.is_success() {
        return Ok(answer);
    }
    bail!("the server answered {status}: {}", answer["detail"].as_str().unwrap_or("no reason given"))
}

fn secrets(outgoing: &Value, incoming: &Value) -> anyhow::Result<Secrets> {
    let text = |value: &Value| value.as_str().context("the server gave no secret").map(ToOwned::to_owned);
    let incoming = signature::parse_secret(&text(incoming)?)?;
    Ok(Secrets { outgoing: text(outgoing)?, incoming })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_for_what_it_is_is_not_sent_again_and_what_passes_is() {
        for (status, is_final) in [(404, true), (409, true), (422, true), (408, false), (429, false), (503, false)] {
            let status = StatusCode::from_u16(status).unwrap();
            let not_taken = NotTaken::of(status, &json!({ "detail": "so it is" }));
            assert_eq!(not_taken.is_final, is_final, "{status}");
            assert_eq!(not_taken.why, format!("{}: so it is", status.as_u16()));
        }
    }
}
