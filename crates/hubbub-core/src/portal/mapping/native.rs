//! The native contract: what a body means where settings say nothing of it.

use super::{Mapping, Meaning};
use std::sync::LazyLock;

/// The words at `/type` of bodies that change a message.
const EDITED: &str = "message.edited";
const DELETED: &str = "message.deleted";

static NATIVE: LazyLock<[Mapping; 3]> = LazyLock::new(|| {
    let of_type = |words: &[&str]| [("/type".to_owned(), words.iter().map(|word| (*word).into()).collect())].into();
    let change = |means, word| Mapping { means, require: of_type(&[word]), ..Mapping::default() };
    [
        Mapping { exclude: of_type(&[EDITED, DELETED]), ..Mapping::default() },
        change(Meaning::Edit, EDITED),
        change(Meaning::Deletion, DELETED),
    ]
});

/// `{sessionId, message, messageId?, agent?}`, and the same with a `type` and a `messageId`, of the message that is edited or deleted.
pub fn native() -> &'static [Mapping] {
    &*NATIVE
}
