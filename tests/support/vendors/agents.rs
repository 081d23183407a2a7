//! Agents who answer by themselves, in the order of a conversation, and by hand again where an answer was not taken.

use std::{collections::HashMap, future::Future, time::Duration};
use tokio::sync::mpsc;

/// See the module.
#[derive(Default)]
pub(super) struct Agents(HashMap<String, mpsc::Sender<String>>);

impl Agents {
    /// What an agent sends in a conversation, behind what was sent there before.
    pub fn answer<F>(&mut self, conversation: &str, body: String, send: impl Fn(String) -> F + Send + 'static)
    where
        F: Future<Output = std::io::Result<(u16, String)>> + Send + 'static,
    {
        let agent = self.0.entry(conversation.to_owned()).or_insert_with(|| {
            let (tell, mut told) = mpsc::channel::<String>(1_024);
            tokio::spawn(async move {
                while let Some(body) = told.recv().await {
                    while !matches!(send(body.clone()).await, Ok((200..=299, _))) {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
            });
            tell
        });
        agent.try_send(body).expect("room for what is to be answered");
    }
}
