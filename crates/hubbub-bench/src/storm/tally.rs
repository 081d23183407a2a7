//! What happened to clients on their way back.

/// See the module.
#[derive(Debug, Default, Clone)]
pub struct Tally {
    /// Connections dialled.
    pub dials: u64,
    /// Upgrades refused with 503.
    pub refused: u64,
    /// Connections that the server closed with a code.
    pub closed: u64,
    /// Connections that broke.
    pub lost: u64,
    /// Answers that did not come within the SDKs' patience: the client dialled anew.
    pub unanswered: u64,
    /// Subscribes refused as temporarily busy: the client dialled anew.
    pub busy: u64,
    /// Entries received.
    pub entries: u64,
}

impl Tally {
    pub fn words(&self) -> String {
        let Self { dials, refused, closed, lost, unanswered, busy, entries } = self;
        format!(
            "{dials} dials, {refused} refused with 503, {unanswered} without an answer in time, {busy} busy, {closed} closed, {lost} broken; {entries} entries received"
        )
    }
}
