//! Which addresses may be called: none that a stranger could use to reach what is behind our walls.

use crate::ids::Invalid;

/// Checks that a portal's URL can be one.
///
/// # Errors
/// What is wrong with it.
pub fn check_url(url: &str) -> Result<(), Invalid> {
    if url.starts_with("https://") || url.starts_with("http://") {
        return Ok(());
    }
    Err(Invalid::new("url", "it begins with https://"))
}
