//! The server that is asked.

use super::table::Table;
use crate::{config::api_key, direct};
use anyhow::{Context, bail};
use clap::Args;
use reqwest::{Client, Method, StatusCode, Url, redirect::Policy};
use serde_json::Value;
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Items asked for at a time.
const PAGE: usize = 1_000;

/// Which server, and how its answers are shown.
#[derive(Args)]
pub struct At {
    /// A server or its balancer
    #[arg(long, env = "HUBBUB_SERVER", value_name = "URL", default_value = "http://127.0.0.1:8000")]
    server: String,
    /// Its API key; better given as HUBBUB_API_KEY_FILE, the name of a file that holds it
    #[arg(long, env = "HUBBUB_API_KEY", value_name = "KEY", hide_env_values = true)]
    api_key: Option<String>,
    /// Print the server's answer instead of a table
    #[arg(long)]
    json: bool,
}

impl At {
    /// Asks, and returns what was answered; null for nothing.
    pub async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
        let body = body.map(|body| ("application/json".to_owned(), body.to_string().into_bytes()));
        self.send(method, path, body).await
    }

    /// The same with a body of any kind.
    pub async fn send(&self, method: Method, path: &str, body: Option<(String, Vec<u8>)>) -> anyhow::Result<Value> {
        let server = self.server.trim_end_matches('/');
        crate::crypto::install();
        let url =
            Url::parse(&format!("{server}{path}")).context("--server: https://HOST or http://HOST is expected")?;
        // Nor is a key taken along to where somebody else sends it.
        let client = direct::client(Client::builder(), &url).redirect(Policy::none()).timeout(PATIENCE);
        let client = client.build().context("an HTTP client")?;
        let mut request = client.request(method, url).bearer_auth(api_key(self.api_key.clone())?);
        if let Some((kind, body)) = body {
            request = request.header("content-type", kind).body(body);
        }
        let answer = request.send().await.with_context(|| format!("{server} does not answer (--server)"))?;
        let status = answer.status();
        let text = answer.text().await.with_context(|| format!("{server} did not finish its answer"))?;
        if !status.is_success() {
            bail!("{}", problem(status, &text));
        }
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
        print!("{table}");
    }

    /// Prints one thing: its fields below each other, or as it came.
    pub fn show_one(&self, item: &Value) {
        match item.as_object() {
            Some(fields) if !self.json => {
                let width = fields.keys().map(String::len).max().unwrap_or_default();
                for (name, value) in fields {
                    println!("{name:width$}  {}", words(Some(value)));
                }
            }
            _ => print_json(item),
        }
    }

    /// Says what was done, unless the answer itself is wanted.
    pub fn say(&self, answer: &Value, words: &str) {
        if self.json { print_json(answer) } else { println!("{words}") }
    }
}

fn print_json(value: &Value) {
    println!("{value:#}");
}

fn words(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "-".into(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(items)) if items.is_empty() => "-".into(),
        Some(value) => value.to_string(),
    }
}

/// What a problem document says, in one line.
fn problem(status: StatusCode, text: &str) -> String {
    let problem: Value = serde_json::from_str(text).unwrap_or_default();
    match (problem["detail"].as_str(), status) {
        (Some(detail), StatusCode::UNAUTHORIZED) => format!("{detail}: the API key is not the server's"),
        (Some(detail), _) => detail.to_owned(),
        (None, _) => format!("the server answered {status}; is --server Hubbub's, with its base path?"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_is_said_in_one_line() {
        let text = r#"{"code":"invalid","status":422,"detail":"url: it begins with https://"}"#;
        assert_eq!(problem(StatusCode::UNPROCESSABLE_ENTITY, text), "url: it begins with https://");
        assert!(problem(StatusCode::BAD_GATEWAY, "<html>").contains("502"));
    }
}
