use super::*;
use crate::chat::Chat;
use hubbub_core::{
    log::{
        entry::Right,
        kinds::{Content, Deleted, Edited, Message, Text, What},
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

#[tokio::test]
async fn deletions_that_one_transaction_does_not_take_are_taken_by_the_next_in_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let chat = chat(&folder).await;
    let other = RoomId::parse("other").unwrap();
    chat.make_room(&other, RoomKind::Private, "", &UserId::backend(), &[(ana(), Role::Member)]).await.unwrap();
    let (edits, messages) = (limits::BLANKED_AT_ONCE / 4, 6);
    let content = |text: String| Content::text(Text::parse(&text).unwrap());
    let mut all: Vec<_> = (0..messages).map(|_| says("first")).collect();
    for n in 0..edits {
        for message in 0..messages {
            let edited = Edited { target: Seq::new(2 + message), content: content(format!("edit {n}")) };
            all.push(Proposal { what: What::Edited(edited), ..says("") });
        }
    }
    let drafts: Vec<_> = all.into_iter().map(|proposal| chat.admission.draft(proposal)).collect();
    for part in drafts.chunks(limits::BATCH) {
        chat.store.append(part).await.unwrap();
    }
    let source = chat.admission.new_source();
    let submit = |proposal| chat.admission.submit(&source, proposal).unwrap();
    let deleted = |n| Proposal { what: What::Deleted(Deleted { target: Seq::new(2 + n), of: None }), ..says("") };
    let mut submitted: Vec<_> = (0..messages).map(|n| submit(deleted(n))).collect();
    submitted.push(submit(says("behind them")));
    let elsewhere = submit(Proposal { room: other, ..says("elsewhere") });
    let before = chat.metrics.commits.get();
    let elsewhere = settled(elsewhere).await.unwrap().unwrap();
    let mut seqs = Vec::new();
    for submitted in submitted {
        seqs.push(settled(submitted).await.unwrap().unwrap().seq.get());
    }
    let first = 1 + messages + messages * edits as u64 + 1;
    assert_eq!(seqs, (first..=first + messages).collect::<Vec<_>>());
    assert_eq!(elsewhere.seq, Seq::new(2));
    assert_eq!(chat.metrics.commits.get() - before, 2, "six are taken by two");
}
