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
    ana.clicks(BOX).await;
    ana.writes("The soup").await;
    ben.reads(TYPING, "ana is typing…").await;
    ana.enters().await;
    ben.sees("document.querySelector('.log').textContent.includes('The soup')").await;
    ben.reads(TYPING, "").await;
    // What came in the open room is said aloud, once.
    ben.reads("#news", "ana: The soup").await;
    ana.reads(".seen", "Seen by ben").await;
    ana.sees("document.querySelector('[data-do=people]').title === 'People, 2 online'").await;

    // He is in another room, in two windows.
    ben.clicks(".room[data-room=general]").await;
    ben.reads("#room", "General").await;
    let mut second = opens(&browser, &cluster, 1, "ben", "general").await;
    writes(&mut ana, "@ben it is ready").await;
    for window in [&mut ben, &mut second] {
        window.reads(&badge("kitchen", "unread"), "1").await;
        window.reads(&badge("kitchen", "mentions"), "@1").await;
    }
    second.reads("#news", "You were mentioned in Kitchen.").await;
    ben.clicks(".room[data-room=kitchen]").await;
    ben.reads(".divider.new", "New messages").await;
    ben.sees("[...document.querySelectorAll('.row-of-log')].at(-1).textContent.includes('it is ready')").await;
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
}
