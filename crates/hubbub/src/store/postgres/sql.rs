//! Statements, with the schema's name put in.

use super::super::{
    StoreError,
    entry_row::SELECTED,
    shown_row::{HUNG, REPLIES_LOOKED_AT},
};
use hubbub_core::{
    limits::{REACTION_SAMPLE, UNREAD_ROWS},
    log::settings::Settings,
};

/// A schema's name, safe to stand in a statement.
#[derive(Debug, Clone)]
pub(crate) struct Schema {
    name: String,
    /// The table where rows of rooms are.
    rooms: &'static str,
}

impl Schema {
    pub fn parse(name: &str) -> Result<Self, StoreError> {
        let mut bytes = name.bytes();
        let first = bytes.next().is_some_and(|b| b.is_ascii_lowercase() || b == b'_');
        let rest = bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if first && rest && name.len() <= 63 && !name.starts_with("pg_") {
            Ok(Self { name: name.to_owned(), rooms: "rooms" })
        } else {
            Err(StoreError::Broken(format!(
                "--schema {name}: a name of at most 63 of a-z 0-9 _ that begins with neither a digit nor pg_ is needed"
            )))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// The same, where statements find the rooms that are being imported, and none of the others.
    pub fn of_imports(&self) -> Self {
        Self { rooms: "imports", ..self.clone() }
    }

    /// `sql`, written for the schema `hubbub`, for this one; `/* entry */` becomes what is selected of an entry `e`, `/* hung */`
    /// what is selected of what hangs on it, and `/* floor */` the first seq of the room `r` that somebody with the row `m` among
    /// its members, or with none, may read: as `floor_of` in the core says.
    pub fn put_into(&self, sql: &str) -> String {
        sql.replace("hubbub.rooms", &format!("hubbub.{}", self.rooms))
            .replace("/* entry */", SELECTED)
            .replace("/* hung */", HUNG)
            .replace("/* floor */", FLOOR)
            .replace("/* from joined */", Settings::READ_FROM_JOINED)
            .replace("/* frozen */", Settings::FROZEN)
            .replace("/* archived */", Settings::ARCHIVED)
            .replace("/* no slow mode */", Settings::NO_SLOW_MODE)
            .replace("hubbub.", &format!("\"{}\".", self.name))
    }
}

const FLOOR: &str = "CASE
    WHEN r.settings IS NULL OR strpos(r.settings, '/* from joined */') = 0 THEN r.floor
    WHEN m.standing IS NULL OR m.standing = 'banned' THEN greatest(r.floor, r.head + 1)
    ELSE greatest(r.floor, coalesce(m.joined, m.since)) END";

/// Puts `now.sql` for this reader in the place of `/* now */`, and which entries it is about in the place of `/* those */`.
fn shown(sql: &str, reader: &str, those: &str) -> String {
    let now = include_str!("now.sql")
        .replace("/* reader */", reader)
        .replace("/* replies */", &REPLIES_LOOKED_AT.to_string())
        .replace("/* sample */", &REACTION_SAMPLE.to_string());
    sql.replace("/* now */", &now).replace("/* those */", those).replace("/* sample */", &REACTION_SAMPLE.to_string())
}

/// A statement for pages of what is shown: of these `entries`.
fn page(entries: &str, those: &str) -> String {
    let part = |order: &str, bound: &str, limit: &str, bytes: &str| {
        include_str!("shown_part.sql")
            .replace("/* order */", order)
            .replace("/* bound */", bound)
            .replace("/* limit */", limit)
            .replace("/* bytes */", bytes)
    };
    let sql = include_str!("shown.sql")
        .replace("/* below */", &part("DESC", "entries.seq < $3::bigint", "$4::bigint", "$5::bigint"))
        .replace("/* above */", &part("", "entries.seq >= $3::bigint", "$6::bigint", "$7::bigint"))
        .replace("/* entries */", entries);
    shown(&sql, "$2::text", those)
}

/// Rooms by their ids.
const WITH_ID: &str = "FROM hubbub.rooms r WHERE true";

/// A statement for lists of all rooms: of these.
fn find(which: &str) -> String {
    include_str!("find_rooms.sql").replace("/* which */", which)
}

/// The pinned entries, found from their pins: the planner would go through the room.
const PINNED: &str = "(
        SELECT pinned.* FROM hubbub.pins p
        CROSS JOIN LATERAL (
            SELECT * FROM hubbub.entries m WHERE m.room = p.room AND m.seq = p.target LIMIT 1
        ) pinned
        WHERE p.room = room.no
    ) entries";

/// Those that are shown in the room: the predicate of the index `entries_shown`, word for word.
const SHOWN: &str = "kind IN ('message', 'joined', 'left', 'banned', 'renamed', 'opened', 'waiting', 'closed', 'muted', 'unmuted', 'changed')
        AND (thread IS NULL OR in_room)";

/// Puts `unread.sql` for this reader in the place of `/* unread */`.
pub(super) fn unread(sql: &str, reader: &str) -> String {
    let unread = include_str!("unread.sql")
        .lines()
        .filter(|line| !line.starts_with("--"))
        .collect::<Vec<_>>()
        .join("\n")
        .replace("/* reader */", reader)
        .replace("/* rows */", &UNREAD_ROWS.to_string())
        .replace("/* shown */", SHOWN);
    sql.replace("/* unread */", &unread)
}

/// The same without what is unread.
fn bare(sql: &str) -> String {
    sql.replace(", unread.*", "").replace("CROSS JOIN LATERAL (/* unread */) unread\n", "")
}

/// Puts in the place of `/* blocked */` whether the room `r` is a direct room of two, of whom one is `who` and one has blocked the other.
/// No other room is looked into.
fn blocked(sql: &str, who: &str) -> String {
    let blocked =
        "(r.kind = 'direct' AND (SELECT count(*) FROM (SELECT FROM hubbub.members c WHERE c.room = r.no LIMIT 3) c) = 2
                AND EXISTS (SELECT FROM hubbub.members o WHERE o.room = r.no AND o.user_id <> /* who */ AND (
                    EXISTS (SELECT FROM hubbub.blocks b WHERE b.user_id = o.user_id AND b.other = /* who */)
                    OR EXISTS (SELECT FROM hubbub.blocks b WHERE b.user_id = /* who */ AND b.other = o.user_id))))";
    sql.replace("/* blocked */", &blocked.replace("/* who */", who))
}

/// A list of statements, written for the schema `hubbub`: a struct `Texts` with a field for each, which is made once for the
/// schema that a store has.
macro_rules! texts {
    ($($name:ident = $sql:expr;)*) => {
        /// The statements of this list, for one schema.
        pub(crate) struct Texts {
            $(pub $name: String,)*
        }

        impl Texts {
            /// Puts the schema's name into all of them.
            pub fn new(schema: &$crate::store::postgres::sql::Schema) -> Self {
                Self { $($name: schema.put_into(&$sql),)* }
            }
        }
    };
}
pub(crate) use texts;

texts! {
    lock = "SELECT no, id, kind, head, generation, session, floor, settings FROM hubbub.rooms WHERE id = ANY($1) ORDER BY id FOR UPDATE";
    number_messages = blocked(include_str!("number_messages.sql"), "d.author");
    clock = "SELECT incarnation, (extract(epoch FROM clock_timestamp()) * 1000)::bigint FROM hubbub.meta";
    server_clock = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint";
    standings = "SELECT asked.nth, m.standing, m.rank, coalesce(m.joined, m.since, 0), s.muted_until, s.wrote_at,
            coalesce(s.was_reader, false), false AS blocked
        FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS asked (room, user_id, nth)
        JOIN hubbub.rooms r ON r.id = asked.room
        LEFT JOIN LATERAL (SELECT * FROM hubbub.members i WHERE i.room = r.no AND i.user_id = asked.user_id LIMIT 1) m ON true
        LEFT JOIN LATERAL (SELECT * FROM hubbub.speakers i WHERE i.room = r.no AND i.user_id = asked.user_id LIMIT 1) s ON true";
    // The first columns as of `standings`.
    senders = blocked("SELECT asked.nth, m.standing, m.rank, coalesce(m.joined, m.since, 0), s.muted_until, s.wrote_at,
            coalesce(s.was_reader, false),
            /* blocked */ AS blocked,
            e.id, e.seq, e.at, e.hash
        FROM unnest($1::text[], $2::text[], $3::text[]) WITH ORDINALITY AS asked (room, user_id, key, nth)
        JOIN hubbub.rooms r ON r.id = asked.room
        LEFT JOIN LATERAL (SELECT * FROM hubbub.members i WHERE i.room = r.no AND i.user_id = asked.user_id LIMIT 1) m ON true
        LEFT JOIN LATERAL (SELECT * FROM hubbub.speakers i WHERE i.room = r.no AND i.user_id = asked.user_id LIMIT 1) s ON true
        LEFT JOIN LATERAL (SELECT id, seq, at, hash FROM hubbub.entries i
            WHERE i.room = r.no AND i.author = asked.user_id AND i.key = asked.key LIMIT 1) e ON true", "asked.user_id");
    insert = "INSERT INTO hubbub.entries
            (room, seq, id, kind, author, at, key, hash, text, data, target, subject, role, body, effects, rank, thread,
            in_room, edit)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::text[],
            $8::bytea[], $9::text[], $10::text[], $11::bigint[], $12::text[], $13::text[], $14::text[], $15::text[],
            $16::text[], $17::bigint[], $18::boolean[], $19::bigint[])";
    raise = "UPDATE hubbub.rooms r SET head = n.head, last_message = coalesce(n.last_message, r.last_message),
            name = coalesce(n.name, r.name), session = coalesce(n.session, r.session),
            settings = CASE WHEN n.is_set THEN n.settings ELSE r.settings END
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::boolean[], $7::text[])
            AS n (no, head, last_message, name, session, is_set, settings)
        WHERE r.no = n.no";
    stand = "INSERT INTO hubbub.members (room, user_id, standing, since, rank, joined, stands_since)
        SELECT room, user_id, standing, since, rank, joined, since
        FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::bigint[])
            AS n (room, user_id, standing, since, rank, joined)
        ON CONFLICT (room, user_id) DO UPDATE SET standing = excluded.standing, since = excluded.since,
            rank = excluded.rank, joined = excluded.joined, stands_since = excluded.stands_since";
    forget = "DELETE FROM hubbub.members m USING unnest($1::bigint[], $2::text[]) AS gone (room, user_id)
        WHERE m.room = gone.room AND m.user_id = gone.user_id";
    make_room = "INSERT INTO hubbub.rooms (id, kind, name, created_at)
        VALUES ($1, $2, $3, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
        ON CONFLICT (id) DO NOTHING RETURNING no";
    take_events = "INSERT INTO hubbub.portal_events (portal, event, room, seq)
        SELECT e.portal, e.event, r.no, 0
        FROM unnest($1::bigint[], $2::text[], $3::text[]) AS e (portal, event, room) JOIN hubbub.rooms r ON r.id = e.room
        ORDER BY e.portal, e.event ON CONFLICT DO NOTHING RETURNING portal, event";
    known_events = "SELECT asked.ord, r.id AS room_id, e.seq, t.id, t.at, r.generation,
            (SELECT incarnation FROM hubbub.meta) AS incarnation
        FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS asked (portal, event, ord)
        JOIN hubbub.portal_events e ON e.portal = asked.portal AND e.event = asked.event
        JOIN hubbub.rooms r ON r.no = e.room
        JOIN hubbub.entries t ON t.room = e.room AND t.seq = e.seq";
    number_events = "UPDATE hubbub.portal_events e SET room = n.room, seq = n.seq
        FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[]) AS n (portal, event, room, seq)
        WHERE e.portal = n.portal AND e.event = n.event";
    drop_events = "DELETE FROM hubbub.portal_events e USING unnest($1::bigint[], $2::text[]) AS n (portal, event)
        WHERE e.portal = n.portal AND e.event = n.event";
    mark_cursors = include_str!("mark_cursors.sql");
    lock_cursors = include_str!("lock_cursors.sql");
    write_cursors = include_str!("write_cursors.sql");
    make_cursor = "INSERT INTO hubbub.cursors (room, portal, position, head) VALUES ($1, $2, $3, $3)";
    page = include_str!("page.sql");
    shown = page("hubbub.entries", SHOWN);
    shown_thread = page("hubbub.entries", "thread = $9::bigint AND kind = 'message'");
    shown_pins = page(PINNED, "kind = 'message'");
    shown_one = page("hubbub.entries", "kind = 'message' AND seq = $3::bigint");
    reactors = shown(include_str!("reactors.sql"), "", "(r.reaction, r.user_id) > ($4::text, $5::text)");
    reactors_of = shown(include_str!("reactors.sql"), "", "r.reaction = $4::text AND r.user_id > $5::text");
    look_up = "SELECT r.id, r.kind, r.name, r.head, r.generation,
            CASE WHEN asked.user_id = $3 THEN r.floor ELSE /* floor */ END AS floor,
            (SELECT incarnation FROM hubbub.meta) AS incarnation, m.standing, m.rank, r.settings
        FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS asked (room, user_id, ord)
        LEFT JOIN hubbub.rooms r ON r.id = asked.room
        -- Each by itself: the planner would look through all members of a room, and a large one would be told by the clock.
        LEFT JOIN LATERAL (
            SELECT standing, rank, since, joined FROM hubbub.members
            WHERE members.room = coalesce(r.was, r.no) AND members.user_id = asked.user_id LIMIT 1
        ) m ON true
        ORDER BY asked.ord";
    person = blocked("SELECT r.kind, r.head, r.generation, r.session, r.floor, r.settings, (SELECT incarnation FROM hubbub.meta) AS incarnation,
            m.standing, m.rank, coalesce(m.joined, m.since, 0) AS joined, s.muted_until, s.wrote_at, coalesce(s.was_reader, false) AS was_reader,
            /* blocked */ AS blocked
        FROM hubbub.rooms r
        LEFT JOIN hubbub.members m ON m.room = r.no AND m.user_id = $2
        LEFT JOIN hubbub.speakers s ON s.room = r.no AND s.user_id = $2
        WHERE r.id = $1", "$2");
    memberships = "SELECT r.id, r.kind, r.head, r.generation, (SELECT incarnation FROM hubbub.meta) AS incarnation
        FROM hubbub.members m JOIN hubbub.rooms r ON r.no = m.room
        WHERE m.user_id = $1::text AND m.standing <> 'banned' AND r.id > $2::text ORDER BY r.id LIMIT $3::bigint";
    member_ids = "SELECT r.kind, r.head, r.generation, (SELECT incarnation FROM hubbub.meta) AS incarnation, m.user_id
        FROM hubbub.rooms r
        LEFT JOIN LATERAL (
            SELECT user_id FROM hubbub.members
            WHERE members.room = r.no AND members.standing <> 'banned' AND members.user_id > $2::text
            ORDER BY members.user_id LIMIT $3::bigint
        ) m ON true
        WHERE r.id = $1::text ORDER BY m.user_id";
    members_of_deleted = "SELECT m.user_id FROM hubbub.rooms r
        CROSS JOIN LATERAL (
            SELECT user_id FROM hubbub.members
            WHERE members.room = r.was AND members.standing <> 'banned' AND members.user_id > $2::text
            ORDER BY members.user_id LIMIT $3::bigint
        ) m
        WHERE r.id = $1::text ORDER BY m.user_id";
    company = "SELECT u.user_id FROM (SELECT DISTINCT unnest($2::text[]) AS user_id) u
        CROSS JOIN LATERAL (
            SELECT 1 FROM hubbub.members b JOIN hubbub.members m ON m.room = b.room JOIN hubbub.rooms r ON r.no = b.room
            WHERE b.user_id = u.user_id AND b.standing <> 'banned' AND m.user_id = $1::text AND m.standing <> 'banned'
            LIMIT 1
        ) shared";
    see = "INSERT INTO hubbub.last_seen (user_id, at) SELECT user_id, $2::bigint FROM unnest($1::text[]) AS seen (user_id)
        ON CONFLICT (user_id) DO UPDATE SET at = excluded.at WHERE last_seen.at < excluded.at";
    last_seen = "SELECT user_id, at FROM hubbub.last_seen WHERE user_id = ANY($1::text[]) AND NOT hidden AND at > 0";
    show_last_seen = "INSERT INTO hubbub.last_seen (user_id, at, hidden) VALUES ($1, 0, $2)
        ON CONFLICT (user_id) DO UPDATE SET hidden = excluded.hidden";
    blockers = "SELECT e.seq, b.user_id
        FROM hubbub.rooms r
        JOIN hubbub.entries e ON e.room = r.no AND e.seq = ANY($2::bigint[])
        JOIN hubbub.blocks b ON b.other = e.author
        JOIN hubbub.members m ON m.room = r.no AND m.user_id = b.user_id
        WHERE r.id = $1::text";
    has_key = "SELECT 1 FROM hubbub.entries e
        WHERE e.room = (SELECT no FROM hubbub.rooms WHERE id = $1) AND e.author = $2 AND e.key = $3 LIMIT 1";
    heads = "SELECT id, head, generation, kind, (SELECT incarnation FROM hubbub.meta) AS incarnation
        FROM hubbub.rooms WHERE id = ANY($1)";
    bare_rooms_of = shown(&bare(include_str!("rooms_of.sql")), "$1::text", "");
    rooms_of = unread(&shown(include_str!("rooms_of.sql"), "$1::text", ""), "$1::text");
    find_rooms = find(WITH_ID);
    find_rooms_by_kind = find("FROM hubbub.rooms r WHERE r.kind = $6::text");
    find_rooms_of_member = find(
        "FROM hubbub.members m JOIN hubbub.rooms r ON r.no = m.room
        WHERE m.user_id = $6::text AND m.standing <> 'banned' AND ($7::text IS NULL OR r.kind = $7::text)",
    );
    room_info = "SELECT i.topic, i.data AS room_data FROM hubbub.rooms r JOIN hubbub.room_infos i ON i.room = r.no WHERE r.id = $1";
    forget_cursor = "DELETE FROM hubbub.cursors WHERE room = $1";
    forget_session = "DELETE FROM hubbub.sessions WHERE room = $1";
    forget_externals = "DELETE FROM hubbub.session_externals WHERE room = $1";
    note_deleted = "INSERT INTO hubbub.deleted_rooms (no, at, due_at) SELECT $1::bigint, clock.now, clock.now
        FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now) clock";
    // Identity: its next number.
    delete_room = "UPDATE hubbub.rooms SET no = DEFAULT, was = no, kind = 'deleted', name = '', head = 0, floor = 1,
            generation = generation + 1, last_message = 0, settings = NULL, session = NULL
        WHERE no = $1 RETURNING generation, (SELECT incarnation FROM hubbub.meta) AS incarnation";
    deleted_room = "SELECT no, at <= clock.now - $1::bigint AS is_old
        FROM hubbub.deleted_rooms, (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now) clock
        WHERE due_at <= clock.now ORDER BY due_at, no LIMIT 1 FOR UPDATE OF deleted_rooms SKIP LOCKED";
    empty_quarantine = "DELETE FROM hubbub.quarantine WHERE room = $1";
    stand_behind = "UPDATE hubbub.deleted_rooms SET due_at = (extract(epoch FROM clock_timestamp()) * 1000)::bigint WHERE no = $1";
    put_off_deleted = "UPDATE hubbub.deleted_rooms SET due_at = at + $2::bigint WHERE no = $1";
    forget_deleted = "DELETE FROM hubbub.deleted_rooms WHERE no = $1";
    members = include_str!("members.sql");
    put_users = "INSERT INTO hubbub.users (id, info, updated_at)
        SELECT put.id, put.info, (extract(epoch FROM clock_timestamp()) * 1000)::bigint
        FROM unnest($1::text[], $2::text[]) AS put (id, info)
        ON CONFLICT (id) DO UPDATE SET info = excluded.info, updated_at = excluded.updated_at
        WHERE users.info <> excluded.info";
    user = "SELECT info, updated_at FROM hubbub.users WHERE id = $1";
    incarnation = "SELECT incarnation FROM hubbub.meta FOR SHARE";
    renew_lease = include_str!("renew_lease.sql");
    end_lease = "DELETE FROM hubbub.instances WHERE boot = $1";
    openings = "SELECT number FROM hubbub.openings";
    bump = "UPDATE hubbub.meta SET incarnation = $1 WHERE $2::bigint IS NULL OR incarnation = $2";
}
