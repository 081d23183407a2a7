//! An instance is killed in the middle of the calls of one event: whichever call it is, with whichever recipe.

use super::Shop;
use crate::{
    cluster::breathe,
    desk::open,
    support::vendors::{
        Vendor, catch_hook::CatchHook, chatwoot::Chatwoot, intercom::Intercom, slack::Slack, sunshine::Sunshine,
        twilio::Twilio,
    },
};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How long a claim of an instance that was killed lasts, and what comes after it.
const AFTER_A_KILL: Duration = Duration::from_secs(90);

/// How a recipe's calls go.
struct Chain {
    /// Calls for the first message of a session.
    first: usize,
    /// Calls for the next.
    next: usize,
    /// The first message is not looked for before it is sent, so that it comes again where its answer was lost.
    repeats: bool,
}

/// A session is killed in the `at`th of its calls: after the vendor has `done` it, and before we know.
#[derive(Clone, Copy)]
struct Killed {
    at: usize,
    done: bool,
}

impl Killed {
    fn session(self) -> String {
        format!("killed-{}{}", self.at, if self.done { "b" } else { "a" })
    }
}

/// Kills the instance with a session in each of its calls. `said`: what a session brought, by conversation.
async fn killed<V: Vendor>(mut shop: Shop<V>, what: &str, chain: Chain, said: impl Fn(&V, &str) -> Vec<Vec<String>>) {
    let calls = chain.first + chain.next;
    let all: Vec<Killed> = (1..=calls).flat_map(|at| [false, true].map(|done| Killed { at, done })).collect();
    for killed in &all {
        let session = killed.session();
        shop.vendor.holds(&session, Some(killed.at), killed.done);
        open(&shop.server, &session, "desk", &session).await;
        for n in 1..=2 {
            let text = format!("{session} says {n}");
            let said = json!({ "from": session, "text": text });
            let said = shop.server.api("POST", &format!("/v1/rooms/{session}/messages"), &said).await;
            assert_eq!(said.status, 201, "{}", said.text);
        }
    }
    let began = Instant::now();
    while shop.vendor.held() < all.len() {
        assert!(began.elapsed() < AFTER_A_KILL, "{what}: {} held of {}", shop.vendor.held(), all.len());
        breathe().await;
    }
    shop.server.kill(0);
    while shop.vendor.hung_up() < all.len() {
        assert!(began.elapsed() < AFTER_A_KILL, "{what}: {} hung up of {}", shop.vendor.hung_up(), all.len());
        breathe().await;
    }
    shop.vendor.lets_go();
    shop.server.restart(0).await;
    let (mut repeated, began) = (0, Instant::now());
    for killed in &all {
        let session = killed.session();
        let path = format!("/v1/sessions/{session}");
        loop {
            let seen = shop.server.api("GET", &path, &Value::Null).await.json();
            if seen["forwarded"] == seen["head"] {
                break;
            }
            assert!(
                began.elapsed() < AFTER_A_KILL,
                "{what}: {session} stands still: {seen}; {:#?}",
                shop.vendor.asked()
            );
            breathe().await;
        }
        let said = said(&shop.vendor.vendor(), &session);
        // What was under way comes again where the vendor cannot be asked whether it has it; nothing else does.
        let again = |at: usize, may: bool| usize::from(killed.done && killed.at == at && may);
        let (first, next) = (again(chain.first, chain.repeats), again(calls, true));
        let text = |n: usize| format!("{session} says {n}");
        let expected = [vec![text(1); 1 + first], vec![text(2); 1 + next]].concat();
        let texts: Vec<&String> = said.iter().flatten().collect();
        assert_eq!(texts, expected.iter().collect::<Vec<_>>(), "{what}: what {session} brought: {said:?}");
        assert_eq!(said.len(), 1, "{what}: conversations of {session}: {said:?}");
        repeated += first + next;
    }
    println!("{what}: killed in each of {calls} calls, before and after it was done: {repeated} messages came again");
}

fn stripped(said: Vec<Vec<String>>, before: &str, after: &str) -> Vec<Vec<String>> {
    let strip = |text: String| text.replacen(before, "", 1).split(after).next().unwrap_or_default().trim().to_owned();
    said.into_iter().map(|one| one.into_iter().map(strip).collect()).collect()
}

async fn chatwoot() {
    let shop = super::chatwoot::opens().await;
    let said = |chatwoot: &Chatwoot, session: &str| {
        let of = chatwoot.conversations.iter().filter(|one| one.source == session);
        of.map(|one| one.messages.iter().map(|(_, text)| text.clone()).collect()).collect()
    };
    let chain = Chain { first: 5, next: 1, repeats: true };
    killed(shop, "Chatwoot", chain, said).await;
}

async fn zendesk() {
    let shop = super::zendesk::opens().await;
    let said = |zendesk: &Sunshine, session: &str| stripped(zendesk.said(session), "user: ", "\n");
    let chain = Chain { first: 5, next: 1, repeats: true };
    killed(shop, "Zendesk", chain, said).await;
}

async fn intercom() {
    let shop = super::intercom::opens().await;
    let said =
        |intercom: &Intercom, session: &str| stripped(stripped(intercom.said(session), "user: <p>", "</p>"), "", "\n");
    let chain = Chain { first: 4, next: 1, repeats: false };
    killed(shop, "Intercom", chain, said).await;
}

async fn twilio() {
    let shop = super::twilio::opens().await;
    let said = |twilio: &Twilio, session: &str| {
        let of = twilio.conversations.iter().filter(|one| one.unique_name.as_deref() == Some(session));
        of.map(|one| one.messages.iter().map(|(_, text)| text.clone()).collect()).collect()
    };
    let chain = Chain { first: 3, next: 1, repeats: true };
    killed(shop, "Twilio", chain, said).await;
}

async fn slack() {
    let shop = super::slack::opens_with(&["concurrency=16"]).await;
    // Slack cannot be asked for a thread: that of a session which was killed just then begins anew, and the first stays empty.
    let said = |slack: &Slack, session: &str| {
        let starts =
            slack.messages.iter().filter(|one| one.thread.is_none() && one.text.ends_with(&format!("with {session}")));
        let thread = |ts: &str| -> Vec<String> {
            let of = slack.messages.iter().filter(|one| one.thread.as_deref() == Some(ts));
            of.map(|one| one.text.clone()).collect()
        };
        let threads: Vec<_> = starts.map(|one| thread(&one.ts)).collect();
        let empty = usize::from(session == Killed { at: 1, done: true }.session());
        assert_eq!(threads.iter().filter(|one| one.is_empty()).count(), empty, "{session}: {threads:?}");
        threads.into_iter().filter(|one| !one.is_empty()).collect()
    };
    let chain = Chain { first: 2, next: 1, repeats: true };
    killed(shop, "Slack", chain, said).await;
}

async fn catch_hook() {
    let shop = super::catch_hook::opens().await;
    let said = |flow: &CatchHook, session: &str| {
        let of = flow.caught.iter().filter(|one| one["session"] == session && one["type"] == "message.created");
        vec![of.map(|one| one["text"].as_str().unwrap_or_default().to_owned()).collect()]
    };
    let chain = Chain { first: 1, next: 1, repeats: true };
    killed(shop, "a catch-hook", chain, said).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_killed_in_any_call_of_a_recipe_repeats_at_most_that_one() {
    tokio::join!(chatwoot(), zendesk(), intercom(), twilio(), slack(), catch_hook());
}
