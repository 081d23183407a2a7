//! Who may do what: every operation, for everybody, whatever it is asked over. This is all that is expected; what is walked is
//! next door.

use Standing::*;

/// How somebody stands to a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Stranger,
    Reader,
    Member,
    Moderator,
    Admin,
    Banned,
}

/// A column: somebody, and the room that is asked about.
pub type Column = (&'static str, Standing);

/// The columns of [`CLIENTS`].
pub const COLUMNS: [Column; 18] = [
    ("open", Stranger),
    ("open", Reader),
    ("open", Member),
    ("open", Moderator),
    ("open", Admin),
    ("open", Banned),
    ("private", Stranger),
    ("private", Reader),
    ("private", Member),
    ("private", Moderator),
    ("private", Admin),
    ("private", Banned),
    ("direct", Stranger),
    ("direct", Member),
    ("talk", Stranger),
    ("talk", Member),
    ("closed", Member),
    ("nowhere", Stranger),
];

/// What clients ask, and the codes they are answered with in each column; 0: it is done. `{room}` is the column's room,
/// `{own}` a message that the asker has written there (or, where they could not, the author), `{other}` one of the author, `{soon}` a time in
/// an hour, `{n}` a number that is another each time. Pupil is a member, chief another admin, newcomer nobody. What changes
/// something is undone before the next cell.
#[rustfmt::skip]
pub const CLIENTS: &[(&str, &str, [u32; 18])] = &[
    //   open: stranger, reader, member, moderator, admin, banned | private: the same           | direct  | talk    | closed | nowhere
    ("subscribe",      r#"{"subscribe":{"channel":"room:{room}"}}"#,
        [0, 0, 0, 0, 0, 103,   102, 0, 0, 0, 0, 102,   102, 0,   102, 0,   0,   102]),
    ("recover",        r#"{"subscribe":{"channel":"room:{room}","recover":true,"offset":0}}"#,
        [0, 0, 0, 0, 0, 103,   102, 0, 0, 0, 0, 102,   102, 0,   102, 0,   0,   102]),
    ("history",        r#"{"history":{"channel":"room:{room}","limit":1}}"#,
        [0, 0, 0, 0, 0, 103,   102, 0, 0, 0, 0, 102,   102, 0,   102, 0,   0,   102]),
    ("presence",       r#"{"presence":{"channel":"room:{room}"}}"#,
        [0, 0, 0, 0, 0, 103,   102, 0, 0, 0, 0, 102,   102, 0,   102, 0,   0,   102]),
    ("presence_stats", r#"{"presence_stats":{"channel":"room:{room}"}}"#,
        [0, 0, 0, 0, 0, 103,   102, 0, 0, 0, 0, 102,   102, 0,   102, 0,   0,   102]),
    ("messages",       r#"{"rpc":{"method":"messages","data":{"room":"{room}"}}}"#,
        [0, 0, 0, 0, 0, 103,   102, 0, 0, 0, 0, 102,   102, 0,   102, 0,   0,   102]),
    ("pins",            r#"{"rpc":{"method":"pins","data":{"room":"{room}"}}}"#,
        [0, 0, 0, 0, 0, 103,   102, 0, 0, 0, 0, 102,   102, 0,   102, 0,   0,   102]),
    ("message",         r#"{"rpc":{"method":"message","data":{"room":"{room}","seq":{other}}}}"#,
        [0, 0, 0, 0, 0, 103,   102, 0, 0, 0, 0, 102,   102, 0,   102, 0,   0,   102]),
    ("thread",          r#"{"rpc":{"method":"thread","data":{"room":"{room}","root":{other}}}}"#,
        [0, 0, 0, 0, 0, 103,   102, 0, 0, 0, 0, 102,   102, 0,   102, 0,   0,   102]),
    ("reactions",       r#"{"rpc":{"method":"reactions","data":{"room":"{room}","target":{other}}}}"#,
        [0, 0, 0, 0, 0, 103,   102, 0, 0, 0, 0, 102,   102, 0,   102, 0,   0,   102]),
    ("members",        r#"{"rpc":{"method":"members","data":{"room":"{room}"}}}"#,
        [0, 0, 0, 0, 0, 103,   102, 0, 0, 0, 0, 102,   102, 0,   102, 0,   0,   102]),
    ("publish",        r#"{"publish":{"channel":"room:{room}","data":"hi"}}"#,
        [103, 103, 0, 0, 0, 103,   102, 103, 0, 0, 0, 102,   102, 0,   102, 0,   410,   102]),
    ("send",           r#"{"rpc":{"method":"send","data":{"room":"{room}","text":"hi"}}}"#,
        [103, 103, 0, 0, 0, 103,   102, 103, 0, 0, 0, 102,   102, 0,   102, 0,   410,   102]),
    ("send a reply",   r#"{"rpc":{"method":"send","data":{"room":"{room}","text":"hi","reply_to":999999}}}"#,
        [103, 103, 107, 107, 107, 103,   102, 103, 107, 107, 107, 102,   102, 107,   102, 107,   410,   102]),
    // Messages.
    ("send in a thread", r#"{"rpc":{"method":"send","data":{"room":"{room}","text":"hi","thread":{other}}}}"#,
        [103, 103, 0, 0, 0, 103,   102, 103, 0, 0, 0, 102,   102, 0,   102, 0,   410,   102]),
    ("mention all", r#"{"rpc":{"method":"send","data":{"room":"{room}","text":"hi","mention_all":true}}}"#,
        [103, 103, 0, 0, 0, 103,   102, 103, 0, 0, 0, 102,   102, 0,   102, 0,   410,   102]),
    ("mention no member", r#"{"rpc":{"method":"send","data":{"room":"{room}","text":"hi","mentions":["newcomer"]}}}"#,
        [103, 103, 107, 107, 107, 103,   102, 103, 107, 107, 107, 102,   102, 107,   102, 107,   410,   102]),
    ("typing", r#"{"rpc":{"method":"typing","data":{"room":"{room}"}}}"#,
        [103, 103, 0, 0, 0, 103,   102, 103, 0, 0, 0, 102,   102, 0,   102, 0,   410,   102]),
    ("edit one's own", r#"{"rpc":{"method":"edit","data":{"room":"{room}","target":{own},"text":"edited {n}"}}}"#,
        [103, 103, 0, 0, 0, 103,   102, 103, 0, 0, 0, 102,   102, 0,   102, 0,   410,   102]),
    ("edit another's", r#"{"rpc":{"method":"edit","data":{"room":"{room}","target":{other},"text":"edited {n}"}}}"#,
        [103, 103, 103, 103, 103, 103,   102, 103, 103, 103, 103, 102,   102, 103,   102, 103,   410,   102]),
    ("delete one's own", r#"{"rpc":{"method":"delete","data":{"room":"{room}","target":{own}}}}"#,
        [103, 0, 0, 0, 0, 103,   102, 0, 0, 0, 0, 102,   102, 0,   102, 0,   410,   102]),
    ("delete another's", r#"{"rpc":{"method":"delete","data":{"room":"{room}","target":{other}}}}"#,
        [103, 103, 103, 0, 0, 103,   102, 103, 103, 0, 0, 102,   102, 103,   102, 103,   410,   102]),
    ("react", r#"{"rpc":{"method":"react","data":{"room":"{room}","target":{other},"reaction":"+1"}}}"#,
        [103, 103, 0, 0, 0, 103,   102, 103, 0, 0, 0, 102,   102, 0,   102, 0,   410,   102]),
    ("unreact", r#"{"rpc":{"method":"unreact","data":{"room":"{room}","target":{other},"reaction":"+1"}}}"#,
        [103, 103, 0, 0, 0, 103,   102, 103, 0, 0, 0, 102,   102, 0,   102, 0,   410,   102]),
    ("pin", r#"{"rpc":{"method":"pin","data":{"room":"{room}","target":{other}}}}"#,
        [103, 103, 103, 0, 0, 103,   102, 103, 103, 0, 0, 102,   102, 0,   102, 103,   410,   102]),
    ("unpin", r#"{"rpc":{"method":"unpin","data":{"room":"{room}","target":{other}}}}"#,
        [103, 103, 103, 0, 0, 103,   102, 103, 103, 0, 0, 102,   102, 0,   102, 103,   410,   102]),
    // People. Moderators act against lower roles alone.
    ("mute", r#"{"rpc":{"method":"mute","data":{"room":"{room}","user":"pupil","until":"{soon}"}}}"#,
        [103, 103, 103, 0, 0, 103,   102, 103, 103, 0, 0, 102,   102, 103,   102, 103,   103,   102]),
    ("mute an admin", r#"{"rpc":{"method":"mute","data":{"room":"{room}","user":"chief","until":"{soon}"}}}"#,
        [103, 103, 103, 103, 0, 103,   102, 103, 103, 103, 0, 102,   102, 103,   102, 103,   103,   102]),
    ("unmute", r#"{"rpc":{"method":"unmute","data":{"room":"{room}","user":"pupil"}}}"#,
        [103, 103, 103, 0, 0, 103,   102, 103, 103, 0, 0, 102,   102, 103,   102, 103,   103,   102]),
    ("add", r#"{"rpc":{"method":"set_role","data":{"room":"{room}","user":"newcomer","role":"member"}}}"#,
        [103, 103, 103, 103, 0, 103,   102, 103, 103, 103, 0, 102,   102, 103,   102, 103,   103,   102]),
    ("give a role", r#"{"rpc":{"method":"set_role","data":{"room":"{room}","user":"pupil","role":"reader"}}}"#,
        [103, 103, 103, 103, 0, 103,   102, 103, 103, 103, 0, 102,   102, 103,   102, 103,   103,   102]),
    ("ask for what is so", r#"{"rpc":{"method":"set_role","data":{"room":"{room}","user":"pupil","role":"member"}}}"#,
        [103, 103, 103, 103, 0, 103,   102, 103, 103, 103, 0, 102,   102, 103,   102, 103,   103,   102]),
    ("ban", r#"{"rpc":{"method":"set_role","data":{"room":"{room}","user":"pupil","role":"banned"}}}"#,
        [103, 103, 103, 0, 0, 103,   102, 103, 103, 0, 0, 102,   102, 103,   102, 103,   103,   102]),
    ("ban an admin", r#"{"rpc":{"method":"set_role","data":{"room":"{room}","user":"chief","role":"banned"}}}"#,
        [103, 103, 103, 103, 0, 103,   102, 103, 103, 103, 0, 102,   102, 103,   102, 103,   103,   102]),
    ("remove", r#"{"rpc":{"method":"remove_member","data":{"room":"{room}","user":"pupil"}}}"#,
        [103, 103, 103, 0, 0, 103,   102, 103, 103, 0, 0, 102,   102, 103,   102, 103,   103,   102]),
    ("remove an admin", r#"{"rpc":{"method":"remove_member","data":{"room":"{room}","user":"chief"}}}"#,
        [103, 103, 103, 103, 0, 103,   102, 103, 103, 103, 0, 102,   102, 103,   102, 103,   103,   102]),
    // The room.
    ("rename", r#"{"rpc":{"method":"change_room","data":{"room":"{room}","name":"x"}}}"#,
        [103, 103, 103, 103, 0, 103,   102, 103, 103, 103, 0, 102,   102, 103,   102, 103,   103,   102]),
    ("change settings", r#"{"rpc":{"method":"change_room","data":{"room":"{room}","settings":{"frozen":false}}}}"#,
        [103, 103, 103, 103, 0, 103,   102, 103, 103, 103, 0, 102,   102, 103,   102, 103,   103,   102]),
    ("archive", r#"{"rpc":{"method":"change_room","data":{"room":"{room}","settings":{"archived":false}}}}"#,
        [103, 103, 103, 103, 0, 103,   102, 103, 103, 103, 0, 102,   102, 103,   102, 103,   103,   102]),
    ("join",           r#"{"rpc":{"method":"join","data":{"room":"{room}"}}}"#,
        [0, 0, 0, 0, 0, 103,   102, 0, 0, 0, 0, 102,   102, 0,   102, 0,   0,   102]),
    ("leave",          r#"{"rpc":{"method":"leave","data":{"room":"{room}"}}}"#,
        [0, 0, 0, 0, 0, 103,   102, 0, 0, 0, 0, 102,   102, 103,   102, 0,   0,   102]),
    ("session",        r#"{"rpc":{"method":"session","data":{"room":"{room}"}}}"#,
        [102, 102, 102, 102, 102, 103,   102, 102, 102, 102, 102, 102,   102, 102,   102, 0,   0,   102]),
    ("close_session",  r#"{"rpc":{"method":"close_session","data":{"room":"{room}"}}}"#,
        [103, 107, 107, 107, 107, 103,   102, 107, 107, 107, 107, 102,   102, 107,   102, 0,   0,   102]),
    // What is given as an id is a name of one's own, wherever there is a room of that id.
    ("open_session",   r#"{"rpc":{"method":"open_session","data":{"portal":"desk","id":"{room}"}}}"#,
        [0, 0, 0, 0, 0, 0,   0, 0, 0, 0, 0, 0,   107, 107,   0, 0,   0,   0]),
    ("open_session",   r#"{"rpc":{"method":"open_session","data":{"portal":"counter","id":"{room}"}}}"#,
        [107, 107, 107, 107, 107, 107,   107, 107, 107, 107, 107, 107,   107, 107,   107, 107,   107,   107]),
    ("create_room",    r#"{"rpc":{"method":"create_room","data":{"kind":"private","id":"{room}"}}}"#,
        [0, 0, 0, 0, 0, 0,   0, 0, 0, 0, 0, 0,   107, 107,   0, 0,   0,   0]),
    ("create_room",    r#"{"rpc":{"method":"create_room","data":{"kind":"direct","with":"somebody"}}}"#,
        [0, 0, 0, 0, 0, 0,   0, 0, 0, 0, 0, 0,   0, 0,   0, 0,   0,   0]),
    ("create_room",    r#"{"rpc":{"method":"create_room","data":{"kind":"direct","with":["somebody","else"]}}}"#,
        [0, 0, 0, 0, 0, 0,   0, 0, 0, 0, 0, 0,   0, 0,   0, 0,   0,   0]),
    ("read beyond",    r#"{"rpc":{"method":"read","data":{"room":"{room}","seq":999999}}}"#,
        [103, 107, 107, 107, 107, 103,   102, 107, 107, 107, 107, 102,   102, 107,   102, 107,   107,   102]),
    ("reads",          r#"{"rpc":{"method":"reads","data":{"room":"{room}"}}}"#,
        [103, 0, 0, 0, 0, 103,   102, 0, 0, 0, 0, 102,   102, 0,   102, 0,   0,   102]),
    ("unread",         r#"{"rpc":{"method":"unread","data":{}}}"#,
        [0, 0, 0, 0, 0, 0,   0, 0, 0, 0, 0, 0,   0, 0,   0, 0,   0,   0]),
    ("rooms",          r#"{"rpc":{"method":"rooms","data":{}}}"#,
        [0, 0, 0, 0, 0, 0,   0, 0, 0, 0, 0, 0,   0, 0,   0, 0,   0,   0]),
    ("online",         r#"{"rpc":{"method":"online","data":{"users":["nobody-else"]}}}"#,
        [103, 103, 103, 103, 103, 103,   103, 103, 103, 103, 103, 103,   103, 103,   103, 103,   103,   103]),
    ("last_seen",      r#"{"rpc":{"method":"last_seen","data":{"shown":true}}}"#,
        [0, 0, 0, 0, 0, 0,   0, 0, 0, 0, 0, 0,   0, 0,   0, 0,   0,   0]),
    ("user's channel", r#"{"subscribe":{"channel":"user:admin"}}"#,
        [102, 102, 102, 102, 102, 102,   102, 102, 102, 102, 102, 102,   102, 102,   102, 102,   102,   102]),
    ("delete the room", r#"{"rpc":{"method":"delete_room","data":{"room":"{room}"}}}"#,
        [104, 104, 104, 104, 104, 104,   104, 104, 104, 104, 104, 104,   104, 104,   104, 104,   104,   104]),
    ("list all rooms", r#"{"rpc":{"method":"list_rooms","data":{"prefix":"{room}"}}}"#,
        [104, 104, 104, 104, 104, 104,   104, 104, 104, 104, 104, 104,   104, 104,   104, 104,   104,   104]),
    ("send many", r#"{"rpc":{"method":"send_messages","data":{"messages":[{"room":"{room}","from":"admin","text":"hi"}]}}}"#,
        [104, 104, 104, 104, 104, 104,   104, 104, 104, 104, 104, 104,   104, 104,   104, 104,   104,   104]),
    ("what is REST's", r#"{"rpc":{"method":"put_member","data":{"room":"{room}","user":"somebody"}}}"#,
        [104, 104, 104, 104, 104, 104,   104, 104, 104, 104, 104, 104,   104, 104,   104, 104,   104,   104]),
];

/// Who asks over REST: with which key, and the status of everything under `/v1`. The right key is in [`BACKEND`].
pub const KEYS: [(&str, Option<&str>); 4] = [
    ("no key", None),
    ("a wrong key", Some("wrong")),
    ("a user's token", Some("{token}")),
    ("half a key", Some("{half}")),
];

/// The rooms of [`BACKEND`].
pub const ROOMS: [&str; 6] = ["open", "private", "direct", "talk", "closed", "nowhere"];

/// What the product's backend asks of a room, and the statuses.
#[rustfmt::skip]
pub const BACKEND: &[(&str, &str, &str, [u16; 6])] = &[
    //                                                                                            open private direct talk closed nowhere
    ("GET",    "/v1/rooms/{room}",                "",                                            [200, 200, 200, 200, 200, 404]),
    ("GET",    "/v1/rooms/{room}/messages",       "",                                            [200, 200, 200, 200, 200, 404]),
    ("GET",    "/v1/rooms/{room}/history",        "",                                            [200, 200, 200, 200, 200, 404]),
    ("GET",    "/v1/rooms/{room}/pins",           "",                                            [200, 200, 200, 200, 200, 404]),
    ("GET",    "/v1/rooms/{room}/messages/{other}", "",                                          [200, 200, 200, 200, 200, 404]),
    ("GET",    "/v1/rooms/{room}/messages/{other}/thread", "",                                   [200, 200, 200, 200, 200, 404]),
    ("GET",    "/v1/rooms/{room}/messages/{other}/reactions", "",                                [200, 200, 200, 200, 200, 404]),
    ("GET",    "/v1/rooms/{room}/members",        "",                                            [200, 200, 200, 200, 200, 404]),
    ("GET",    "/v1/rooms/{room}/reads",          "",                                            [200, 200, 200, 200, 200, 404]),
    ("PUT",    "/v1/users/keeper/rooms/{room}/read", r#"{"seq":999999}"#,                        [422, 422, 404, 422, 422, 404]),
    ("PATCH",  "/v1/rooms/{room}",                r#"{"name":"x"}"#,                             [200, 200, 409, 200, 200, 404]),
    ("PATCH",  "/v1/rooms/{room}",                r#"{"settings":{"slow_mode":null}}"#,          [200, 200, 409, 200, 200, 404]),
    ("PATCH",  "/v1/rooms/{room}",                r#"{"settings":{"archived":false}}"#,          [200, 200, 409, 200, 200, 404]),
    ("PATCH",  "/v1/rooms/{room}/messages/{other}", r#"{"text":"by the backend {n}"}"#,         [200, 200, 200, 200, 200, 404]),
    ("PUT",    "/v1/rooms/{room}/messages/{other}/pin", "",                                      [200, 200, 200, 200, 200, 404]),
    ("DELETE", "/v1/rooms/{room}/messages/{other}/pin", "",                                      [200, 200, 200, 200, 200, 404]),
    ("DELETE", "/v1/rooms/{room}/messages/{other}", "",                                          [200, 200, 200, 200, 200, 404]),
    // It has no feelings of its own.
    ("PUT",    "/v1/rooms/{room}/messages/{other}/reactions/+1", "",                             [422, 422, 422, 422, 422, 422]),
    ("DELETE", "/v1/rooms/{room}/messages/{other}/reactions/+1", "",                             [422, 422, 422, 422, 422, 422]),
    ("POST",   "/v1/rooms/{room}/typing",         "{}",                                          [422, 422, 422, 422, 422, 422]),
    ("PUT",    "/v1/rooms/{room}/members/pupil/mute", r#"{"until":"{soon}"}"#,                   [200, 200, 409, 200, 200, 404]),
    ("DELETE", "/v1/rooms/{room}/members/pupil/mute", "",                                        [200, 200, 409, 200, 200, 404]),
    ("POST",   "/v1/rooms/{room}/messages",       r#"{"from":"keeper","text":"hi"}"#,            [201, 201, 404, 201, 409, 404]),
    ("PUT",    "/v1/rooms/{room}/members/guest",  r#"{"role":"member"}"#,                        [200, 200, 409, 200, 200, 404]),
    ("PUT",    "/v1/rooms/{room}/members",        r#"{"members":[{"user":"guest","role":"reader"}]}"#, [200, 200, 200, 200, 200, 404]),
    ("DELETE", "/v1/rooms/{room}/members/guest",  "",                                            [200, 200, 409, 200, 200, 404]),
    ("PUT",    "/v1/rooms/{room}/members/portal:desk%2Feve", r#"{"role":"admin"}"#,              [422, 422, 422, 422, 422, 422]),
    ("GET",    "/v1/sessions/{room}",             "",                                            [404, 404, 404, 200, 200, 404]),
    ("PUT",    "/v1/sessions/{room}/state",       r#"{"state":"waiting"}"#,                      [404, 404, 404, 200, 200, 404]),
    ("POST",   "/v1/rooms",                       r#"{"id":"{room}","kind":"open"}"#,            [200, 409, 422, 409, 409, 201]),
    ("POST",   "/v1/sessions",                    r#"{"id":"{room}","portal":"desk","customer":"guest"}"#,
                                                                                                 [409, 409, 422, 409, 409, 409]),
    // Each of many has its own answer.
    ("POST",   "/v1/bulk/rooms",                  r#"{"rooms":[{"id":"{room}","kind":"open"}]}"#, [200, 200, 200, 200, 200, 200]),
    ("PUT",    "/v1/bulk/members",                r#"{"memberships":[{"room":"{room}","user":"guest","role":"member"}]}"#,
                                                                                                 [200, 200, 200, 200, 200, 200]),
    ("POST",   "/v1/bulk/messages",               r#"{"messages":[{"room":"{room}","from":"keeper","text":"hi"}]}"#,
                                                                                                 [200, 200, 200, 200, 200, 200]),
    ("GET",    "/v1/rooms?prefix={room}&limit=1", "",                                            [200, 200, 200, 200, 200, 200]),
    // The last: of all of them only their ids are left.
    ("DELETE", "/v1/rooms/{room}",                "",                                            [204, 204, 204, 204, 204, 204]),
    ("DELETE", "/v1/rooms/{room}",                "",                                            [204, 204, 204, 204, 204, 204]),
    ("GET",    "/v1/rooms/{room}",                "",                                            [410, 410, 410, 410, 410, 410]),
];

/// What the product's backend asks in the name of users: by the answers of a row of [`CLIENTS`]. `{who}` is the asker.
#[rustfmt::skip]
pub const IN_NAMES: &[(&str, &str, &str, &str)] = &[
    ("send",             "POST",   "/v1/rooms/{room}/messages",                 r#"{"from":"{who}","text":"hi"}"#),
    ("send a reply",     "POST",   "/v1/rooms/{room}/messages",                 r#"{"from":"{who}","text":"hi","reply_to":999999}"#),
    ("send in a thread", "POST",   "/v1/rooms/{room}/messages",                 r#"{"from":"{who}","text":"hi","thread":{other}}"#),
    ("mention all",      "POST",   "/v1/rooms/{room}/messages",                 r#"{"from":"{who}","text":"hi","mention_all":true}"#),
    ("mention no member", "POST",  "/v1/rooms/{room}/messages",                 r#"{"from":"{who}","text":"hi","mentions":["newcomer"]}"#),
    ("typing",           "POST",   "/v1/rooms/{room}/typing",                   r#"{"from":"{who}"}"#),
    ("edit one's own",   "PATCH",  "/v1/rooms/{room}/messages/{own}",           r#"{"from":"{who}","text":"edited {n}"}"#),
    ("edit another's",   "PATCH",  "/v1/rooms/{room}/messages/{other}?from={who}", r#"{"text":"edited {n}"}"#),
    ("delete one's own", "DELETE", "/v1/rooms/{room}/messages/{own}?from={who}", ""),
    ("delete another's", "DELETE", "/v1/rooms/{room}/messages/{other}",         r#"{"from":"{who}"}"#),
    ("react",            "PUT",    "/v1/rooms/{room}/messages/{other}/reactions/+1?from={who}", ""),
    ("unreact",          "DELETE", "/v1/rooms/{room}/messages/{other}/reactions/+1?from={who}", ""),
    ("pin",              "PUT",    "/v1/rooms/{room}/messages/{other}/pin?from={who}", ""),
    ("unpin",            "DELETE", "/v1/rooms/{room}/messages/{other}/pin",     r#"{"from":"{who}"}"#),
    ("mute",             "PUT",    "/v1/rooms/{room}/members/pupil/mute",       r#"{"from":"{who}","until":"{soon}"}"#),
    ("mute an admin",    "PUT",    "/v1/rooms/{room}/members/chief/mute?from={who}", r#"{"until":"{soon}"}"#),
    ("unmute",           "DELETE", "/v1/rooms/{room}/members/pupil/mute?from={who}", ""),
    ("add",              "PUT",    "/v1/rooms/{room}/members/newcomer",         r#"{"from":"{who}","role":"member"}"#),
    ("give a role",      "PUT",    "/v1/rooms/{room}/members/pupil?from={who}", r#"{"role":"reader"}"#),
    ("ask for what is so", "PUT",  "/v1/rooms/{room}/members/pupil",            r#"{"from":"{who}","role":"member"}"#),
    ("ban",              "PUT",    "/v1/rooms/{room}/members/pupil",            r#"{"from":"{who}","role":"banned"}"#),
    ("ban an admin",     "PUT",    "/v1/rooms/{room}/members/chief",            r#"{"from":"{who}","role":"banned"}"#),
    ("remove",           "DELETE", "/v1/rooms/{room}/members/pupil?from={who}", ""),
    ("remove an admin",  "DELETE", "/v1/rooms/{room}/members/chief",            r#"{"from":"{who}"}"#),
    ("rename",           "PATCH",  "/v1/rooms/{room}",                          r#"{"from":"{who}","name":"x"}"#),
    ("change settings",  "PATCH",  "/v1/rooms/{room}?from={who}",               r#"{"settings":{"frozen":false}}"#),
    ("archive",          "PATCH",  "/v1/rooms/{room}?from={who}",               r#"{"settings":{"archived":false}}"#),
    ("messages",          "GET",    "/v1/rooms/{room}/messages?by={who}", ""),
    ("history",           "GET",    "/v1/rooms/{room}/history?by={who}", ""),
    ("pins",              "GET",    "/v1/rooms/{room}/pins?by={who}", ""),
    ("message",           "GET",    "/v1/rooms/{room}/messages/{other}?by={who}", ""),
    ("thread",            "GET",    "/v1/rooms/{room}/messages/{other}/thread?by={who}", ""),
    ("reactions",         "GET",    "/v1/rooms/{room}/messages/{other}/reactions?by={who}", ""),
    ("reads",             "GET",    "/v1/rooms/{room}/reads?by={who}", ""),
    ("read beyond",       "PUT",    "/v1/users/{who}/rooms/{room}/read", r#"{"seq":999999}"#),
];

/// What is asked over REST of something else than a room: stories of their own walk it.
pub const ELSEWHERE: [&str; 5] = ["/v1/online", "/v1/users/", "/v1/portals", "/v1/secrets", "/v1/sessions"];

/// Whether a status over REST is that of what is answered with this code on a connection.
pub fn is_status_of(status: u16, code: u32) -> bool {
    match code {
        0 => [200, 201, 202].contains(&status),
        102 => status == 404,
        103 => status == 403,
        107 => status == 422,
        410 => status == 409,
        _ => false,
    }
}
