//! The web chat in a real browser: what is unread, who types, who has seen what.

use crate::{
    browser::{Browser, Page},
    cluster::Cluster,
};
use serde_json::json;

/// What stands beside a room in the list.
fn badge(room: &str, which: &str) -> String {
    format!(".room[data-room={room}] .{which} [aria-hidden]")
}

/// The box of the room.
pub const BOX: &str = "[data-composer=room] textarea";
const TYPING: &str = "[data-composer=room] .typing";

/// A window on a room, once that is followed.
pub async fn opens(browser: &Browser, cluster: &Cluster, n: usize, user: &str, room: &str) -> Page {
    let mut page = browser.opens(&format!("http://{}/?user={user}&room={room}", cluster.at(n))).await;
    page.reads("#state", "connected").await;
    page.sees(&format!("document.querySelector('.room[data-room={room}][aria-current]') !== null")).await;
    page.sees("document.querySelector('.log [data-row], .log .line') !== null").await;
    page
}

/// Writes it into the box of the room, and sends it.
pub async fn writes(page: &mut Page, text: &str) {
    page.clicks(BOX).await;
    page.writes(text).await;
    page.enters().await;
}

/// What is said aloud, each time.
const HEARD: &str = "(() => { const news = document.querySelector('#news'); window.heard = []; \
     new MutationObserver(() => window.heard.push(news.textContent)).observe(news, { childList: true, characterData: true, subtree: true }); return true; })()";
/// The system's notifications, and whether somebody sees the page.
const TOLD: &str = "(() => { window.told = []; window.unseen = true; \
     window.Notification = class { static async requestPermission() { return 'granted'; } \
         constructor(title, { body }) { window.told.push(`${title} / ${body}`); } }; \
     Object.defineProperty(document, 'visibilityState', { get: () => (window.unseen ? 'hidden' : 'visible') }); \
     document.dispatchEvent(new Event('visibilitychange')); return true; })()";
const SEEN: &str =
    "(() => { window.unseen = false; document.dispatchEvent(new Event('visibilitychange')); return true; })()";

/// Wants to be notified.
async fn is_told(page: &mut Page) {
    assert_eq!(page.is(TOLD).await, true);
    page.clicks("[data-do=me]").await;
    page.clicks_on("[...document.querySelectorAll('[role=menuitem]')].find((one) => one.innerText === 'Settings')")
        .await;
    page.clicks("dialog[open] input[type=checkbox]:not([name])").await;
    page.sees("document.querySelector('dialog[open] input[type=checkbox]:not([name])').checked").await;
    page.clicks("dialog[open] [aria-label=Close]").await;
}

async fn says(cluster: &Cluster, room: &str, text: &str) {
    let said = json!({ "from": "ana", "text": text });
    let answer = cluster.api("POST", &format!("/v1/rooms/{room}/messages"), &said).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
}

#[tokio::test]
async fn people_see_who_types_what_is_unread_and_who_has_seen_it_and_counts_are_right_after_faults() {
    let mut cluster = Cluster::of_with(2, &["--dev"]).await;
    cluster.room("kitchen", "private", &["ana", "ben"]).await;
    cluster.room("hall", "private", &["ana", "ben"]).await;
    let named = cluster.api("PATCH", "/v1/rooms/kitchen", &json!({ "name": "Kitchen", "topic": "Soup" })).await;
    assert_eq!(named.status, 200, "{}", named.text);
    let browser = Browser::start().await;
    let mut ana = opens(&browser, &cluster, 0, "ana", "kitchen").await;
    let mut ben = opens(&browser, &cluster, 1, "ben", "kitchen").await;
    ana.reads(".room[data-room=kitchen] .title", "Kitchen").await;

    // What is typed is over with its message.
    ben.is(HEARD).await;
    ana.clicks(BOX).await;
    ana.writes("The soup").await;
    ben.reads(TYPING, "ana is typing…").await;
    ana.enters().await;
    ben.sees("document.querySelector('.log').textContent.includes('The soup')").await;
    ben.reads(TYPING, "").await;
    // What came in the open room is said aloud, once.
    ben.reads("#news", "ana: The soup").await;
    ana.reads(".seen", "Seen by ben").await;
    writes(&mut ana, "It is hot").await;
    ben.reads("#news", "ana: It is hot").await;
    let heard = ben.is("window.heard.filter((text) => text.trim() !== '')").await;
    assert_eq!(heard, json!(["ana: The soup", "ana: It is hot"]));
    ana.sees("document.querySelector('[data-do=people]').title === 'People, 2 online'").await;

    // He is in another room, in two windows.
    ben.clicks(".room[data-room=general]").await;
    ben.reads("#room", "General").await;
    let mut second = opens(&browser, &cluster, 1, "ben", "general").await;
    // He looks at neither.
    assert_eq!(ben.is(TOLD).await, true);
    is_told(&mut second).await;
    writes(&mut ana, "@ben it is ready").await;
    for window in [&mut ben, &mut second] {
        window.reads(&badge("kitchen", "unread"), "1").await;
        window.reads(&badge("kitchen", "mentions"), "@1").await;
    }
    second.reads("#news", "You were mentioned in Kitchen.").await;
    // By the system, too, where he does not look at the page; not where he does.
    second.sees("window.told.length === 1 && window.told[0] === 'Kitchen / ana: @ben it is ready'").await;
    for window in [&mut ben, &mut second] {
        assert_eq!(window.is(SEEN).await, true);
    }
    writes(&mut ana, "@ben come").await;
    second.reads(&badge("kitchen", "mentions"), "@2").await;
    ben.clicks(".room[data-room=kitchen]").await;
    ben.reads(".divider.new", "New messages").await;
    ben.sees("[...document.querySelectorAll('.row-of-log')].at(-1).textContent.includes('come')").await;
    second.misses(&badge("kitchen", "unread")).await;
    ana.sees("[...document.querySelectorAll('.message')].at(-1).querySelector('.seen')?.textContent === 'Seen by ben'")
        .await;

    // What nobody has told his instance of it has told him to ask for.
    let door = cluster.instances[1].redis.as_ref().expect("a door");
    door.cut();
    says(&cluster, "hall", "one").await;
    says(&cluster, "hall", "two").await;
    door.mend();
    second.reads(&badge("hall", "unread"), "2").await;

    // His instance dies and comes back.
    cluster.kill(1);
    says(&cluster, "hall", "three").await;
    says(&cluster, "kitchen", "It is cold").await;
    cluster.restart(1).await;
    second.reads(&badge("hall", "unread"), "3").await;
    ben.reads(&badge("hall", "unread"), "3").await;
    // The room that is open is read.
    ben.sees("document.querySelector('.log').textContent.includes('It is cold')").await;
    ana.sees("[...document.querySelectorAll('.message')].at(-1).querySelector('.seen')?.textContent === 'Seen by ben'")
        .await;
    second.misses(&badge("kitchen", "unread")).await;
    assert_eq!(second.is("window.told.length").await, 1, "nobody is notified of what they see");
}
