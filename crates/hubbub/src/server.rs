//! One instance: everything wired together, served on one address.

use crate::{
    bus::{Bus, local::LocalBus, redis::RedisBus},
    chat::{Chat, rooms::Change},
    config::{BusAt, Config, StoreAt},
    gateway::{Gateway, upgrade::upgrade},
    http::{self, Api},
    metrics::Metrics,
    token::Tokens,
};
use anyhow::Context;
use axum::{Router, routing::get};
use hubbub_core::{
    access::{Role, RoomKind},
    entry::Right,
    ids::{RoomId, UserId},
    limits,
};
use listen::{App, Phase};
use std::{sync::Arc, time::Duration};
use tokio::{net::TcpListener, sync::watch};

mod files;
mod listen;
mod open;
#[cfg(test)]
mod tests;

pub use files::raise_limit;
pub use open::{bump_epoch, open_store};

/// How long sockets may take to go once the server does.
const GO_WITHIN: Duration = Duration::from_secs(5);
/// How often they are told while it lasts.
const TELL_EVERY: Duration = Duration::from_millis(100);
/// How long requests may take to be finished after that.
const FINISH_WITHIN: Duration = Duration::from_secs(5);

/// Serves on `listener` until `shutdown` is done. Then nobody is let in, sockets are told to go elsewhere, requests are
/// finished, and it returns.
pub async fn run(config: Config, listener: TcpListener, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
    let address = listener.local_addr()?;
    // Requests are answered from the first moment: with 503 until the store is there.
    let app = App::default();
    let (phase, phases) = watch::channel(Phase::Serving);
    let serving = tokio::spawn(listen::serve(listener, app.clone(), phases));
    let label = config.instance.clone().unwrap_or_else(|| address.port().to_string());
    let start = async {
        let (router, chat) = start(&config, &label).await?;
        app.set((router, chat)).ok();
        tracing::info!(%address, store = %config.store, bus = %config.bus, instance = label, "serving");
        anyhow::Ok(())
    };
    tokio::pin!(shutdown);
    tokio::select! {
        started = start => started?,
        () = &mut shutdown => return Ok(()),
    }
    shutdown.await;
    tracing::info!("going: clients are sent to other instances");
    phase.send_replace(Phase::Draining);
    serving.abort();
    if let Some((_, chat)) = app.get() {
        let gone = async {
            while chat.metrics.connections.get() > 0 {
                // Again and again: whoever was still arriving is told, too.
                chat.people.shut_down();
                tokio::time::sleep(TELL_EVERY).await;
            }
        };
        if tokio::time::timeout(GO_WITHIN, gone).await.is_err() {
            tracing::warn!(connections = chat.metrics.connections.get(), "some clients took no goodbye");
        }
    }
    phase.send_replace(Phase::Closing);
    if tokio::time::timeout(FINISH_WITHIN, phase.closed()).await.is_err() {
        tracing::warn!("some requests were not finished");
    }
    Ok(())
}

async fn start(config: &Config, label: &str) -> anyhow::Result<(Router, Arc<Chat>)> {
    let store = open_store(&config.store).await?;
    let (bus, shared): (Arc<dyn Bus>, bool) = match (&config.bus, &config.store) {
        (BusAt::Local, StoreAt::Sqlite(_)) => (Arc::new(LocalBus::alone()), false),
        (BusAt::Local, StoreAt::Postgres { .. }) => {
            tracing::warn!(
                "--bus local on Postgres: if there are other instances, they hear of messages by polling, up to {:?} late",
                limits::POLL_EVERY
            );
            (Arc::new(LocalBus::alone()), true)
        }
        (BusAt::Redis(url), _) => {
            let bus = RedisBus::start(url, &store.identity().database).context("--bus")?;
            (Arc::new(bus), true)
        }
    };
    let chat = Arc::new(Chat::start(store, bus, Arc::new(Metrics::default()), shared));
    if config.dev {
        seed(&chat).await?;
    }
    let tokens = Tokens::new(&config.token_secret, &config.tokens);
    let gateway = Arc::new(Gateway::new(chat.clone(), tokens, label.to_owned(), None));
    let keys = config.api_keys.iter().map(|key| http::digest(key)).collect();
    let mut router = http::router(Api { chat: chat.clone(), keys, label: label.into() });
    router = router.merge(Router::new().route(listen::SOCKETS, get(upgrade).with_state(gateway)));
    if config.dev {
        let signing =
            http::dev::Signing { secret: config.token_secret.as_str().into(), required: config.tokens.clone() };
        router = router.merge(http::dev::router(signing));
    }
    Ok((router.method_not_allowed_fallback(http::wrong_method), chat))
}

/// What `--dev` begins with.
async fn seed(chat: &Chat) -> anyhow::Result<()> {
    let (room, by) = (RoomId::parse("general")?, UserId::backend());
    let people = [(UserId::parse("ana")?, Role::Member), (UserId::parse("ben")?, Role::Member)];
    let (_, made) = chat.make_room(&room, RoomKind::Open, "General", &by, &people).await?;
    if !made {
        for (user, role) in people {
            let become_member = Change::Become(role);
            chat.change(crate::chat::post::Source::NONE, &room, &by, Right::Backend, &user, become_member).await?;
        }
    }
    Ok(())
}
