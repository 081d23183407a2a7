//! What an error of the server or the driver means to the caller.

use super::{super::StoreError, tls};
use tokio_postgres::error::SqlState;

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(db) = error.as_db_error() else {
            if let Some(why) = tls::refused(&error) {
                return Self::Broken(why);
            }
            let cause = std::error::Error::source(&error);
            let says = cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"));
            return if error.is_closed() || is_io(&error) { Self::Unavailable(says) } else { Self::Broken(says) };
        };
        // Not the detail: it quotes rows.
        let says = format!("{} ({})", db.message(), db.code().code());
        if *db.code() == SqlState::LOCK_NOT_AVAILABLE {
            return Self::Locked;
        }
        let again = matches!(
            *db.code(),
            SqlState::UNIQUE_VIOLATION // the room came to be between the lock and the numbering
                | SqlState::READ_ONLY_SQL_TRANSACTION // a primary that has become a standby
                | SqlState::IO_ERROR
        );
        // Connection, transaction rollback, transaction state, resources, operator intervention.
        let class = ["08", "40", "25P", "53", "57"].iter().any(|class| db.code().code().starts_with(class));
        if again || class { Self::Unavailable(says) } else { Self::Broken(says) }
    }
}

/// The driver hides what kind of error it is: everything with an I/O error or a timeout at its root, and a failed dial.
fn is_io(error: &tokio_postgres::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        if cause.is::<std::io::Error>() {
            return true;
        }
        source = cause.source();
    }
    let says = error.to_string();
    ["error connecting", "timeout", "error communicating", "connection closed"].iter().any(|s| says.contains(s))
}
