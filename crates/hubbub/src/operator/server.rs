//! The server that is asked.

use super::{Wrong, table::Table};
use crate::{
    config::{api_key, server_url},
    direct, output,
};
use anyhow::{Context, bail};
use clap::Args;
use reqwest::{Client, Method, StatusCode, Url, header::HeaderValue, redirect::Policy};
use serde_json::Value;
use std::time::Duration;

/// How long an answer may take, beside what the server needs.
const PATIENCE: Duration = Duration::from_secs(30);
/// Items asked for at a time.
const PAGE: usize = 1_000;

/// Which server.
#[derive(Args)]
pub struct Server {
    /// A server or its balancer
    #[arg(long, env = "HUBBUB_SERVER", value_name = "URL", default_value = "http://127.0.0.1:8000")]
    server: String,
    /// Its API key; better given as HUBBUB_API_KEY_FILE, the name of a file that holds it
    #[arg(long, env = "HUBBUB_API_KEY", value_name = "KEY", hide_env_values = true)]
    api_key: Option<String>,
}

/// Which server, and how its answers are shown.
#[derive(Args)]
pub struct At {
    #[command(flatten)]
    server: Server,
    /// Print the server's answer instead of a table
    #[arg(long)]
    json: bool,
}

/// What a server is asked.
pub struct Question<'a> {
    method: Method,
    path: &'a str,
    body: Option<(String, Vec<u8>)>,
    key: Option<&'a str>,
    patience: Duration,
}

impl<'a> Question<'a> {
    /// A question without a body. What is in the path is encoded.
    pub const fn new(method: Method, path: &'a str) -> Self {
        Self { method, path, body: None, key: None, patience: Duration::ZERO }
    }

    /// The same with a body of this content type.
    pub fn body(self, body: Option<(String, Vec<u8>)>) -> Self {
        Self { body, ..self }
    }

    /// The same with an `Idempotency-Key`.
    pub fn key(self, key: Option<&'a str>) -> Self {
        Self { key, ..self }
    }

    /// The same where the server may need so long.
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }
}

impl Server {
    /// Asks, and returns what was answered, as it came but for the end of its line.
    ///
    /// # Errors
    /// What the server says against it; [`Wrong`] where it was not asked.
    pub async fn ask(&self, question: Question<'_>) -> anyhow::Result<String> {
        let (server, path) = (self.server.trim_end_matches('/'), question.path);
        crate::crypto::install();
        server_url(server).map_err(|error| Wrong::new(error.to_string()))?;
        let url = Url::parse(&format!("{server}{path}"));
        let url =
            url.map_err(|error| Wrong::new(format!("--server: https://HOST or http://HOST is expected: {error}")))?;
        // `..` would be taken for a step up, however it is encoded.
        if !url.as_str().ends_with(path) {
            return Err(Wrong::new("a name of nothing but dots cannot stand in a path").into());
        }
        let key = api_key(self.api_key.clone()).map_err(|error| Wrong::new(format!("{error:#}")))?;
        // Nor is a key taken along to where somebody else sends it.
        let patience = PATIENCE + question.patience;
        let client = direct::client(Client::builder(), &url).redirect(Policy::none()).timeout(patience);
        let client = client.build().context("an HTTP client")?;
        let mut request = client.request(question.method, url).bearer_auth(key);
        if let Some(key) = question.key {
            let key = HeaderValue::from_bytes(key.as_bytes());
            let key = key.map_err(|_| Wrong::new("--key: control characters are not allowed"))?;
            request = request.header("idempotency-key", key);
        }
        if let Some((kind, body)) = question.body {
            request = request.header("content-type", kind).body(body);
        }
        let answer = request.send().await.with_context(|| format!("{server} does not answer (--server)"))?;
        let status = answer.status();
        let mut text = answer.text().await.with_context(|| format!("{server} did not finish its answer"))?;
        if text.ends_with('\n') {
            text.pop();
        }
        if !status.is_success() {
            bail!("{}", problem(status, &text));
        }
        Ok(text)
    }
}

impl At {
    /// Asks, and returns what was answered; null for nothing.
    pub async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let body = body.map(|body| ("application/json".to_owned(), body.to_string().into_bytes()));
        self.send(method, path, body).await
    }

    /// The same with a body of any kind.
    pub async fn send(&self, method: Method, path: &str, body: Option<(String, Vec<u8>)>) -> anyhow::Result<Value> {
        let text = self.server.ask(Question::new(method, path).body(body)).await?;
        Ok(serde_json::from_str(&text).unwrap_or_default())
    }

    /// Asks for a list, page by page, until there are no more or `limit` are there.
    pub async fn list(&self, path: &str, limit: usize) -> anyhow::Result<Vec<Value>> {
        let mut items = Vec::new();
        let (mut after, separator) = (String::new(), if path.contains('?') { '&' } else { '?' });
        while items.len() < limit {
            let most = PAGE.min(limit - items.len());
            let page = self.ask(Method::GET, &format!("{path}{separator}limit={most}{after}"), None).await?;
            items.extend(page["items"].as_array().into_iter().flatten().cloned());
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => break,
            }
        }
        Ok(items)
    }

    /// Whether the server's answer itself is wanted.
    pub const fn is_json(&self) -> bool {
        self.json
    }

    /// Prints items as a table, or as they came.
    pub fn show(&self, items: &[Value], columns: &[(&'static str, &str)]) {
        if self.json {
            return print_json(&Value::Array(items.to_vec()));
        }
        let mut table = Table::new(columns.iter().map(|(head, _)| *head));
        for item in items {
            table.row(columns.iter().map(|(_, pointer)| words(item.pointer(pointer))));
        }
        output::line(table.to_string().trim_end());
    }

    /// Prints one thing: its fields below each other, or as it came.
    pub fn show_one(&self, item: &Value) {
        match item.as_object() {
            Some(fields) if !self.json => {
                let width = fields.keys().map(String::len).max().unwrap_or_default();
                for (name, value) in fields {
                    output::line(format_args!("{name:width$}  {}", words(Some(value))));
                }
            }
            _ => print_json(item),
        }
    }

    /// Says what was done, unless the answer itself is wanted.
    pub fn say(&self, answer: &Value, words: &str) {
        if self.json { print_json(answer) } else { output::line(words) }
    }
}

fn print_json(value: &Value) {
    output::line(format_args!("{value:#}"));
}

fn words(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".into(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) if items.is_empty() => "-".into(),
        Some(value) => value.to_string(),
    }
}

/// What a problem document says, in one line, with its code.
fn problem(status: StatusCode, text: &str) -> String {
    let problem: Value = serde_json::from_str(text).unwrap_or_default();
    let Some(detail) = problem["detail"].as_str() else {
        return format!("the server answered {status}; is --server Hubbub's, with its base path?");
    };
    let whose = if status == StatusCode::UNAUTHORIZED { ": the API key is not the server's" } else { "" };
    match problem["code"].as_str() {
        Some(code) => format!("{detail}{whose} ({code})"),
        None => format!("{detail}{whose}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_said_in_one_line_with_its_code() {
        let text = r#"{"code":"invalid","status":422,"detail":"url: it begins with https://"}"#;
        assert_eq!(problem(StatusCode::UNPROCESSABLE_ENTITY, text), "url: it begins with https:// (invalid)");
        let text = r#"{"code":"unauthorized","status":401,"detail":"Bearer"}"#;
        assert_eq!(problem(StatusCode::UNAUTHORIZED, text), "Bearer: the API key is not the server's (unauthorized)");
        assert!(problem(StatusCode::BAD_GATEWAY, "<html>").contains("502"));
    }

    #[tokio::test]
    async fn a_path_is_asked_for_as_it_is_or_not_at_all() {
        let server = |url: &str| Server { server: url.to_owned(), api_key: Some("k".into()) };
        for (url, path) in
            [("http://127.0.0.1:1", "/v1/rooms/.."), ("http://127.0.0.1:1", "/v1/users/./rooms"), ("nowhere", "/v1")]
        {
            let error = server(url).ask(Question::new(Method::GET, path)).await.expect_err("wrong");
            assert!(error.is::<Wrong>(), "{path}: {error:#}");
        }
        let away = server("http://127.0.0.1:1/base/").ask(Question::new(Method::GET, "/v1/rooms/...?limit=1")).await;
        assert!(!away.expect_err("nobody there").is::<Wrong>());
    }
}
