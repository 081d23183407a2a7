//! Two people talk on the web chat, on two instances: all that can be done to messages, without a network, and while an instance dies.

use crate::{
    browser::{Browser, Page},
    cluster::{Cluster, breathe},
    page::{BOX, opens, writes},
    wire::DEADLINE,
};
use serde_json::{Value, json};
use std::time::Instant;

/// What stands in the log of the room, as people read it.
const TEXTS: &str =
    "[...document.querySelectorAll('.room-main .log .message .text')].map((one) => one.innerText.trim())";

/// Frame by frame: whatever was written is there, and is in the log or said to be on its way.
const WATCHED: &str = "(() => { window.wrote = []; window.lost = new Set(); (function look() { \
     const rows = new Map([...document.querySelectorAll('.room-main .log .message')].map((one) => [one.querySelector('.text')?.textContent.trim(), one])); \
     for (const text of window.wrote) { const one = rows.get(text); \
         if (!one) window.lost.add(`${text} is not there`); \
         else if (!one.dataset.seq && !one.matches('.stored') && !(one.matches('.sending') && one.querySelector('.waiting'))) window.lost.add(`${text} is not marked: ${one.className}`); } \
     requestAnimationFrame(look); })(); return true; })()";

/// The message that says this, in the room or at the side.
fn message(within: &str, text: &str) -> String {
    format!(
        "[...document.querySelectorAll('{within} .message')].find((one) => one.innerText.includes({}))",
        json!(text)
    )
}

/// Chooses something in the menu of a message, as somebody does who has only the keyboard until the menu is there.
async fn does(page: &mut Page, text: &str, choice: &str) {
    let one = message(".room-main", text);
    page.sees(&format!("(() => {{ const one = {one}; one?.focus(); return document.activeElement === one; }})()"))
        .await;
    page.enters().await;
    page.clicks_on(&format!(
        "[...document.querySelectorAll('[role=menu] [role^=menuitem]')].find((one) => \
         (one.getAttribute('aria-label') ?? one.innerText).startsWith({}))",
        json!(choice)
    ))
    .await;
}

async fn shows(page: &mut Page, selector: &str, text: &str) {
    page.sees(&format!(
        "[...document.querySelectorAll({})].some((one) => one.innerText.includes({}))",
        json!(selector),
        json!(text)
    ))
    .await;
}

/// The room says exactly this, in this order.
async fn says(page: &mut Page, texts: &[&str]) {
    page.sees(&format!("JSON.stringify({TEXTS}) === {}", json!(json!(texts).to_string()))).await;
}

async fn kitchen() -> (Cluster, Browser, Page, Page) {
    let cluster = Cluster::of_with(2, &["--dev"]).await;
    cluster.room("kitchen", "private", &["ana", "ben"]).await;
    let made = cluster.api("PUT", "/v1/rooms/kitchen/members/ana", &json!({ "role": "admin" })).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let browser = Browser::start().await;
    let ana = opens(&browser, &cluster, 0, "ana", "kitchen").await;
    let ben = opens(&browser, &cluster, 1, "ben", "kitchen").await;
    (cluster, browser, ana, ben)
}

#[tokio::test]
async fn two_people_chat_edit_react_reply_pin_mention_and_delete() {
    let (_cluster, _browser, mut ana, mut ben) = kitchen().await;
    writes(&mut ana, "Soup at **noon**, see https://example.com/soup <b>now</b>").await;
    ben.reads(".message .text strong", "noon").await;
    ben.sees("document.querySelector('.message .text a').rel.includes('noopener')").await;
    shows(&mut ben, ".message .text", "<b>now</b>").await;

    does(&mut ben, "Soup at", "thumbs up").await;
    ana.sees("document.querySelector('.reaction')?.innerText.replace(/\\s+/g, ' ') === '👍 1'").await;
    ana.clicks(".reaction").await;
    ben.sees("document.querySelector('.reaction')?.innerText.replace(/\\s+/g, ' ') === '👍 2'").await;

    does(&mut ana, "Soup at", "Edit").await;
    ana.sees("document.querySelector('[data-composer=room] textarea').value.startsWith('Soup at')").await;
    ana.writes(" or later").await;
    ana.enters().await;
    shows(&mut ben, ".message .text", "or later").await;
    shows(&mut ben, ".message .foot", "edited").await;

    does(&mut ben, "Soup at", "Reply in thread").await;
    ben.clicks("[data-composer=thread] textarea").await;
    ben.writes("With bread?").await;
    ben.enters().await;
    shows(&mut ben, "#side .log .message", "With bread?").await;
    ana.clicks_on("[...document.querySelectorAll('.link.thread')].find((one) => one.innerText.includes('1 reply'))")
        .await;
    shows(&mut ana, "#side .log .message", "With bread?").await;
    ana.clicks("#side [aria-label='Close this panel']").await;
    ana.misses("#side").await;

    does(&mut ana, "Soup at", "Pin").await;
    ben.reads(".message .pinned", "pinned").await;

    // Whom one begins to write is offered.
    ben.clicks(BOX).await;
    ben.writes("@an").await;
    ben.sees("document.querySelector('[role=listbox] [role=option]')?.innerText.includes('ana')").await;
    ben.enters().await;
    ben.sees("document.querySelector('[data-composer=room] textarea').value === '@ana '").await;
    ben.writes("it is cold").await;
    ben.enters().await;
    ana.reads(".message.calls mark.me", "@ana").await;

    // An answer says what it answers, and leads there.
    does(&mut ana, "it is cold", "Answer").await;
    ana.writes("I warm it up").await;
    ana.enters().await;
    shows(&mut ben, ".message .answers", "ben: @ana it is cold").await;
    ben.clicks(".message .answers button").await;
    ben.sees("document.activeElement.innerText.includes('it is cold')").await;

    does(&mut ana, "I warm it up", "Delete").await;
    ana.clicks(".dialog button.danger").await;
    ben.reads(".tombstone", "This message was deleted.").await;
    says(&mut ben, &["Soup at noon, see https://example.com/soup <b>now</b> or later", "@ana it is cold"]).await;
    for page in [&mut ana, &mut ben] {
        page.violates_nothing().await;
    }
}

#[tokio::test]
async fn what_is_written_without_a_network_survives_a_reload_and_comes_once_and_in_order() {
    let (mut cluster, _browser, mut ana, mut ben) = kitchen().await;
    writes(&mut ana, "zero").await;
    says(&mut ben, &["zero"]).await;

    ana.is_offline(true).await;
    ana.sees("document.querySelector('#banner').innerText.startsWith('You are offline.')").await;
    for text in ["one", "two", "three"] {
        writes(&mut ana, text).await;
    }
    says(&mut ana, &["zero", "one", "two", "three"]).await;
    shows(&mut ana, ".message.sending", "Will be sent once you are online").await;
    writes(&mut ben, "meanwhile").await;
    says(&mut ben, &["zero", "meanwhile"]).await;

    // The page comes from a server that does not reach its database: what it keeps itself is shown.
    cluster.instances[0].postgres.as_ref().expect("a door").cut();
    ana.is_offline(false).await;
    ana.reloads().await;
    says(&mut ana, &["zero", "one", "two", "three"]).await;
    cluster.instances[0].postgres.as_ref().expect("a door").mend();
    let all = ["zero", "meanwhile", "one", "two", "three"];
    says(&mut ben, &all).await;
    says(&mut ana, &all).await;
    ana.misses(".message.sending").await;

    // A server that is away is not a network that is away; and what stands in the box stays there.
    cluster.kill(0);
    ana.sees("document.querySelector('#banner').innerText.includes('The server does not answer')").await;
    ana.clicks(BOX).await;
    ana.writes("half a sent").await;
    cluster.restart(0).await;
    ana.sees("document.querySelector('#banner').innerText === '' || document.querySelector('#banner').innerText === 'Connected again.'").await;
    ana.reads("#state", "connected").await;
    ana.reloads().await;
    ana.sees("document.querySelector('[data-composer=room] textarea')?.value === 'half a sent'").await;
}

#[tokio::test]
async fn an_instance_dies_while_both_write_and_nothing_is_lost_or_doubled() {
    let (mut cluster, _browser, mut ana, mut ben) = kitchen().await;
    ben.is(WATCHED).await;
    for n in 0..3 {
        writes(&mut ana, &format!("ana {n}")).await;
        writes(&mut ben, &format!("ben {n}")).await;
    }
    // Some of it is on its way.
    cluster.kill(1);
    for n in 3..6 {
        writes(&mut ben, &format!("ben {n}")).await;
        ben.is(&format!("window.wrote.push('ben {n}')")).await;
        writes(&mut ana, &format!("ana {n}")).await;
    }
    shows(&mut ben, ".message.sending", "Will be sent once the server answers").await;
    cluster.restart(1).await;
    ben.misses(".message.sending").await;
    // What is on its way is not marked at once: the log says when all of it has come.
    let began = Instant::now();
    let log: Vec<Value> = loop {
        let log: Vec<Value> = cluster.log("kitchen").await;
        if log.iter().filter(|entry| entry["text"].is_string()).count() >= 12 || began.elapsed() > 3 * DEADLINE {
            break log;
        }
        breathe().await;
    };
    let said: Vec<&str> = log.iter().filter_map(|entry| entry["text"].as_str()).collect();
    assert_eq!(said.len(), 12, "{said:?}");
    for who in ["ana", "ben"] {
        let own: Vec<&&str> = said.iter().filter(|text| text.starts_with(who)).collect();
        let wanted: Vec<String> = (0..6).map(|n| format!("{who} {n}")).collect();
        assert_eq!(own, wanted.iter().collect::<Vec<_>>(), "in order, once each");
    }
    says(&mut ana, &said).await;
    says(&mut ben, &said).await;
    assert_eq!(ben.is("[...window.lost]").await, json!([]), "what was on its way was not said to be, for a moment");
}
