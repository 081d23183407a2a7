use super::*;
use crate::chat::Chat;
use hubbub_core::{
    log::{
        entry::Right,
        kinds::{Message, Text, What},
        room::PageOf,
    },
    model::{
        access::{Refusal, Role, RoomKind},
        ids::UserId,
        seq::Seq,
    },
};
use tokio::sync::oneshot;

fn ana() -> UserId {
    UserId::parse("ana").unwrap()
}

fn room() -> RoomId {
    RoomId::parse("general").unwrap()
}

async fn chat(folder: &tempfile::TempDir) -> Chat {
    let chat = Chat::alone(&folder.path().join("chat.db"));
    chat.make_room(&room(), RoomKind::Private, "", &UserId::backend(), &[(ana(), Role::Member)]).await.unwrap();
    chat
}

fn says(text: &str) -> Proposal {
    let message = Message::new(Text::parse(text).unwrap(), None, None);
    Proposal::new(room(), ana(), None, What::Message(message), Right::Own)
}

/// A step that is slow until it is told what to decide.
fn slow() -> (oneshot::Sender<Result<(), ChatError>>, AdmissionStep) {
    let (decide, decided) = oneshot::channel();
    (decide, Box::pin(async move { decided.await.unwrap_or(Err(ChatError::Unavailable)) }))
}

async fn log(chat: &Chat) -> Vec<String> {
    let page = chat.store.page(&room(), PageOf::After(Seq::new(1)), 100).await.unwrap().unwrap();
    let text = |what: &What| match what {
        What::Message(message) => message.content.text.as_str().to_owned(),
        other => panic!("{other:?}"),
    };
    page.entries.iter().map(|entry| text(&entry.what)).collect()
}

#[tokio::test]
async fn a_slow_step_is_overtaken_by_other_sources_and_not_by_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let chat = chat(&folder).await;
    let (own, other) = (chat.admission.new_source(), chat.admission.new_source());
    let (decide, step) = slow();
    let first = chat.admission.submit_after(&own, says("first"), step).unwrap();
    let (allow, second_step) = slow();
    let second = chat.admission.submit_after(&own, says("second"), second_step).unwrap();
    let third = chat.admission.submit(&own, says("third")).unwrap();
    allow.send(Ok(())).unwrap();
    for source in [other, Source::NONE] {
        settled(chat.admission.submit(&source, says("by others")).unwrap()).await.unwrap();
    }
    assert_eq!(log(&chat).await, ["by others", "by others"]);
    decide.send(Ok(())).unwrap();
    for submitted in [first, second, third] {
        settled(submitted).await.unwrap();
    }
    settled(chat.admission.submit(&own, says("fourth")).unwrap()).await.unwrap();
    assert_eq!(log(&chat).await, ["by others", "by others", "first", "second", "third", "fourth"]);
    assert!(chat.admission.door.lines().is_empty(), "nothing is left of it");
    assert_eq!(chat.admission.door.held.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn what_waits_behind_a_refusal_goes_on_and_behind_a_failure_fails() {
    let folder = tempfile::tempdir().unwrap();
    let chat = chat(&folder).await;
    let own = chat.admission.new_source();
    for (why, is_taken) in [(ChatError::Refused(Refusal::NotMember), true), (ChatError::Busy, false)] {
        let (decide, step) = slow();
        let first = chat.admission.submit_after(&own, says("first"), step).unwrap();
        let behind = chat.admission.submit(&own, says("behind")).unwrap();
        decide.send(Err(why.clone())).unwrap();
        assert_eq!(settled(first).await, Err(why));
        assert_eq!(settled(behind).await.is_ok(), is_taken);
    }
    assert_eq!(log(&chat).await, ["behind"]);
    settled(chat.admission.submit(&own, says("again")).unwrap()).await.unwrap();
    assert_eq!(chat.admission.door.held.load(Ordering::Relaxed), 0);
}
