//! One POST to a token endpoint: to the same addresses as a portal's, as bounded, and nothing of it is logged.

use super::{Called, Caller, read, words};
use hubbub_core::{
    limits,
    portal::{access::oauth::TokenRequest, address},
};
use reqwest::header::RETRY_AFTER;
use std::time::Instant;
use tokio::time::timeout;

impl Caller {
    /// Asks a token endpoint, within [`limits::DELIVERY_WITHIN`].
    pub async fn ask_for_token(&self, url: &str, asked: &TokenRequest) -> Called {
        let began = Instant::now();
        let mut called = Called::default();
        let answered = timeout(limits::DELIVERY_WITHIN, async {
            address::may_call(url, &self.allowed).map_err(|refused| refused.problem)?;
            let request = self
                .client
                .post(url)
                .header("content-type", "application/x-www-form-urlencoded")
                .header("accept", "application/json")
                .body(asked.body.clone());
            let request = match &asked.authorization {
                Some(authorization) => request.header("authorization", authorization),
                None => request,
            };
            let response = request.send().await.map_err(|error| words(&error))?;
            called.status = Some(response.status().as_u16());
            called.retry_after = response.headers().get(RETRY_AFTER).and_then(|v| v.to_str().ok()).map(Into::into);
            read(response, limits::ANSWER_BYTES, &mut called.body).await?;
            Ok::<_, String>(())
        });
        match answered.await {
            Ok(Ok(())) => {}
            // Half an answer is none.
            Ok(Err(why)) => (called.status, called.failure) = (None, Some(why)),
            Err(_) => {
                called.status = None;
                called.failure = Some(format!("no answer within {} s", limits::DELIVERY_WITHIN.as_secs()));
            }
        }
        called.took = began.elapsed();
        called
    }
}
