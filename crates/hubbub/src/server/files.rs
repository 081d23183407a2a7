//! Open files: each client is one.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors that are not clients': the store's, the bus's, requests, logs.
const OTHERS: u64 = 200;

/// Raises the soft limit of open files to the hard one. Returns how many clients there is room for.
pub fn raise_limit() -> u64 {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    // `None` is no limit; a system that says so may still refuse that.
    let wanted = Rlimit { current: maximum, maximum };
    let now = match (current == maximum, setrlimit(Resource::Nofile, wanted)) {
        (false, Ok(())) => maximum,
        _ => current,
    };
    let room = now.unwrap_or(u64::MAX).saturating_sub(OTHERS);
    tracing::debug!(soft = ?current, hard = ?maximum, clients = room, "open files");
    room
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_raised_to_the_hard_one() {
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        let low = Rlimit { current: Some(512), maximum };
        setrlimit(Resource::Nofile, low).expect("a lower limit");
        let room = raise_limit();
        assert_eq!(getrlimit(Resource::Nofile).current, maximum);
        assert_eq!(room, maximum.unwrap_or(u64::MAX).saturating_sub(OTHERS));
    }
}
