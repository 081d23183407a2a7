//! SIGHUP: the configuration is read again, and what may change while running is changed.
//!
//! Whoever can change takes a [`Reloaded`] and looks at it whenever it changes. By then the new configuration has been
//! read and found good as a whole: one with a fault anywhere is refused, and nothing changes.

use crate::config::Config;
use std::sync::Arc;
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
};

/// The configuration that holds now.
pub type Reloaded = watch::Receiver<Arc<Config>>;

type Same = fn(&Config, &Config) -> bool;

/// What a running instance cannot change: settings, by their names, and whether they are the same.
const FIXED: [(&[&str], Same); 9] = [
    (&["listen"], |old, new| old.listen == new.listen),
    (&["store", "store-password", "schema"], |old, new| old.store == new.store),
    (&["bus", "bus-password"], |old, new| old.bus == new.bus),
    (&["instance"], |old, new| old.instance == new.instance),
    (&["log-format"], |old, new| old.log_format == new.log_format),
    (
        &[
            "admin-listen",
            "base-path",
            "allowed-origins",
            "trusted-proxies",
            "tls-cert",
            "tls-key",
            "drain-window",
            "dev-host",
        ],
        |old, new| old.edge == new.edge,
    ),
    (&["public-url"], |old, new| old.public_url == new.public_url),
    (&["portal-allow"], |old, new| old.portal_allow == new.portal_allow),
    (&["dev"], |old, new| old.dev == new.dev),
];

/// The names of settings for which the program must be restarted.
pub fn fixed() -> impl Iterator<Item = &'static str> {
    FIXED.iter().flat_map(|(names, _)| *names).copied()
}

/// Which of them differ. Those that are compared together are named together.
pub fn changed<'a>(old: &'a Config, new: &'a Config) -> impl Iterator<Item = &'static [&'static str]> + 'a {
    FIXED.iter().filter(|(_, same)| !same(old, new)).map(|(names, _)| *names)
}

/// Listens for SIGHUP from now on.
///
/// # Errors
/// When the system has no signals to give.
pub fn start(config: Config) -> std::io::Result<Reloaded> {
    let mut hangups = signal(SignalKind::hangup())?;
    let first = Arc::new(config);
    let (now, reloaded) = watch::channel(first.clone());
    tokio::spawn(async move {
        while hangups.recv().await.is_some() {
            again(&first, &now);
        }
    });
    Ok(reloaded)
}

/// Calls `apply` with each new configuration, for as long as there may be one; at once with one that came since [`start`].
pub fn follow(mut reloaded: Reloaded, mut apply: impl FnMut(&Config) + Send + 'static) {
    tokio::spawn(async move {
        while reloaded.changed().await.is_ok() {
            let config = reloaded.borrow_and_update().clone();
            apply(&config);
        }
    });
}

fn again(first: &Config, now: &watch::Sender<Arc<Config>>) {
    let new = match first.source.clone().resolve() {
        Ok(new) => new,
        Err(error) => {
            return tracing::error!("the new configuration is refused, and the old one stays: {error:#}");
        }
    };
    for names in changed(first, &new) {
        tracing::warn!("{} changed: restart to apply", names.join(" or "));
    }
    if let Err(error) = crate::log::set_filter(&new.log) {
        tracing::error!("the log's filter stays: {error:#}");
    }
    now.send_replace(Arc::new(new));
    tracing::info!("the configuration was read again; what may change while running has changed");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    #[tokio::test]
    async fn what_was_read_again_during_the_start_is_applied_after_it() {
        let named = |name: &str| {
            let settings = Settings { dev: true, instance: Some(name.into()), ..Settings::default() };
            Arc::new(settings.resolve().unwrap())
        };
        let (now, reloaded) = watch::channel(named("first"));
        now.send_replace(named("second"));
        let (tell, mut told) = tokio::sync::mpsc::channel(2);
        follow(reloaded.clone(), move |config| tell.try_send(config.instance.clone()).unwrap());
        let applied = tokio::time::timeout(std::time::Duration::from_secs(5), told.recv()).await;
        assert_eq!(applied.expect("in time"), Some(Some("second".into())));
    }
}
