//! Open files: each client is one.

use hubbub_core::{limits, log::quota::Quota};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::{fs::File, num::NonZeroUsize};

/// Descriptors that are not clients': the store's, the bus's, requests, logs.
const OTHERS: u64 = 200;

/// Raises the soft limit of open files to the hard one. Returns how many clients there is room for: one at least.
pub(super) fn raise_limit() -> NonZeroUsize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // `None` is no limit; a system that says so may still refuse that.
    let wanted = Rlimit { current: maximum, maximum };
    let now = match (current == maximum, setrlimit(Resource::Nofile, wanted)) {
        (false, Ok(())) => maximum,
        _ => current,
    };
    room(now)
}

fn room(files: Option<u64>) -> NonZeroUsize {
    let room = files.unwrap_or(u64::MAX).saturating_sub(OTHERS);
    let room = usize::try_from(room).unwrap_or(usize::MAX).min(limits::CONNECTIONS_MAX);
    NonZeroUsize::new(room).unwrap_or(NonZeroUsize::MIN)
}

/// The limits that hold: where connections have none of their own, there may be as many as there is room for.
pub(super) fn within(room: NonZeroUsize, mut quota: Quota) -> Quota {
    if quota.max_connections.is_some_and(|most| most > room) {
        tracing::warn!(
            files_suffice_for = room,
            "max-connections is more than open files leave room for: raise LimitNOFILE= or ulimit -Hn"
        );
    }
    quota.max_connections.get_or_insert(room);
    tracing::info!(
        max_connections = quota.max_connections,
        files_suffice_for = room,
        "the most clients that may be connected at once"
    );
    quota
}

/// Files that are kept open so that there are some to close: with none left, nobody could be accepted who asks for our health.
pub(super) struct Spare(Vec<File>);

impl Spare {
    /// Takes them.
    pub(super) fn take() -> Self {
        let mut spare = Self(Vec::new());
        spare.fill();
        spare
    }

    /// One is closed, and may be used for something else. `false`: there is none.
    pub(super) fn give(&mut self) -> bool {
        self.0.pop().is_some()
    }

    /// Takes as many as are missing, as far as there are any.
    pub(super) fn fill(&mut self) {
        while self.0.len() < limits::SPARE_FILES {
            let Ok(file) = File::open("/dev/null") else { return };
            self.0.push(file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_raised_to_the_hard_one() {
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        let low = Rlimit { current: Some(512), maximum };
        setrlimit(Resource::Nofile, low).expect("a lower limit");
        let raised = raise_limit();
        assert_eq!(getrlimit(Resource::Nofile).current, maximum);
        assert_eq!(raised, room(maximum));
    }

    #[test]
    fn there_are_no_more_connections_than_files_unless_somebody_says_so() {
        let most = |files, max_connections| {
            let set = Quota { max_connections: NonZeroUsize::new(max_connections), ..Quota::default() };
            within(room(files), set).max_connections.map_or(0, NonZeroUsize::get)
        };
        assert_eq!(most(Some(1_024), 0), 824);
        assert_eq!(most(Some(1_024), 50), 50);
        assert_eq!(most(Some(1_024), 5_000), 5_000, "what was set holds");
        assert_eq!(most(Some(200), 0), 1);
        assert_eq!(most(None, 0), limits::CONNECTIONS_MAX);
    }
}
