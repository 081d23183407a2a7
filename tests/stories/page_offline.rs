//! The web chat opens without its server: the page is there, the room as it was, and what waits to be sent; and it is never an old page
//! while the server answers.

use crate::{
    browser::{Browser, Page},
    cluster::Cluster,
    page::{opens, writes},
};
use serde_json::{Value, json};

/// What people read in the room.
const TEXTS: &str = "JSON.stringify([...document.querySelectorAll('.room-main .log .message .text')].map((one) => one.innerText.trim()))";
/// The browser has the page, and everything that it loads.
const KEPT: &str = "navigator.serviceWorker.ready.then(() => navigator.serviceWorker.controller !== null)";
/// What is kept is marked, so that it is known when it is shown.
const MARKED: &str = "caches.keys().then(async ([name]) => { const cache = await caches.open(name); const page = new URL('./', location).href; \
     const html = await (await cache.match(page)).text(); const headers = { 'content-type': 'text/html' }; \
     await cache.put(page, new Response(html.replace('<body>', '<body data-kept>'), { headers })); return true; })";

async fn says(page: &mut Page, texts: &[&str]) {
    page.sees(&format!("{TEXTS} === {}", json!(json!(texts).to_string()))).await;
}

#[tokio::test]
async fn the_page_opens_without_its_server_and_what_was_written_goes_once_when_that_is_back() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut cluster = Cluster::laptop_with(directory.path(), &["--dev"]).await;
    cluster.room("kitchen", "private", &["ana", "ben"]).await;
    let browser = Browser::start().await;
    let mut ana = opens(&browser, &cluster, 0, "ana", "kitchen").await;
    writes(&mut ana, "zero").await;
    ana.sees("document.querySelector('.message[data-seq]') !== null").await;
    ana.sees(KEPT).await;
    assert_eq!(ana.is(MARKED).await, true);

    // While the server answers, the page is the server's.
    ana.reloads().await;
    says(&mut ana, &["zero"]).await;
    assert_eq!(ana.is("document.body.matches('[data-kept]')").await, false, "the page did not come from the server");

    cluster.kill(0);
    ana.sees("document.querySelector('#banner').dataset.kind === 'away'").await;
    for text in ["one", "two"] {
        writes(&mut ana, text).await;
    }
    says(&mut ana, &["zero", "one", "two"]).await;
    // Kept by the browser before that goes on.
    ana.reloads().await;
    ana.sees("document.body.matches('[data-kept]')").await;
    says(&mut ana, &["zero", "one", "two"]).await;
    ana.sees("[...document.querySelectorAll('.waiting')].length === 2").await;
    writes(&mut ana, "three").await;
    says(&mut ana, &["zero", "one", "two", "three"]).await;
    ana.reloads().await;
    says(&mut ana, &["zero", "one", "two", "three"]).await;
    ana.violates_nothing().await;

    cluster.restart(0).await;
    ana.sees("document.querySelectorAll('.message[data-seq]').length === 4").await;
    says(&mut ana, &["zero", "one", "two", "three"]).await;
    let log: Vec<Value> = cluster.log("kitchen").await;
    let said: Vec<&str> = log.iter().filter_map(|entry| entry["text"].as_str()).collect();
    assert_eq!(said, ["zero", "one", "two", "three"], "once each, in order");

    // A server that has no page is believed, and nothing of it is kept any more.
    cluster.stop(0).await;
    cluster.instances[0].arguments.retain(|argument| argument != "--dev");
    cluster.restart(0).await;
    ana.reloads().await;
    ana.misses("#root").await;
    ana.sees("navigator.serviceWorker.getRegistrations().then((all) => all.length === 0)").await;
    ana.sees("caches.keys().then((all) => all.length === 0)").await;
}
