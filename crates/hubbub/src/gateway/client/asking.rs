//! What a client asks, on its way to whoever answers it.

use super::{Client, Done, Transport};
use crate::{
    chat::methods::{Actor, send},
    gateway::answer,
    spans,
};
use hubbub_core::{
    limits::REQUEST_PATIENCE,
    wire::{
        connection::{Ask, Identified},
        error::CommandError,
        reply::{Answer, Reply},
        rpc::Cost,
    },
};
use tracing::{Instrument, Span};

impl<T: Transport> Client<T> {
    pub(super) fn ask(&mut self, who: &Identified, id: u32, ask: Ask) {
        let page = ask.is_page();
        match ask {
            Ask::Subscribe(ask) => self.subscribe(who, id, ask),
            Ask::Publish { room, data } => self.submit(who, id, send::published(room, &data), None),
            Ask::Rpc(call) if call.method.cost == Cost::Send => {
                let writing = self.gateway.methods.get(call.method).writing(&call.data);
                self.submit(who, id, writing, Some(call.method))
            }
            Ask::History(history) => {
                let span = spans::command("history", &self.id);
                let (gateway, user) = (self.gateway.clone(), who.clone());
                let work = async move { answer::history(&gateway.chat, &user, history).await.map(Answer::History) };
                self.answer(id, page, work, span);
            }
            Ask::Presence { room, stats } => {
                let span = spans::command(if stats { "presence_stats" } else { "presence" }, &self.id);
                let (gateway, user) = (self.gateway.clone(), who.clone());
                let work = async move { answer::presence(&gateway.chat, &user, &room, stats).await };
                self.answer(id, page, work, span);
            }
            Ask::Rpc(call) => {
                let method = self.gateway.methods.get(call.method);
                let span = spans::call(method.name, &self.id);
                let by = Actor::client(who.clone(), self.source.clone());
                match method.start(by, &call.data) {
                    Ok(running) => self.answer(id, page, async move { running.await.map(Answer::Rpc) }, span),
                    Err(why) => {
                        self.connection.answered(page);
                        self.reply(&Reply::error(id, why));
                    }
                }
            }
        }
    }

    /// Answers once `work` is done. A `page` first waits for its turn among all pages of this instance.
    fn answer(
        &self,
        id: u32,
        page: bool,
        work: impl Future<Output = Result<Answer, CommandError>> + Send + 'static,
        span: Span,
    ) {
        let page_turns = page.then(|| self.gateway.chat.page_turns.clone());
        let done = async move {
            let work = async move {
                let turn = match page_turns {
                    Some(turns) => turns.acquire_owned().await.ok(),
                    None => None,
                };
                // A task of its own: a client that leaves does not cut off what the store is doing.
                let work = async move {
                    let _turn = turn;
                    work.await
                };
                tokio::spawn(work.in_current_span()).await.unwrap_or(Err(CommandError::INTERNAL))
            };
            // Whatever it waits for, and however often: the times do not add up.
            let answered = tokio::time::timeout(REQUEST_PATIENCE, work).await;
            let said = answered.unwrap_or(Err(CommandError::UNAVAILABLE));
            Done::Reply { reply: Reply { id, said }, page }
        };
        self.in_flight.push(Box::pin(done.instrument(span)));
    }
}
