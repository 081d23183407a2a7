//! What has come of frames and has not been executed, of everybody together, is bounded; short frames always find room.

use crate::{
    bad_frames::Bystanders,
    cluster::{Cluster, breathe},
    wire::{DEADLINE, Raw, frame},
};
use futures_util::{StreamExt, stream};
use hubbub_core::limits;

/// More of them than there is room for.
const MANY: usize = 2 * limits::INTAKE_BYTES / limits::FRAME_BYTES;
/// So many connect at a time. An address may have only so many connections that have not said who they are.
const AT_ONCE: usize = 32;

#[tokio::test]
async fn whoever_does_not_end_their_frames_holds_up_only_themselves() {
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::laptop_with(directory.path(), &["--user-connections", "1000"]).await;
    let begun = frame(1, &vec![b' '; limits::FRAME_BYTES]);
    let begin = async |_| {
        let mut raw = Raw::of(cluster.at(0), "eve").await;
        raw.sends_what_goes(&begun[..begun.len() - 1]).await;
        raw
    };
    let eves: Vec<_> = stream::iter((0..MANY).map(begin)).buffered(AT_ONCE).collect().await;
    let mut ben = Raw::of(cluster.at(0), "ben").await;
    ben.asks_at_length().await;
    drop(eves);
}

#[tokio::test]
async fn frames_that_do_not_end_keep_a_bounded_part_of_memory_and_hold_up_no_short_ones() {
    let directory = tempfile::tempdir().unwrap();
    let cluster = Cluster::laptop(directory.path()).await;
    let bystanders = Bystanders::of(&cluster).await;
    let instance = &cluster.instances[0];
    let memory = instance.memory();
    let whole = frame(1, &vec![b' '; limits::FRAME_BYTES]);
    let begin = async |n: usize| {
        let mut raw = Raw::of(cluster.at(0), &format!("eve-{n}")).await;
        // As much as goes: where it is not read, the kernel takes some.
        raw.sends_what_goes(&whole[..whole.len() - 1]).await;
        raw
    };
    let raws: Vec<_> = stream::iter((0..MANY).map(begin)).buffered(AT_ONCE).collect().await;
    bystanders.talk_on("while they do not end").await;
    let grown = instance.memory().saturating_sub(memory);
    println!("{MANY} frames of {} KiB without an end: grown by {} KiB", whole.len() / 1024, grown / 1024);
    assert!(grown < 96 * 1024 * 1024, "grown by {grown}");
    drop(raws);
    let gone = async {
        while instance.counter("hubbub_connections").await > 2 {
            breathe().await;
        }
    };
    tokio::time::timeout(DEADLINE, gone).await.expect("they are gone");
    // There is room again: a frame of the same length is read, and answered.
    let mut raw = Raw::of(cluster.at(0), "ben").await;
    raw.asks_at_length().await;
    bystanders.were_not_disturbed(&cluster).await;
}

impl Raw {
    /// A frame as long as one may be is read, and answered.
    async fn asks_at_length(&mut self) {
        let command = br#"{"id":2,"rpc":{"method":"rooms"}}"#;
        let mut long = vec![b'\n'; limits::FRAME_BYTES - command.len()];
        long.extend_from_slice(command);
        self.send(&frame(1, &long)).await;
        self.hears("\"rpc\"").await;
    }
}
