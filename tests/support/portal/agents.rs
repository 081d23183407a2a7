//! Agents who answer each message: `re: …`, over webhooks of the portal's own.

use super::calls::call;
use serde_json::json;
use std::{
    collections::{HashMap, HashSet},
    net::SocketAddr,
    time::Duration,
};
use tokio::sync::mpsc;

/// See the module.
#[derive(Debug)]
pub(super) struct Agents {
    pub portal: String,
    pub secret: String,
    pub instances: Vec<SocketAddr>,
    pub sessions: HashMap<String, mpsc::Sender<(String, String)>>,
    pub known: HashSet<String>,
}

impl Agents {
    /// Each message is answered once, however often it arrives.
    pub fn hear(&mut self, id: &str, session: &str, said: &str) {
        if !self.known.insert(id.to_owned()) {
            return;
        }
        let (portal, secret, instances) = (&self.portal, &self.secret, &self.instances);
        let agent = self.sessions.entry(session.to_owned()).or_insert_with(|| {
            let (tell, told) = mpsc::channel(1_024);
            tokio::spawn(answer(portal.clone(), secret.clone(), instances.clone(), session.to_owned(), told));
            tell
        });
        agent.try_send((id.to_owned(), said.to_owned())).expect("room for what is to be answered");
    }
}

/// An agent who answers in one session, one message after another, on an instance that chance picks, again with the same id until
/// it is taken, and now and then once more, as portals do that lost the answer.
async fn answer(
    portal: String,
    secret: String,
    instances: Vec<SocketAddr>,
    session: String,
    mut told: mpsc::Receiver<(String, String)>,
) {
    while let Some((id, said)) = told.recv().await {
        let body = json!({ "sessionId": session, "message": format!("re: {said}"), "agent": "Ada" }).to_string();
        let mut left = if rand::random_range(0..8) == 0 { 2 } else { 1 };
        while left > 0 {
            let to = instances[rand::random_range(0..instances.len())];
            match call(to, &portal, &secret, &format!("re-{id}"), &body).await {
                Ok((200..=299, _)) => left -= 1,
                _ => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }
}
