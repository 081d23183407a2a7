//! The web chat is for everybody: at any width, in both themes, in every state, with twice the zoom, and by keyboard alone.

use crate::{
    browser::{Browser, Page},
    cluster::Cluster,
    page::{opens, writes},
};
use serde_json::{Value, json};

/// Widths, from the narrowest; the last is a window of 1280 at a zoom of 200 %.
const SIZES: [(u32, u32); 5] = [(320, 640), (768, 1024), (1280, 800), (1920, 1080), (640, 400)];
/// Where all that can be open is looked at.
const WHOLE: [u32; 2] = [320, 1280];

/// The button of the newest message, which is there while that has the focus.
pub const MENU: &str = "(() => { const one = [...document.querySelectorAll('.room-main .message')].at(-1); one.focus(); \
                    return one.querySelector('[data-do=menu]'); })()";

/// What is open, how it is opened, and what is there then. All of it is closed by Escape.
const OPEN: [(&str, &str, &str); 9] = [
    ("people", "document.querySelector('[data-do=people]')", "#side .people li"),
    ("pins", "document.querySelector('[data-do=pins]')", "#side .hint"),
    ("settings", "document.querySelector('[data-do=settings]')", "#side .check"),
    ("thread", "document.querySelector('.link.thread')", "#side .log .message"),
    ("menu", MENU, "[role=menu] [role=menuitem]"),
    ("emoji", "document.querySelector('[data-composer=room] .icon-button')", "[frimousse-emoji]"),
    ("me", "document.querySelector('[data-do=me]')", "[role=menu] [role=menuitem]"),
    ("new-room", "document.querySelector('[data-do=\"new room\"]')", "dialog[open] input"),
    ("rooms", "document.querySelector('[data-do=rooms]')", ".drawer-open .room[aria-current]"),
];

async fn is_good(page: &mut Page, what: &str, width: u32, dark: bool) {
    let what = format!("page-{what}-{width}-{}", if dark { "dark" } else { "light" });
    page.is_pictured(&what).await;
    page.is_for_everybody(&what).await;
}

/// Ben says it; its seq.
async fn says(cluster: &Cluster, mut said: Value) -> u64 {
    said["from"] = json!("ben");
    let answer = cluster.api("POST", "/v1/rooms/general/messages", &said).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["seq"].as_u64().expect("a seq")
}

/// Opens it as a press does, which a finger does elsewhere than where the pointer is.
pub async fn shows(page: &mut Page, opener: &str, there: &str) {
    page.sees(&format!("(() => {{ const one = {opener}; one?.focus(); one?.click(); return !!one; }})()")).await;
    page.sees(&format!("document.querySelector({}) !== null", json!(there))).await;
}

/// Closes what is open.
pub async fn closes(page: &mut Page) {
    page.presses("Escape").await;
    page.sees("document.querySelector('#side, [popover]:popover-open, dialog[open], .drawer-open') === null").await;
}

/// Where the focus is, as a selector says it.
async fn has_focus(page: &mut Page, selector: &str) {
    page.sees(&format!("document.activeElement.matches({})", json!(selector))).await;
}

#[tokio::test]
async fn the_page_is_for_everybody_at_any_width_in_both_themes_and_whatever_is_open() {
    let directory = tempfile::tempdir().expect("a directory");
    let cluster = Cluster::laptop_with(directory.path(), &["--dev"]).await;
    let browser = Browser::start().await;
    let mut ana = opens(&browser, &cluster, 0, "ana", "general").await;
    let long = format!("{} {}", "word".repeat(60), "https://example.com/".repeat(20));
    says(&cluster, json!({ "text": long })).await;
    for text in ["Soup **today**, and a [link](https://example.com)", "> quoted\n\n- one\n- two\n\n`code`", "@ben look"]
    {
        writes(&mut ana, text).await;
    }
    // The newest is in sight at any size.
    let root = says(&cluster, json!({ "text": "مرحبا @ana", "mentions": ["ana"] })).await;
    says(&cluster, json!({ "text": "A reply", "thread": root })).await;
    let reaction = format!("/v1/rooms/general/messages/{root}/reactions/%F0%9F%91%8D?from=ben");
    let reacted = cluster.api("PUT", &reaction, &Value::Null).await;
    assert_eq!(reacted.status, 200, "{}", reacted.text);
    ana.sees("document.querySelector('.link.thread') !== null && document.querySelector('.reaction') !== null").await;
    for dark in [false, true] {
        ana.is_dark(dark).await;
        for (width, height) in SIZES {
            ana.is_sized(width, height).await;
            is_good(&mut ana, "room", width, dark).await;
            if !WHOLE.contains(&width) {
                continue;
            }
            for (name, opener, there) in OPEN {
                // The rooms are a drawer where it is narrow, and what is in it is looked at along with it.
                let drawer = ["me", "new-room", "rooms"].contains(&name);
                let shown =
                    format!("getComputedStyle({opener}).display !== 'none' && {opener}.closest('[inert]') === null");
                if drawer && ana.is(&shown).await != true {
                    continue;
                }
                shows(&mut ana, opener, there).await;
                is_good(&mut ana, name, width, dark).await;
                closes(&mut ana).await;
            }
        }
    }
    ana.violates_nothing().await;
}

#[tokio::test]
async fn who_has_only_a_keyboard_writes_reads_answers_and_goes_elsewhere() {
    let directory = tempfile::tempdir().expect("a directory");
    let cluster = Cluster::laptop_with(directory.path(), &["--dev"]).await;
    cluster.room("kitchen", "private", &["ana"]).await;
    let browser = Browser::start().await;
    let mut ana = opens(&browser, &cluster, 0, "ana", "general").await;
    has_focus(&mut ana, "[data-composer=room] textarea").await;
    for text in ["one", "two"] {
        ana.writes(text).await;
        ana.presses("Enter").await;
    }
    ana.sees("document.querySelectorAll('.message[data-seq] .text').length === 2").await;

    // Up to the messages, and what can be done to one.
    ana.presses("Shift+Tab").await;
    has_focus(&mut ana, ".log").await;
    for text in ["two", "one"] {
        ana.presses("ArrowUp").await;
        ana.sees(&format!("document.activeElement.querySelector?.('.text')?.innerText === '{text}'")).await;
    }
    ana.presses("Enter").await;
    has_focus(&mut ana, "[role=menu] [role=menuitemcheckbox]").await;
    ana.presses("ArrowUp").await;
    ana.sees("document.activeElement.innerText.startsWith('Delete')").await;
    ana.presses("Home").await;
    ana.presses("Enter").await;
    ana.sees("document.querySelector('.reaction')?.innerText.includes('1')").await;
    ana.sees("document.activeElement.matches('.message') && document.activeElement.innerText.includes('one')").await;
    ana.presses("a").await;
    has_focus(&mut ana, "[data-composer=room] textarea").await;
    ana.writes("three").await;
    ana.presses("Enter").await;
    // In the log: what is still on its way has no thread.
    let newest = "[...document.querySelectorAll('.message[data-seq]')].at(-1)";
    ana.sees(&format!("{newest}.querySelector('.answers')?.innerText.includes('one')")).await;

    // The thread at the side, and back.
    ana.presses("Shift+Tab").await;
    ana.sees("document.activeElement.closest('.log') !== null").await;
    ana.sees("(document.querySelector('.log').focus(), true)").await;
    ana.presses("ArrowUp").await;
    has_focus(&mut ana, ".message").await;
    ana.presses("t").await;
    has_focus(&mut ana, "[data-composer=thread] textarea").await;
    ana.presses("Escape").await;
    ana.misses("#side").await;
    has_focus(&mut ana, ".message").await;

    // Another room by its name; the keys are listed.
    ana.presses("Control+k").await;
    has_focus(&mut ana, "dialog[open] [role=combobox]").await;
    ana.writes("kit").await;
    ana.sees("document.querySelectorAll('dialog[open] [role=option]').length === 1").await;
    ana.presses("Enter").await;
    ana.sees("new URLSearchParams(location.search).get('room') === 'kitchen'").await;
    has_focus(&mut ana, "[data-composer=room] textarea").await;
    ana.presses("Control+/").await;
    ana.sees("document.querySelector('dialog[open].shortcuts kbd') !== null").await;
    ana.presses("Escape").await;
    ana.misses("dialog[open]").await;

    // The focus stays on what one has said, while that gets into the log.
    ana.is_offline(true).await;
    has_focus(&mut ana, "[data-composer=room] textarea").await;
    ana.writes("kept").await;
    ana.presses("Enter").await;
    ana.sees("document.querySelector('.message.sending') !== null").await;
    ana.presses("Shift+Tab").await;
    ana.presses("ArrowUp").await;
    has_focus(&mut ana, ".message.sending").await;
    ana.is_offline(false).await;
    ana.sees("[...document.querySelectorAll('.message[data-seq] .text')].at(-1)?.innerText === 'kept'").await;
    ana.sees(
        "document.activeElement.matches('.message[data-seq]') && document.activeElement.innerText.includes('kept')",
    )
    .await;
}
