//! The statements about portals, sessions and dead letters.

crate::store::postgres::sql::texts! {
    grant = "SELECT p.id, g.access, g.renew_at, g.made_for, g.refresh, g.generation, g.refused
        FROM hubbub.portal_grants g JOIN hubbub.portals p ON p.no = g.portal WHERE p.id = $1";
    grants = "SELECT p.id, g.access, g.renew_at, g.made_for, g.refresh, g.generation, g.refused
        FROM hubbub.portal_grants g JOIN hubbub.portals p ON p.no = g.portal ORDER BY p.id";
    claim_grant = include_str!("claim_grant.sql");
    renew_grant = "UPDATE hubbub.portal_grants SET access = $4, renew_at = $5, made_for = $6, refresh = coalesce($7, refresh),
            generation = generation + 1, refused = NULL,
            leased_until = CASE WHEN fence = $2::bigint THEN NULL ELSE leased_until END
        WHERE portal = (SELECT no FROM hubbub.portals WHERE id = $1) AND (fence = $2::bigint OR generation = $3::bigint)
        RETURNING portal";
    refuse_grant = "UPDATE hubbub.portal_grants SET refused = $4, access = NULL, leased_until = NULL
        WHERE portal = (SELECT no FROM hubbub.portals WHERE id = $1) AND fence = $2::bigint AND generation = $3::bigint
        RETURNING portal";
    give_back_grant = "UPDATE hubbub.portal_grants SET leased_until = NULL
        WHERE portal = (SELECT no FROM hubbub.portals WHERE id = $1) AND fence = $2::bigint RETURNING portal";
    void_grant = "UPDATE hubbub.portal_grants SET access = NULL, generation = generation + 1, rejected_at = clock.now
        FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now) clock
        WHERE portal = (SELECT no FROM hubbub.portals WHERE id = $1) AND generation = $2::bigint
            AND (rejected_at IS NULL OR rejected_at <= clock.now - $3::bigint) RETURNING portal";
    give_grant = "INSERT INTO hubbub.portal_grants AS g (portal, refresh, generation, fence)
        SELECT no, $2, 1, 1 FROM hubbub.portals WHERE id = $1
        ON CONFLICT (portal) DO UPDATE SET refresh = excluded.refresh, access = NULL, renew_at = NULL, refused = NULL,
            rejected_at = NULL, leased_until = NULL, generation = g.generation + 1, fence = g.fence + 1
        RETURNING portal";
    forgive_grant = "UPDATE hubbub.portal_grants SET refused = NULL
        WHERE portal = (SELECT no FROM hubbub.portals WHERE id = $1) AND refused IS NOT NULL RETURNING portal";
    reseal_grant = "UPDATE hubbub.portal_grants SET access = $3, refresh = $4
        WHERE portal = (SELECT no FROM hubbub.portals WHERE id = $1) AND generation = $2::bigint RETURNING portal";
    make_session_room = "INSERT INTO hubbub.rooms (id, kind, name, created_at, session)
        VALUES ($1, $2, $3, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, 'open')
        ON CONFLICT (id) DO NOTHING RETURNING no";
    candidates = include_str!("candidates.sql");
    claim = include_str!("claim.sql");
    claimed_entries = include_str!("claimed_entries.sql");
    claimed_dead_letters = include_str!("claimed_dead_letters.sql");
    addressees = include_str!("addressees.sql");
    sessions = include_str!("sessions.sql");
    session_of_portal = "s.portal = (SELECT no FROM hubbub.portals WHERE id = ?)";
    session_shares = "EXISTS (SELECT FROM hubbub.session_externals x JOIN hubbub.session_externals o
            ON o.portal = x.portal AND o.external = x.external AND o.room <> x.room
        WHERE x.room = s.room
            AND NOT EXISTS (SELECT FROM hubbub.session_externals y WHERE y.room = x.room AND y.since > x.since)
            AND NOT EXISTS (SELECT FROM hubbub.session_externals y WHERE y.room = o.room AND y.since > o.since))";
    session_waits = "s.room = ANY(ARRAY(SELECT c.room FROM hubbub.cursors c WHERE c.due_at IS NOT NULL AND c.position < c.head
        UNION ALL SELECT c.room FROM hubbub.cursors c WHERE c.blocked AND c.position < c.head))";
    dead_letters = include_str!("dead_letters.sql");
    dead_letter_of_portal = "d.portal = (SELECT no FROM hubbub.portals WHERE id = ?)";
    dead_letter_of_session = "d.room = (SELECT room FROM hubbub.sessions WHERE id = ?)";
    dead_letter_of_customer = "d.room IN (SELECT room FROM hubbub.sessions WHERE customer = ?)";
    backlog = include_str!("backlog.sql");
    portals = "SELECT id, settings, secrets, standing, why, revision, created_at, succeeded_at, trouble FROM hubbub.portals
        WHERE deleted_at IS NULL ORDER BY id";
    note_trouble = "UPDATE hubbub.portals SET trouble = $2::text WHERE id = $1 AND trouble IS DISTINCT FROM $2::text";
    delete_portal = "WITH gone AS (UPDATE hubbub.portals SET deleted_at = (extract(epoch FROM clock_timestamp()) * 1000)::bigint, standing = 'disabled',
            why = 'closing', secrets = '{\"outgoing\":[],\"incoming\":[]}', trouble = NULL, revision = revision + 1
        WHERE id = $1 AND deleted_at IS NULL RETURNING no
        ), grants AS (DELETE FROM hubbub.portal_grants g USING gone WHERE g.portal = gone.no
        ), changes AS (DELETE FROM hubbub.portal_changes c USING gone WHERE c.portal = gone.no
        ), refused AS (DELETE FROM hubbub.refused_hooks r USING gone WHERE r.portal = gone.no) SELECT no FROM gone";
    lock_refused = "SELECT pg_advisory_xact_lock(portals.key) FROM (
            SELECT DISTINCT hashtextextended('hubbub.refused_hooks/' || asked.portal, 0) AS key
            FROM unnest($1::text[]) AS asked (portal) ORDER BY key) portals";
    keep_refused = include_str!("keep_refused.sql");
    bound_refused = include_str!("bound_refused.sql");
    refused = include_str!("refused.sql");
    refused_hook = "SELECT r.no, p.id AS portal_id, r.at, r.last_at, r.times, r.status, r.code, r.why, r.headers, r.bytes, r.body
        FROM hubbub.portals p JOIN hubbub.refused_hooks r ON r.portal = p.no WHERE p.id = $1 AND r.no = $2::bigint";
    refused_in_order = "SELECT at, no FROM hubbub.refused_hooks WHERE portal = (SELECT no FROM hubbub.portals WHERE id = $1)
            AND (at, no) > ($2::bigint, $3::bigint) ORDER BY at, no LIMIT $4::bigint";
    refuse_again = "UPDATE hubbub.refused_hooks SET status = $3::integer, code = $4, why = $5
        WHERE no = $2::bigint AND portal = (SELECT no FROM hubbub.portals WHERE id = $1) RETURNING no";
    drop_refused = "DELETE FROM hubbub.refused_hooks WHERE portal = (SELECT no FROM hubbub.portals WHERE id = $1)
        AND no BETWEEN $2::bigint AND $3::bigint";
    sweep_refused = "WITH gone AS (DELETE FROM hubbub.refused_hooks WHERE no IN (
            SELECT no FROM hubbub.refused_hooks WHERE at < (extract(epoch FROM clock_timestamp()) * 1000)::bigint - $1::bigint
                OR portal IN (SELECT no FROM hubbub.portals WHERE deleted_at IS NOT NULL)
            ORDER BY no LIMIT $2::bigint FOR UPDATE SKIP LOCKED) RETURNING portal)
        SELECT p.id, count(*) AS hooks FROM gone JOIN hubbub.portals p ON p.no = gone.portal GROUP BY p.id";
    count_refused = "SELECT p.id, r.hooks FROM (SELECT portal, count(*) AS hooks FROM hubbub.refused_hooks GROUP BY portal) r
        JOIN hubbub.portals p ON p.no = r.portal ORDER BY p.id";
    keep_change = "INSERT INTO hubbub.portal_changes (portal, target, other, event, author, means, text, data, at, until)
        SELECT p.no, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text, $8::text, clock.now, clock.now + $9::bigint
        FROM hubbub.portals p, (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now) clock
        WHERE p.id = $1 AND p.deleted_at IS NULL
            AND (SELECT count(*) FROM (SELECT FROM hubbub.portal_changes c WHERE c.portal = p.no LIMIT $10::bigint) kept) < $10
        ON CONFLICT DO NOTHING RETURNING no";
    kept_change = "SELECT c.no FROM hubbub.portal_changes c JOIN hubbub.portals p ON p.no = c.portal
        WHERE p.id = $1 AND c.event = $2::text";
    changes_wait = "SELECT c.no FROM hubbub.portal_changes c JOIN hubbub.portals p ON p.no = c.portal
        WHERE p.id = $1 AND (c.target = ANY($2::text[]) OR c.other = ANY($2::text[])) LIMIT 1";
    due_changes = "SELECT w.*, p.id AS portal_id, r.id AS room_id, e.seq FROM hubbub.portal_changes w
            JOIN hubbub.portals p ON p.no = w.portal AND p.deleted_at IS NULL
            CROSS JOIN LATERAL (SELECT v.room, v.seq FROM hubbub.portal_events v
                WHERE v.portal = w.portal AND v.event IN (w.target, w.other) ORDER BY v.event = w.target DESC LIMIT 1) e
            JOIN hubbub.rooms r ON r.no = e.room
        WHERE r.id <> ALL($2::text[]) ORDER BY w.no LIMIT $1::bigint";
    drop_changes = "DELETE FROM hubbub.portal_changes WHERE no = ANY($1::bigint[])";
    sweep_changes = "WITH orphaned AS (DELETE FROM hubbub.portal_changes
            WHERE portal IN (SELECT no FROM hubbub.portals WHERE deleted_at IS NOT NULL)
        ), gone AS (DELETE FROM hubbub.portal_changes c USING hubbub.portals p
            WHERE p.no = c.portal AND p.deleted_at IS NULL AND c.until < (extract(epoch FROM clock_timestamp()) * 1000)::bigint
                AND NOT EXISTS (SELECT FROM hubbub.quarantine q WHERE q.portal = c.portal AND q.event IN (c.target, c.other))
                AND NOT EXISTS (SELECT FROM hubbub.portal_events v WHERE v.portal = c.portal AND v.event IN (c.target, c.other))
            RETURNING p.id)
        SELECT id, count(*) AS events FROM gone GROUP BY id";
    known_message = "SELECT e.id, coalesce(e.gone, false) AS gone,
            ARRAY(SELECT v.event FROM hubbub.portal_events v WHERE v.room = e.room AND v.seq = e.seq
                ORDER BY v.event LIMIT 256) AS events
        FROM hubbub.rooms r JOIN hubbub.entries e ON e.room = r.no WHERE r.id = $1 AND e.seq = $2::bigint";
    orphans = "SELECT s.id, s.customer, CASE WHEN c.position < c.head THEN c.head END AS waits
        FROM hubbub.portals p JOIN hubbub.sessions s ON s.portal = p.no JOIN hubbub.rooms r ON r.no = s.room
        JOIN hubbub.cursors c ON c.room = s.room
        WHERE p.deleted_at IS NOT NULL AND p.why = 'closing' AND r.session <> 'closed' ORDER BY s.id LIMIT $1::bigint";
    no_orphans = "UPDATE hubbub.portals SET why = 'deleted' WHERE deleted_at IS NOT NULL AND why = 'closing'";
    at_dead_letter = "SELECT EXISTS (SELECT FROM hubbub.dead_letters WHERE room = $1 AND seq = $2 AND delivered_at IS NULL) AS there";
    create_portal = "INSERT INTO hubbub.portals (id, settings, secrets, standing, why, created_at)
        VALUES ($1, $2, $3, $4, $5, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) ON CONFLICT (id) DO NOTHING";
    write_portal = "UPDATE hubbub.portals SET settings = $3, secrets = $4, standing = $5, why = $6, trouble = NULL,
        revision = revision + 1 WHERE id = $1 AND revision = $2::bigint AND deleted_at IS NULL";
    succeeded = "UPDATE hubbub.portals SET succeeded_at = clock.now
        FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now) clock
        WHERE id = ANY($1) AND (succeeded_at IS NULL OR succeeded_at < clock.now - 1000)";
    make_session = "INSERT INTO hubbub.sessions (room, portal, customer, external, id, created_at)
        VALUES ($1, $2, $3, $4, $5, (extract(epoch FROM clock_timestamp()) * 1000)::bigint) ON CONFLICT DO NOTHING";
    may_open = "SELECT p.no, (SELECT s.id FROM hubbub.sessions s WHERE s.room = coalesce(
                (SELECT x.room FROM hubbub.session_externals x WHERE x.portal = p.no AND x.external = $2::text LIMIT 1),
                (SELECT l.room FROM hubbub.sessions l WHERE l.portal = p.no AND l.external = $2::text LIMIT 1))) AS taken_by
        FROM hubbub.portals p WHERE p.id = $1 AND p.deleted_at IS NULL";
    lock_customer = "SELECT pg_advisory_xact_lock(hashtextextended($1::text || '/' || $2::text, 0))";
    sessions_of_customer = "SELECT count(*) AS sessions FROM hubbub.sessions WHERE customer = $1 AND portal = $2";
    lock_names = "SELECT pg_advisory_xact_lock(names.key) FROM (
            SELECT DISTINCT hashtextextended('hubbub.names/' || asked.portal || '/' || asked.name, 0) AS key
            FROM unnest($1::bigint[], $2::text[]) AS asked (portal, name) ORDER BY key) names";
    keep_former = "INSERT INTO hubbub.session_externals (portal, external, room, since)
        SELECT portal, external, room, created_at FROM hubbub.sessions WHERE id = $1 AND external IS NOT NULL
        ON CONFLICT DO NOTHING";
    learn = include_str!("learn.sql");
    portal_of_session = "SELECT portal FROM hubbub.sessions WHERE id = $1";
    forget_former = "DELETE FROM hubbub.session_externals WHERE room = (SELECT room FROM hubbub.sessions WHERE id = $1)
        AND external NOT IN (SELECT x.external FROM hubbub.session_externals x JOIN hubbub.sessions s ON s.room = x.room
            WHERE s.id = $1 ORDER BY x.since DESC, x.external LIMIT $2::bigint)";
    bind = "UPDATE hubbub.quarantine SET room = s.room FROM hubbub.sessions s
        WHERE s.id = $1 AND quarantine.portal = s.portal AND quarantine.external = $2::text AND quarantine.awaits
            AND quarantine.room IS NULL
            AND EXISTS (SELECT FROM hubbub.session_externals x WHERE x.room = s.room AND x.external = $2::text)";
    bind_session = "UPDATE hubbub.quarantine SET room = s.room FROM hubbub.sessions s
        WHERE s.id = $1 AND quarantine.portal = s.portal AND quarantine.session = s.id AND quarantine.awaits
            AND quarantine.room IS NULL";
    bind_all = include_str!("bind_all.sql");
    expire = "WITH gone AS (DELETE FROM hubbub.quarantine WHERE awaits AND room IS NULL
            AND until < (extract(epoch FROM clock_timestamp()) * 1000)::bigint RETURNING portal)
        SELECT p.id, count(*) AS events FROM gone JOIN hubbub.portals p ON p.no = gone.portal GROUP BY p.id";
    tell_program_before = "UPDATE hubbub.sessions SET external = $2 WHERE id = $1 AND external IS DISTINCT FROM $2
        AND NOT EXISTS (SELECT FROM hubbub.sessions o WHERE o.portal = sessions.portal AND o.external = $2)";
    holders = "SELECT s.id FROM hubbub.portals p JOIN hubbub.session_externals x ON x.portal = p.no
            JOIN hubbub.sessions s ON s.room = x.room
        WHERE p.id = $1 AND x.external = $2
            AND NOT EXISTS (SELECT FROM hubbub.session_externals y WHERE y.room = x.room AND y.since > x.since)
        ORDER BY x.since DESC LIMIT $3::bigint";
    releasable = include_str!("releasable.sql");
    drop_released = "DELETE FROM hubbub.quarantine WHERE no = ANY($1)";
    hold_released = "UPDATE hubbub.quarantine SET awaits = false, room = NULL, until = NULL WHERE no = ANY($1)";
    left_by = "SELECT e.author FROM hubbub.rooms r JOIN hubbub.entries e ON e.room = r.no
        WHERE r.id = $1 AND e.subject = $2 AND e.kind IN ('left', 'banned') ORDER BY e.seq DESC LIMIT 1";
    quarantine = "INSERT INTO hubbub.quarantine (portal, event, session, external, author, text, data, at, id, awaits, room, until)
        SELECT $1::bigint, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text, clock.now, $8::uuid, $9::boolean,
            (SELECT room FROM hubbub.sessions WHERE id = $10::text), clock.now + $11::bigint
        FROM (SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now) clock
        WHERE (SELECT count(*) FROM (SELECT FROM hubbub.quarantine q WHERE q.portal = $1 LIMIT $12::bigint) kept) < $12
        ON CONFLICT DO NOTHING RETURNING no";
    held_events = "SELECT asked.ord, q.no
        FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS asked (portal, event, ord)
        JOIN hubbub.quarantine q ON q.portal = asked.portal AND q.event = asked.event FOR SHARE OF q";
    note_success = "WITH ready AS (
            SELECT no FROM hubbub.portals WHERE no = ANY($1)
                AND (succeeded_at IS NULL OR succeeded_at < (extract(epoch FROM clock_timestamp()) * 1000)::bigint - 1000)
            -- Whoever has it locked notes the same at this moment.
            FOR UPDATE SKIP LOCKED)
        UPDATE hubbub.portals SET succeeded_at = (extract(epoch FROM clock_timestamp()) * 1000)::bigint
        FROM ready WHERE portals.no = ready.no";
    in_quarantine = "SELECT no FROM hubbub.quarantine WHERE (portal = $1 AND event = $2) OR id = $3 FOR SHARE";
    quarantined = include_str!("quarantined.sql");
    is_in_quarantine = "SELECT FROM hubbub.quarantine q JOIN hubbub.portals p ON p.no = q.portal WHERE p.id = $1 AND q.no = $2";
    drop_quarantined = "DELETE FROM hubbub.quarantine q USING hubbub.portals p WHERE p.no = q.portal AND p.id = $1 AND q.no = $2";
    make_dead_letter = "INSERT INTO hubbub.dead_letters (portal, room, seq, at, why, attempts, progress)
        VALUES ($1, $2, $3, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, $4, $5, $6)
        ON CONFLICT (room, seq) DO UPDATE SET at = excluded.at, why = excluded.why, attempts = excluded.attempts,
            progress = excluded.progress";
    write_progress = "UPDATE hubbub.dead_letters SET progress = $3 WHERE no = $1 AND room = $2";
    write_refs = "UPDATE hubbub.sessions SET refs = $2 WHERE room = $1";
    note_echoes = "INSERT INTO hubbub.portal_events (portal, event, room, seq)
        SELECT s.portal, e, s.room, $2::bigint FROM hubbub.sessions s, unnest($3::text[]) AS e WHERE s.id = $1
        ON CONFLICT DO NOTHING";
    is_gone = "SELECT coalesce(gone, false) AS gone FROM hubbub.entries WHERE room = $1::bigint AND seq = $2::bigint";
    lock_dead_letter = "SELECT attempts, seq, replaying FROM hubbub.dead_letters WHERE no = $1 AND room = $2 FOR UPDATE";
    write_dead_letter = "UPDATE hubbub.dead_letters SET attempts = $2, replaying = false, delivered_at = CASE WHEN $3
        THEN (extract(epoch FROM clock_timestamp()) * 1000)::bigint ELSE delivered_at END WHERE no = $1";
    dead_letters_to_replay = "SELECT d.no, r.id AS session_id FROM hubbub.dead_letters d JOIN hubbub.portals p ON p.no = d.portal
        JOIN hubbub.rooms r ON r.no = d.room
        WHERE p.id = $1 AND d.no BETWEEN $2 AND $3 AND d.delivered_at IS NULL AND NOT d.replaying
        ORDER BY d.no LIMIT $4::bigint";
    replay_dead_letters = "UPDATE hubbub.dead_letters SET replaying = true
        WHERE no = ANY($1) AND delivered_at IS NULL AND NOT replaying RETURNING room";
    find_dead_letter = "SELECT r.id AS session_id, d.seq FROM hubbub.dead_letters d JOIN hubbub.portals p ON p.no = d.portal
        JOIN hubbub.rooms r ON r.no = d.room WHERE p.id = $1 AND d.no = $2";
    discard_dead_letter = "DELETE FROM hubbub.dead_letters WHERE no = $1 RETURNING replaying AND delivered_at IS NULL AS was_asked";
}
