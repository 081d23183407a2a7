//! Statements, with the schema's name put in.

use super::super::{StoreError, entry_row::SELECTED};

/// A schema's name, safe to stand in a statement.
#[derive(Debug, Clone)]
pub(crate) struct Schema(String);

impl Schema {
    pub fn parse(name: &str) -> Result<Self, StoreError> {
        let mut bytes = name.bytes();
        let first = bytes.next().is_some_and(|b| b.is_ascii_lowercase() || b == b'_');
        let rest = bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if first && rest && name.len() <= 63 && !name.starts_with("pg_") {
            Ok(Self(name.to_owned()))
        } else {
            Err(StoreError::Broken(format!(
                "--schema {name}: a name of at most 63 of a-z 0-9 _ that begins with neither a digit nor pg_ is needed"
            )))
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `sql`, written for the schema `hubbub`, for this one; `/* entry */` becomes what is selected of an entry `e`.
    pub fn put_into(&self, sql: &str) -> String {
        sql.replace("/* entry */", SELECTED).replace("hubbub.", &format!("\"{}\".", self.0))
    }
}

macro_rules! texts {
    ($($name:ident = $sql:expr;)*) => {
        /// Every statement of the store; made once.
        pub(crate) struct Texts {
            $(pub $name: String,)*
        }

        impl Texts {
            pub fn new(schema: &Schema) -> Self {
                Self { $($name: schema.put_into($sql),)* }
            }
        }
    };
}

texts! {
    lock = "SELECT no, id, kind, head, generation, session FROM hubbub.rooms WHERE id = ANY($1) ORDER BY id FOR UPDATE";
    number_messages = include_str!("number_messages.sql");
    clock = "SELECT incarnation, (extract(epoch FROM clock_timestamp()) * 1000)::bigint FROM hubbub.meta";
    standings = "SELECT asked.room, asked.user_id, m.standing
        FROM unnest($1::text[], $2::text[]) AS asked (room, user_id)
        JOIN hubbub.rooms r ON r.id = asked.room
        JOIN hubbub.members m ON m.room = r.no AND m.user_id = asked.user_id";
    known = "SELECT asked.room, asked.author, asked.key, e.id, e.seq, e.at, e.hash
        FROM unnest($1::text[], $2::text[], $3::text[]) AS asked (room, author, key)
        JOIN hubbub.rooms r ON r.id = asked.room
        CROSS JOIN LATERAL (SELECT id, seq, at, hash FROM hubbub.entries e
            WHERE e.room = r.no AND e.author = asked.author AND e.key = asked.key LIMIT 1) e";
    insert = "INSERT INTO hubbub.entries
            (room, seq, id, kind, author, at, key, hash, text, data, target, subject, role, body, effects)
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::uuid[], $4::text[], $5::text[], $6::bigint[], $7::text[],
            $8::bytea[], $9::text[], $10::text[], $11::bigint[], $12::text[], $13::text[], $14::text[], $15::text[])";
    raise = "UPDATE hubbub.rooms r SET head = n.head, last_message = coalesce(n.last_message, r.last_message),
            name = coalesce(n.name, r.name), session = coalesce(n.session, r.session)
        FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::text[])
            AS n (no, head, last_message, name, session)
        WHERE r.no = n.no";
    stand = "INSERT INTO hubbub.members (room, user_id, standing, since)
        SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bigint[])
        ON CONFLICT (room, user_id) DO UPDATE SET standing = excluded.standing, since = excluded.since";
    forget = "DELETE FROM hubbub.members m USING unnest($1::bigint[], $2::text[]) AS gone (room, user_id)
        WHERE m.room = gone.room AND m.user_id = gone.user_id";
    make_room = "INSERT INTO hubbub.rooms (id, kind, name, created_at)
        VALUES ($1, $2, $3, (extract(epoch FROM clock_timestamp()) * 1000)::bigint)
        ON CONFLICT (id) DO NOTHING RETURNING no";
    make_session_room = "INSERT INTO hubbub.rooms (id, kind, name, created_at, session)
        VALUES ($1, $2, $3, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, 'open')
        ON CONFLICT (id) DO NOTHING RETURNING no";
    mark_cursors = include_str!("mark_cursors.sql");
    claim = include_str!("../../features/portals/postgres/claim.sql");
    claimed_entries = include_str!("../../features/portals/postgres/claimed_entries.sql");
    claimed_letters = include_str!("../../features/portals/postgres/claimed_letters.sql");
    lock_cursors = include_str!("../../features/portals/postgres/lock_cursors.sql");
    write_cursors = include_str!("../../features/portals/postgres/write_cursors.sql");
    addressees = include_str!("../../features/portals/postgres/addressees.sql");
    sessions = include_str!("../../features/portals/postgres/sessions.sql");
    session_of_portal = "s.portal = (SELECT no FROM hubbub.portals WHERE id = ?)";
    session_waits = "s.room = ANY(ARRAY(SELECT c.room FROM hubbub.cursors c WHERE c.due_at IS NOT NULL AND c.position < c.head
        UNION ALL SELECT c.room FROM hubbub.cursors c WHERE c.blocked AND c.position < c.head))";
    letters = include_str!("../../features/portals/postgres/letters.sql");
    letter_of_portal = "d.portal = (SELECT no FROM hubbub.portals WHERE id = ?)";
    letter_of_session = "d.room = (SELECT room FROM hubbub.sessions WHERE id = ?)";
    letter_of_customer = "d.room IN (SELECT room FROM hubbub.sessions WHERE customer = ?)";
    backlog = include_str!("../../features/portals/postgres/backlog.sql");
    portals = "SELECT id, settings, secrets, standing, why, revision, created_at, succeeded_at FROM hubbub.portals ORDER BY id";
    create_portal = "INSERT INTO hubbub.portals (id, settings, secrets, standing, why, created_at)
        VALUES ($1, $2, $3, $4, $5, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) ON CONFLICT (id) DO NOTHING";
    write_portal = "UPDATE hubbub.portals SET settings = $3, secrets = $4, standing = $5, why = $6, revision = revision + 1
        WHERE id = $1 AND revision = $2::bigint";
    succeeded = "UPDATE hubbub.portals SET succeeded_at = clock.now
        FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now) clock
        WHERE id = ANY($1) AND (succeeded_at IS NULL OR succeeded_at < clock.now - 1000)";
    made_session = "INSERT INTO hubbub.sessions (room, portal, customer, external, id, created_at)
        VALUES ($1, $2, $3, $4, $5, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) ON CONFLICT DO NOTHING";
    made_cursor = "INSERT INTO hubbub.cursors (room, portal, position, head) VALUES ($1, $2, $3, $3)";
    may_open = "SELECT p.no,
            (SELECT r.id FROM hubbub.sessions s JOIN hubbub.rooms r ON r.no = s.room
                WHERE s.portal = p.no AND s.external = $2::text)
        FROM hubbub.portals p WHERE p.id = $1";
    lock_customer = "SELECT pg_advisory_xact_lock(hashtextextended($1::text || '/' || $2::text, 0))";
    sessions_of_customer = "SELECT count(*) FROM hubbub.sessions WHERE customer = $1 AND portal = $2";
    learn = "UPDATE hubbub.sessions s SET external = $2
        FROM hubbub.rooms r WHERE r.id = $1 AND s.room = r.no AND s.external IS NULL
            AND NOT EXISTS (SELECT FROM hubbub.sessions o WHERE o.portal = s.portal AND o.external = $2)";
    take_events = "INSERT INTO hubbub.portal_events (portal, event, room, seq)
        SELECT portal, event, room, 0 FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS e (portal, event, room)
        ORDER BY portal, event ON CONFLICT DO NOTHING RETURNING portal, event";
    number_events = "UPDATE hubbub.portal_events e SET seq = n.seq
        FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS n (portal, event, seq)
        WHERE e.portal = n.portal AND e.event = n.event";
    drop_events = "DELETE FROM hubbub.portal_events e USING unnest($1::bigint[], $2::text[]) AS n (portal, event)
        WHERE e.portal = n.portal AND e.event = n.event";
    known_events = "SELECT asked.ord, r.id, e.seq, t.id, t.at, r.generation, (SELECT incarnation FROM hubbub.meta)
        FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS asked (portal, event, ord)
        JOIN hubbub.portal_events e ON e.portal = asked.portal AND e.event = asked.event
        JOIN hubbub.rooms r ON r.no = e.room
        JOIN hubbub.entries t ON t.room = e.room AND t.seq = e.seq";
    quarantine = "INSERT INTO hubbub.quarantine (portal, event, session, external, author, text, data, at, id)
        VALUES ($1, $2, $3, $4, $5, $6, $7, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, $8)
        ON CONFLICT DO NOTHING RETURNING no";
    held_events = "SELECT asked.ord, q.no
        FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS asked (portal, event, ord)
        JOIN hubbub.quarantine q ON q.portal = asked.portal AND q.event = asked.event";
    succeeded_sessions = "UPDATE hubbub.portals SET succeeded_at = clock.now
        FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now) clock
        WHERE (succeeded_at IS NULL OR succeeded_at < clock.now - 1000) AND no IN (
            SELECT s.portal FROM hubbub.rooms r JOIN hubbub.sessions s ON s.room = r.no WHERE r.id = ANY($1))";
    in_quarantine = "SELECT no FROM hubbub.quarantine WHERE (portal = $1 AND event = $2) OR id = $3";
    quarantined = include_str!("../../features/portals/postgres/quarantined.sql");
    is_in_quarantine = "SELECT FROM hubbub.quarantine q JOIN hubbub.portals p ON p.no = q.portal WHERE p.id = $1 AND q.no = $2";
    drop_quarantined = "DELETE FROM hubbub.quarantine q USING hubbub.portals p WHERE p.no = q.portal AND p.id = $1 AND q.no = $2";
    dead_letter = "INSERT INTO hubbub.dead_letters (portal, room, seq, at, why, attempts)
        VALUES ($1, $2, $3, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, $4, $5)
        ON CONFLICT (room, seq) DO UPDATE SET at = excluded.at, why = excluded.why, attempts = excluded.attempts";
    tried_letter = "SELECT attempts, seq, replaying FROM hubbub.dead_letters WHERE no = $1 AND room = $2 FOR UPDATE";
    write_letter = "UPDATE hubbub.dead_letters SET attempts = $2, replaying = false, delivered_at = CASE WHEN $3
        THEN (extract(epoch FROM clock_timestamp()) * 1000)::bigint ELSE delivered_at END WHERE no = $1";
    letters_to_replay = "SELECT d.no, r.id FROM hubbub.dead_letters d JOIN hubbub.portals p ON p.no = d.portal
        JOIN hubbub.rooms r ON r.no = d.room
        WHERE p.id = $1 AND d.no BETWEEN $2 AND $3 AND d.delivered_at IS NULL AND NOT d.replaying
        ORDER BY d.no LIMIT $4::bigint";
    replay_letters = "UPDATE hubbub.dead_letters SET replaying = true
        WHERE no = ANY($1) AND delivered_at IS NULL AND NOT replaying RETURNING room";
    letter_of = "SELECT r.id, d.seq FROM hubbub.dead_letters d JOIN hubbub.portals p ON p.no = d.portal
        JOIN hubbub.rooms r ON r.no = d.room WHERE p.id = $1 AND d.no = $2";
    discard_letter = "DELETE FROM hubbub.dead_letters WHERE no = $1 RETURNING replaying AND delivered_at IS NULL";
    page = include_str!("page.sql");
    look_up = "SELECT r.id, r.kind, r.name, r.head, r.floor, r.generation,
            (SELECT incarnation FROM hubbub.meta) AS incarnation, m.standing
        FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS asked (room, user_id, ord)
        LEFT JOIN hubbub.rooms r ON r.id = asked.room
        LEFT JOIN hubbub.members m ON m.room = r.no AND m.user_id = asked.user_id
        ORDER BY asked.ord";
    heads = "SELECT id, head, generation, (SELECT incarnation FROM hubbub.meta) AS incarnation
        FROM hubbub.rooms WHERE id = ANY($1)";
    rooms_of = include_str!("rooms_of.sql");
    members = include_str!("members.sql");
    put_users = "INSERT INTO hubbub.users (id, info, updated_at)
        SELECT put.id, put.info, (extract(epoch FROM clock_timestamp()) * 1000)::bigint
        FROM unnest($1::text[], $2::text[]) AS put (id, info)
        ON CONFLICT (id) DO UPDATE SET info = excluded.info, updated_at = excluded.updated_at
        WHERE users.info <> excluded.info";
    user = "SELECT info, updated_at FROM hubbub.users WHERE id = $1";
    incarnation = "SELECT incarnation FROM hubbub.meta";
    renew_lease = include_str!("renew_lease.sql");
    end_lease = "DELETE FROM hubbub.instances WHERE boot = $1";
    bump = "UPDATE hubbub.meta SET incarnation = $1 WHERE $2::bigint IS NULL OR incarnation = $2";
}
