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
use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
    response::{IntoResponse, Response},
    routing::get,
};
use hubbub_core::{
    access::{Role, RoomKind},
    entry::Right,
    ids::{RoomId, UserId},
    limits,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    convert::Infallible,
    sync::{Arc, OnceLock},
    time::Duration,
};
use tokio::net::{TcpListener, TcpStream};

mod open;

pub use open::{bump_epoch, open_store};

/// How long a client may take to send the head of a request.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// How long connections may take to go once the server does.
const GO_WITHIN: Duration = Duration::from_secs(5);

/// Serves on `listener` until `shutdown` is done, then closes what is open and returns.
pub async fn run(config: Config, listener: TcpListener, shutdown: impl Future<Output = ()>) -> anyhow::Result<()> {
    let address = listener.local_addr()?;
    // Requests are answered from the first moment: with 503 until the store is there.
    let app: Arc<OnceLock<(Router, Arc<Chat>)>> = Arc::default();
    let serving = tokio::spawn(serve(listener, app.clone()));
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
    serving.abort();
    if let Some((_, chat)) = app.get() {
        chat.people.shut_down();
        let gone = async {
            while chat.metrics.connections.get() > 0 {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(GO_WITHIN, gone).await.is_err() {
            tracing::warn!(connections = chat.metrics.connections.get(), "some clients took no goodbye");
        }
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
    let gateway = Arc::new(Gateway::new(chat.clone(), tokens, label.to_owned()));
    let keys = config.api_keys.iter().map(|key| http::digest(key)).collect();
    let mut router = http::router(Api { chat: chat.clone(), keys, label: label.into() });
    router = router.merge(Router::new().route("/connection/websocket", get(upgrade).with_state(gateway)));
    if config.dev {
        let signing =
            http::dev::Signing { secret: config.token_secret.as_str().into(), required: config.tokens.clone() };
        router = router.merge(http::dev::router(signing));
    }
    Ok((router, chat))
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

async fn serve(listener: TcpListener, app: Arc<OnceLock<(Router, Arc<Chat>)>>) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve_one(stream, app.clone()));
            }
            Err(error) => {
                // Out of file descriptors, most likely: wait for some to come back.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve_one(stream: TcpStream, app: Arc<OnceLock<(Router, Arc<Chat>)>>) {
    let service = hyper::service::service_fn(move |request: Request<hyper::body::Incoming>| {
        let app = app.clone();
        async move {
            let request = request.map(Body::new);
            Ok::<_, Infallible>(match app.get() {
                Some((router, _)) => {
                    let Ok(response) = tower_service::Service::call(&mut router.clone(), request).await;
                    response
                }
                None => starting(&request),
            })
        }
    });
    let served = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades()
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "an HTTP connection ended badly");
    }
}

fn starting(request: &Request<Body>) -> Response {
    match request.uri().path() {
        "/health/live" => "ok\n".into_response(),
        _ => (StatusCode::SERVICE_UNAVAILABLE, axum::Json(serde_json::json!({ "status": "starting" }))).into_response(),
    }
}
