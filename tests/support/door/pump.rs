//! What moves bytes through a door.

use super::{Mode, Shared};
use crate::support::resp;
use std::{
    io,
    sync::atomic::{AtomicBool, Ordering},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::tcp::{ReadHalf, WriteHalf},
    sync::mpsc,
};

pub(super) async fn bytes(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    held: Mode,
    shared: &Shared,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut buffer).await?;
        shared.pass_unless(held).await;
        if read == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..read]).await?;
    }
}

/// Who answers a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Server,
    Door,
}

pub(super) async fn commands(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    expect: mpsc::Sender<Answer>,
    subscribed: &AtomicBool,
    shared: &Shared,
) -> io::Result<()> {
    let (mut buffer, mut onward) = (Vec::with_capacity(64 * 1024), Vec::new());
    loop {
        let read = from.read_buf(&mut buffer).await?;
        shared.pass().await;
        if read == 0 {
            return to.shutdown().await;
        }
        let mut at = 0;
        while let Some(length) = resp::frame(&buffer[at..]) {
            let command = &buffer[at..at + length];
            at += length;
            let name = resp::word(command, 0).unwrap_or_default().to_ascii_uppercase();
            if name.ends_with(b"SUBSCRIBE") || name == b"MONITOR" {
                subscribed.store(true, Ordering::SeqCst);
            }
            let subscribed = subscribed.load(Ordering::SeqCst);
            let answer = if !subscribed && shared.takes(command) { Answer::Door } else { Answer::Server };
            if answer == Answer::Server {
                onward.extend_from_slice(command);
            }
            // Once subscribed, what the server says is passed on as it comes, and nothing of the door's goes between.
            if !subscribed && expect.send(answer).await.is_err() {
                return Ok(());
            }
        }
        buffer.drain(..at);
        if buffer.len() > resp::FRAME_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
        to.write_all(&onward).await?;
        onward.clear();
    }
}

pub(super) async fn replies(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    mut expected: mpsc::Receiver<Answer>,
    subscribed: &AtomicBool,
    shared: &Shared,
) -> io::Result<()> {
    let (mut buffer, mut onward, mut next, mut open) = (Vec::with_capacity(64 * 1024), Vec::new(), None, true);
    loop {
        let mut at = 0;
        loop {
            next = next.or_else(|| expected.try_recv().ok());
            if next == Some(Answer::Door) {
                onward.extend_from_slice(b":1\r\n");
                next = None;
                continue;
            }
            let Some(length) = resp::frame(&buffer[at..]) else { break };
            // A push of RESP3 answers nothing.
            if buffer[at] != b'>' {
                next = None;
            }
            onward.extend_from_slice(&buffer[at..at + length]);
            at += length;
        }
        buffer.drain(..at);
        if buffer.len() > resp::FRAME_BYTES {
            return Err(io::ErrorKind::InvalidData.into());
        }
        if !onward.is_empty() {
            let held = if subscribed.load(Ordering::SeqCst) { Mode::Muted } else { Mode::Held };
            shared.pass_unless(held).await;
            to.write_all(&onward).await?;
            onward.clear();
        }
        tokio::select! {
            answer = expected.recv(), if open && next.is_none() => {
                next = answer;
                open = next.is_some();
            }
            read = from.read_buf(&mut buffer) => if read? == 0 {
                shared.pass().await;
                return to.shutdown().await;
            },
        }
    }
}
