//! Who may do what: every operation, for everybody, whatever it is asked over. This is all that is expected; what is walked is
//! next door.

use Standing::*;

/// How somebody stands to a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    Stranger,
    Member,
    Admin,
    Banned,
}

/// A column: somebody, and the room that is asked about.
pub type Column = (&'static str, Standing);

/// The columns of [`CLIENTS`].
pub const COLUMNS: [Column; 14] = [
    ("open", Stranger),
    ("open", Member),
    ("open", Admin),
    ("open", Banned),
    ("private", Stranger),
    ("private", Member),
    ("private", Admin),
    ("private", Banned),
    ("direct", Stranger),
    ("direct", Member),
    ("talk", Stranger),
    ("talk", Member),
    ("closed", Member),
    ("nowhere", Stranger),
];

/// What clients ask, and the codes they are answered with in each column; 0: it is done. `{room}` is the column's room. What
/// changes something is undone before the next cell.
#[rustfmt::skip]
pub const CLIENTS: &[(&str, &str, [u32; 14])] = &[
    //                                                          open                | private             | direct  | talk    | closed | nowhere
    ("subscribe",      r#"{"subscribe":{"channel":"room:{room}"}}"#,
                                                               [0,   0,   0,   103,   102, 0,   0,   102,   102, 0,   102, 0,   0,       102]),
    ("recover",        r#"{"subscribe":{"channel":"room:{room}","recover":true,"offset":0}}"#,
                                                               [0,   0,   0,   103,   102, 0,   0,   102,   102, 0,   102, 0,   0,       102]),
    ("history",        r#"{"history":{"channel":"room:{room}","limit":1}}"#,
                                                               [0,   0,   0,   103,   102, 0,   0,   102,   102, 0,   102, 0,   0,       102]),
    ("presence",       r#"{"presence":{"channel":"room:{room}"}}"#,
                                                               [0,   0,   0,   103,   102, 0,   0,   102,   102, 0,   102, 0,   0,       102]),
    ("presence_stats", r#"{"presence_stats":{"channel":"room:{room}"}}"#,
                                                               [0,   0,   0,   103,   102, 0,   0,   102,   102, 0,   102, 0,   0,       102]),
    ("messages",       r#"{"rpc":{"method":"messages","data":{"room":"{room}"}}}"#,
                                                               [0,   0,   0,   103,   102, 0,   0,   102,   102, 0,   102, 0,   0,       102]),
    ("members",        r#"{"rpc":{"method":"members","data":{"room":"{room}"}}}"#,
                                                               [0,   0,   0,   103,   102, 0,   0,   102,   102, 0,   102, 0,   0,       102]),
    ("publish",        r#"{"publish":{"channel":"room:{room}","data":"hi"}}"#,
                                                               [103, 0,   0,   103,   102, 0,   0,   102,   102, 0,   102, 0,   410,     102]),
    ("send",           r#"{"rpc":{"method":"send","data":{"room":"{room}","text":"hi"}}}"#,
                                                               [103, 0,   0,   103,   102, 0,   0,   102,   102, 0,   102, 0,   410,     102]),
    ("send a reply",   r#"{"rpc":{"method":"send","data":{"room":"{room}","text":"hi","reply_to":999999}}}"#,
                                                               [103, 107, 107, 103,   102, 107, 107, 102,   102, 107, 102, 107, 410,     102]),
    ("join",           r#"{"rpc":{"method":"join","data":{"room":"{room}"}}}"#,
                                                               [0,   0,   0,   103,   102, 0,   0,   102,   102, 0,   102, 0,   0,       102]),
    ("leave",          r#"{"rpc":{"method":"leave","data":{"room":"{room}"}}}"#,
                                                               [0,   0,   103, 103,   102, 0,   103, 102,   102, 103, 102, 0,   0,       102]),
    ("session",        r#"{"rpc":{"method":"session","data":{"room":"{room}"}}}"#,
                                                               [102, 102, 102, 103,   102, 102, 102, 102,   102, 102, 102, 0,   0,       102]),
    ("close_session",  r#"{"rpc":{"method":"close_session","data":{"room":"{room}"}}}"#,
                                                               [103, 107, 107, 103,   102, 107, 107, 102,   102, 107, 102, 0,   0,       102]),
    // What is given as an id is a name of one's own, wherever there is a room of that id.
    ("open_session",   r#"{"rpc":{"method":"open_session","data":{"portal":"desk","id":"{room}"}}}"#,
                                                               [0,   0,   0,   0,     0,   0,   0,   0,     107, 107, 0,   0,   0,       0]),
    ("open_session",   r#"{"rpc":{"method":"open_session","data":{"portal":"counter","id":"{room}"}}}"#,
                                                               [107, 107, 107, 107,   107, 107, 107, 107,   107, 107, 107, 107, 107,     107]),
    ("create_room",    r#"{"rpc":{"method":"create_room","data":{"kind":"private","id":"{room}"}}}"#,
                                                               [0,   0,   0,   0,     0,   0,   0,   0,     107, 107, 0,   0,   0,       0]),
    ("create_room",    r#"{"rpc":{"method":"create_room","data":{"kind":"direct","with":"somebody"}}}"#,
                                                               [0,   0,   0,   0,     0,   0,   0,   0,     0,   0,   0,   0,   0,       0]),
    ("rooms",          r#"{"rpc":{"method":"rooms","data":{}}}"#,
                                                               [0,   0,   0,   0,     0,   0,   0,   0,     0,   0,   0,   0,   0,       0]),
    ("user's channel", r#"{"subscribe":{"channel":"user:admin"}}"#,
                                                               [102, 102, 102, 102,   102, 102, 102, 102,   102, 102, 102, 102, 102,     102]),
    ("what is REST's", r#"{"rpc":{"method":"put_member","data":{"room":"{room}","user":"somebody"}}}"#,
                                                               [104, 104, 104, 104,   104, 104, 104, 104,   104, 104, 104, 104, 104,     104]),
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
    ("GET",    "/v1/rooms/{room}/members",        "",                                            [200, 200, 200, 200, 200, 404]),
    ("PATCH",  "/v1/rooms/{room}",                r#"{"name":"x"}"#,                             [200, 200, 409, 200, 200, 404]),
    ("PUT",    "/v1/rooms/{room}/members/guest",  r#"{"role":"member"}"#,                        [200, 200, 409, 200, 200, 404]),
    ("PUT",    "/v1/rooms/{room}/members",        r#"{"members":[{"user":"guest"}]}"#,           [200, 200, 200, 200, 200, 404]),
    ("DELETE", "/v1/rooms/{room}/members/guest",  "",                                            [200, 200, 409, 200, 200, 404]),
    ("PUT",    "/v1/rooms/{room}/members/portal:desk%2Feve", r#"{"role":"admin"}"#,              [422, 422, 422, 422, 422, 422]),
    ("GET",    "/v1/sessions/{room}",             "",                                            [404, 404, 404, 200, 200, 404]),
    ("PUT",    "/v1/sessions/{room}/state",       r#"{"state":"waiting"}"#,                      [404, 404, 404, 200, 200, 404]),
    ("POST",   "/v1/rooms",                       r#"{"id":"{room}","kind":"open"}"#,            [200, 409, 422, 409, 409, 201]),
    ("POST",   "/v1/sessions",                    r#"{"id":"{room}","portal":"desk","customer":"guest"}"#,
                                                                                                 [409, 409, 422, 409, 409, 409]),
];

/// The status over REST of what is answered with this code on a connection: for `send` in a user's name.
pub const fn status_of(code: u32) -> u16 {
    match code {
        0 => 201,
        102 => 404,
        103 => 403,
        107 => 422,
        410 => 409,
        _ => 0,
    }
}
