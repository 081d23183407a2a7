//! Of portals' own ids of conversations, and of what names them before they are known.

use std::time::Duration;

/// Ids that a portal has given one session, and by which it is found: the newest. Of what a portal calls each message anew, only so
/// much is kept.
pub const EXTERNALS_PER_SESSION: usize = 256;
/// Former ids of a session that are shown.
pub const EXTERNALS_SHOWN: usize = 16;
/// Sessions with one id of a portal's among which the one is looked for that a webhook means: those told last.
pub const EXTERNAL_HOLDERS: usize = 64;
/// Other sessions with the same id that are shown with a session.
pub const SHARED_SHOWN: usize = 8;
/// Events of one portal in quarantine. Beyond, a webhook is answered 503 where it would be kept, and 404 where it is only awaited.
pub const QUARANTINED: usize = 10_000;
/// How long an event is kept that names an id of a conversation which is not known yet, where the portal's settings reject what is
/// not known.
pub const AWAITED_FOR: Duration = Duration::from_secs(3_600);
/// Edits and deletions of one portal that wait for their message. Beyond, they are answered 404.
pub const CHANGES_WAITING: usize = 10_000;
/// Those whose message has come that are taken up together.
pub const CHANGES_TOGETHER: usize = 256;
/// How often an instance looks at all of them without having heard that a message has come: another may have died before it looked.
pub const CHANGES_EVERY: Duration = Duration::from_secs(30);
/// How long those of a session wait that could not be taken up.
pub const CHANGES_HELD_FOR: Duration = Duration::from_secs(2);
/// Messages of one portal that came since an instance last looked which it knows by their names; with more of them it looks at all.
pub const CHANGES_ARRIVED: usize = 1_000;
/// Events of one session that leave quarantine together, and of all sessions eight times as many.
pub const RELEASED_TOGETHER: usize = 32;
/// How often an instance looks for events in quarantine whose session has become known without anybody saying so, and for those
/// that have waited too long.
pub const QUARANTINE_EVERY: Duration = Duration::from_secs(10);
