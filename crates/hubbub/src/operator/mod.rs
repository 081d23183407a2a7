//! The command line for those who run portals: a thin client of the REST API.

use clap::Subcommand;
use server::At;
use std::fmt;

mod call;
mod dead_letters;
mod health;
mod portals;
mod recipe;
mod refused;
mod server;
mod sessions;
mod table;

/// A call that is wrong, of which nothing was sent.
#[derive(Debug)]
pub struct Wrong(String);

impl Wrong {
    fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Wrong {}

/// What operators look at and change.
#[derive(Subcommand)]
pub enum Operator {
    /// Ask the instance on this machine whether it is ready: for health checks of containers
    #[command(after_help = health::EXAMPLES)]
    Health(health::Health),
    /// Call a method of the REST API by its name: rooms, messages, members and all else
    Call(call::Call),
    /// Portals: third parties whose agents answer
    #[command(subcommand, after_help = portals::EXAMPLES)]
    Portals(portals::PortalCommand),
    /// Support sessions
    #[command(subcommand)]
    Sessions(sessions::Sessions),
    /// What waits for a portal, with the attempts that were made
    #[command(subcommand)]
    Deliveries(sessions::Deliveries),
    /// What was given up on: looked at, sent again, thrown away
    #[command(subcommand, after_help = dead_letters::EXAMPLES)]
    DeadLetters(dead_letters::DeadLetters),
    /// Webhooks that named no known session, where a portal keeps them
    #[command(subcommand)]
    Quarantine(dead_letters::Quarantine),
    /// Verified webhooks that were refused and are kept for a while: looked at, taken after all, thrown away
    #[command(subcommand, after_help = refused::EXAMPLES)]
    Refused(refused::Refused),
}

impl Operator {
    /// Does it.
    ///
    /// # Errors
    /// What the server says, or why it does not; [`Wrong`] where it was not asked.
    pub async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Health(health) => health.run().await,
            Self::Call(call) => call.run().await,
            Self::Portals(command) => command.run().await,
            Self::Sessions(command) => command.run().await,
            Self::Deliveries(command) => command.run().await,
            Self::DeadLetters(command) => command.run().await,
            Self::Quarantine(command) => command.run().await,
            Self::Refused(command) => command.run().await,
        }
    }
}
