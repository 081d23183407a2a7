//! One instance: everything wired together, served on one address.

use crate::{
    chat::{Chat, methods::Actor, rooms::MembershipChange},
    config::{BusAt, Config, StoreAt, cannot_listen},
    features::{
        self, Features,
        people::Choices,
        portals::{self, Portals, support::SupportChat, vault::Vault},
    },
    gateway::{
        self, Gateway,
        drain::drain,
        methods::RpcTable,
        upgrade::{NotUpgraded, upgrade},
    },
    http::{self, Api, RestTable, keys::ApiKeys},
    metrics::Metrics,
    openapi::ApiDocument,
    problem::Problem,
    strangers::Strangers,
    token::Tokens,
};
use anyhow::Context;
use axum::{
    Router,
    extract::{Request, State},
    http::StatusCode,
    response::Response,
    routing::get,
};
use door::Door;
use hubbub_core::{
    limits,
    model::{
        access::{Role, RoomKind},
        ids::{RoomId, UserId},
    },
};
pub use listen::bind;
use listen::{App, Phase, Served};
use reload::Reloaded;
use std::{num::NonZeroUsize, sync::Arc, time::Duration};
use tls::Tls;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinSet,
    time::Instant,
};

mod certificate;
mod door;
mod files;
mod listen;
mod open;
pub mod reload;
#[cfg(test)]
mod tests;
mod timely;
mod tls;

pub use open::{Stores, bump_epoch, check_bus, open_archive, open_bus, open_store};
pub use tls::good_until;

/// How long requests may take to be finished once clients are gone.
const FINISH_WITHIN: Duration = Duration::from_secs(5);
/// The pause between two looks at who is still connected.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Serves on `listener`, and on `--admin-listen` where there is one, until `stops` changes. Then, in this order: the
/// instance says that it is not ready and takes no new sockets; its clients are sent to other instances over the drain
/// window, while it still listens and answers; it stops listening; requests are finished; it returns.
///
/// It listens that long because a balancer learns from `/health/ready` that it should go elsewhere, and until it has, a
/// refused connection would be somebody's failed request. Without a window there is nobody to be considerate of.
pub async fn run(
    config: Config,
    listener: TcpListener,
    mut stops: watch::Receiver<u32>,
    serves: impl FnOnce(),
) -> anyhow::Result<()> {
    let address = listener.local_addr()?;
    let room = files::raise_limit();
    // Requests are answered from the first moment: with 503 until the store is there.
    let app = App::default();
    let reloaded = reload::start(config.clone()).context("cannot heed signals")?;
    let (phase, phases) = watch::channel(Phase::Serving);
    let metrics = Arc::new(Metrics::default());
    let tls = match &config.edge.tls {
        Some(files) => Some(Arc::new(Tls::open(files, &metrics)?)),
        None => None,
    };
    let proxies = config.edge.trusted_proxies.clone();
    let strangers = Strangers::new(proxies, config.strangers_per_address, room.get(), metrics.clone());
    let mut listening = JoinSet::new();
    if let Some(address) = config.edge.admin_listen {
        let listener = bind(address).map_err(|error| cannot_listen("--admin-listen", address, error))?;
        listening.spawn(listen::serve(
            listener,
            Arc::new(Door::admin(&config.edge)),
            strangers.clone(),
            app.clone(),
            phases.clone(),
        ));
    }
    let public = Arc::new(Door::public(&config.edge, tls.clone()));
    listening.spawn(listen::serve(listener, public, strangers.clone(), app.clone(), phases));
    reload::follow(reloaded.clone(), move |config| strangers.allow(config.strangers_per_address));
    let label = config.instance.clone().unwrap_or_else(|| address.port().to_string());
    let start = async {
        app.set(start(&config, room, &label, metrics, &reloaded).await?).ok();
        tracing::info!(%address, store = %config.store, bus = %config.bus, instance = label, "serving");
        serves();
        anyhow::Ok(())
    };
    let mut watching = JoinSet::new();
    if let Some(tls) = tls {
        watching.spawn(tls.watch(signal(SignalKind::hangup()).context("cannot heed signals")?));
    }
    tokio::select! {
        started = start => started?,
        _ = stops.changed() => return Ok(()),
    }
    let _ = stops.changed().await;
    let window = config.edge.drain_window;
    // Whom it can send its clients to: those whose leases it has seen. One that was killed counts until its lease ends.
    match app.get().map_or(0, |served| served.gateway.chat.instances.living().borrow().others().count()) {
        0 => tracing::info!(
            ?window,
            "stopping: no new clients are taken, and those that are here are disconnected; they come back once it runs again"
        ),
        others => tracing::info!(
            others,
            ?window,
            "stopping: no new clients are taken, and those that are here are sent to the other instances"
        ),
    }
    let notice_by = Instant::now() + window.min(limits::DRAIN_NOTICE);
    phase.send_replace(Phase::Draining);
    if window.is_zero() {
        listening.abort_all();
    }
    if let Some(served) = app.get() {
        drain(&served.gateway, window, &mut stops).await;
    }
    while Instant::now() < notice_by && phase.receiver_count() > listening.len() {
        tokio::time::sleep(LOOK_EVERY).await;
    }
    listening.abort_all();
    phase.send_replace(Phase::Closing);
    let is_quiet = tokio::time::timeout(FINISH_WITHIN, phase.closed()).await.is_ok();
    if !is_quiet {
        tracing::warn!("some requests were not finished");
    }
    if let Some(served) = app.get() {
        served.workers.stop(FINISH_WITHIN).await;
        served.gateway.chat.end(FINISH_WITHIN, is_quiet).await;
    }
    tracing::info!("stopped");
    Ok(())
}

async fn start(
    config: &Config,
    room: NonZeroUsize,
    label: &str,
    metrics: Arc<Metrics>,
    reloaded: &Reloaded,
) -> anyhow::Result<Served> {
    let stores = open_store(&config.store).await?;
    if let (BusAt::Local, StoreAt::Postgres { .. }) = (&config.bus, &config.store) {
        tracing::warn!(
            "--bus local on Postgres: if there are other instances, they hear of messages by polling, up to {:?} late",
            limits::POLL_EVERY
        );
    }
    let shared = matches!(config.store, StoreAt::Postgres { .. });
    check_bus(&config.bus, &config.store).await.context("--bus")?;
    let bus = open_bus(&config.bus, &config.store, &stores.logs.identity().database).context("--bus")?;
    let chat = Arc::new(Chat::start(stores.logs, bus, metrics, shared));
    if config.dev {
        seed(&chat).await?;
    }
    let tokens = Arc::new(Tokens::new(&config.trust, chat.metrics.clone(), chat.clock.clone()));
    let vault = Vault::new(config.secrets_keys.clone()).warning(!config.dev);
    let support = SupportChat::start(chat.clone(), stores.portals, vault).known_as(config.public_url.as_deref());
    let support = Arc::new(support);
    let portals = Arc::new(Portals::new(support.clone(), config.portal_allow.clone(), label.into())?);
    let choices = Arc::new(Choices { chat: chat.clone(), store: stores.people });
    let features = Features { chat: chat.clone(), choices, support: support.clone(), portals: portals.clone() };
    let methods = RpcTable::new(&features, &chat.metrics.methods, features::methods);
    let gateway = Arc::new(Gateway::new(chat.clone(), tokens.clone(), label.to_owned(), methods));
    let keys = Arc::new(ApiKeys::new(&config.api_keys));
    let api = Api { chat: chat.clone(), keys: keys.clone(), tokens: tokens.clone(), label: label.into() };
    chat.set_quota(files::within(room, config.limits));
    let workers = portals.start();
    // A trial has nothing to hide. Should the store not answer, it is not said this time.
    if !config.dev && config.secrets_keys.ids().next().is_none() {
        let plain = support.secrets_at_rest().await.map_or(0, |at_rest| at_rest.plain);
        if plain > 0 {
            tracing::warn!(secrets = plain, "no --secrets-key: secrets of portals lie in the database as they are");
        }
    }
    let sealed = portals.clone();
    reload::follow(reloaded.clone(), move |config| {
        tokens.trust(&config.trust);
        chat.set_quota(files::within(room, config.limits));
        keys.replace(&config.api_keys);
        sealed.seal_with(config.secrets_keys.clone());
    });
    let sockets = Router::new().route("/connection/websocket", get(connect).with_state(gateway.clone()));
    let clients = sockets.merge(gateway::router(gateway.clone())).merge(portals::hooks::router(portals));
    let v1 = RestTable::router(&features, &features.chat.metrics.methods, features::methods);
    let mut document = openapi();
    if config.edge.admin_listen.is_none() {
        document.is_served_below(&config.edge.base_path);
    }
    let mut rest = http::router(api.clone(), v1, &document);
    if config.dev {
        // Beside the document that it shows.
        rest = rest.merge(http::dev::reference());
    }
    let (public, admin) = match config.edge.admin_listen {
        Some(_) if config.dev => (http::health(api), rest.merge(http::dev::parts())),
        Some(_) => (http::health(api), rest),
        None => (rest, Router::new()),
    };
    let mut public = public.merge(clients);
    if config.dev
        && let Some(secret) = config.trust.secret.as_deref()
    {
        let (required, clock) = (config.trust.required.clone(), features.chat.clock.clone());
        let signing = http::dev::Signing { secret: secret.into(), required, clock };
        public = public.merge(http::dev::router(signing));
    }
    // Nobody is judged by a clock that has not been looked at.
    features.chat.clock.settled().await;
    // Nor is anything refused because it is not known yet who lives.
    features.chat.instances.settled().await;
    let finish = |router: Router| router.method_not_allowed_fallback(http::wrong_method);
    Ok(Served { public: finish(public), admin: finish(admin), gateway, workers })
}

/// The OpenAPI document of everything that is served.
pub fn openapi() -> ApiDocument {
    let mut document = ApiDocument::new(features::methods);
    portals::hooks::describe(&mut document);
    http::health::describe(&mut document);
    document
}

/// `GET /connection/websocket`.
async fn connect(gateway: State<Arc<Gateway>>, request: Request) -> Result<Response, Problem> {
    upgrade(gateway, request).await.map_err(|why| match why {
        NotUpgraded::Bad(why) => Problem::new(StatusCode::BAD_REQUEST, "bad_request", why),
        NotUpgraded::Full(full) => {
            let (later, why) = full.words(rand::random());
            Problem::new(StatusCode::SERVICE_UNAVAILABLE, "full", why).retry_after(later)
        }
    })
}

/// What `--dev` begins with.
async fn seed(chat: &Chat) -> anyhow::Result<()> {
    let (room, by) = (RoomId::parse("general")?, UserId::backend());
    let people = [(UserId::parse("ana")?, Role::Admin), (UserId::parse("ben")?, Role::Member)];
    let (_, made) = chat.make_room(&room, RoomKind::Open, "General", &by, &people).await?;
    if !made {
        for (user, role) in people {
            let become_member = MembershipChange::Become(role);
            chat.change(&Actor::backend(), &room, &user, become_member).await?;
        }
    }
    Ok(())
}
