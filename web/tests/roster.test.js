import assert from "node:assert/strict";
import { test } from "vitest";
import { Roster } from "../src/people/roster.ts";

function roster({ own, members, banned = () => ({ members: [] }), shown = [], recent = [] }) {
    const told = [];
    const made = new Roster({
        own: async () => (typeof own === "function" ? own() : own),
        members: async (after) => (typeof members === "function" ? members(after) : { members }),
        banned: async (after) => banned(after),
        shown: () => shown,
        recent: () => recent,
        read: () => told.push("read"),
    });
    return { roster: made, told };
}
const UNTIL = "2026-01-31T11:00:00.000Z";
const settings = { slow_mode: 30, frozen: true, edit_window: null, members_may: { pin: true, mention_all: true, invite: false } };
const general = { id: "general", kind: "open", name: "Everybody", head: 140, settings };

test("what holds is known where none of its lines is loaded", async () => {
    const members = [{ user: "ana", role: "member", since: 1 }, { user: "ben", role: "member", since: 2, muted_until: UNTIL }];
    const { roster: one, told } = roster({ own: general, members });
    await one.load();
    const { settings: now, muted, name } = one.rules();
    assert.deepEqual([now, [...muted], name, one.kind, told], [settings, [["ben", UNTIL]], "Everybody", "open", ["read"]]);
});

test("what came after the head is followed, what was before is known", async () => {
    const shown = [
        { seq: 90, type: "changed", settings: { frozen: false } },
        { seq: 139, type: "muted", user: "cem", until: UNTIL },
        { seq: 141, type: "changed", settings: { slow_mode: 5, members_may: { pin: false } } },
        { seq: 142, type: "unmuted", user: "ben" },
        { seq: 143, type: "renamed", name: "Nobody" },
    ];
    const members = [{ user: "ben", role: "member", since: 2, muted_until: UNTIL }];
    const { roster: one } = roster({ own: general, members, shown });
    await one.load();
    const { settings: now, muted, name } = one.rules();
    assert.deepEqual([now.frozen, now.slow_mode, now.members_may.pin, now.members_may.mention_all], [true, 5, false, true]);
    assert.deepEqual([[...muted], name], [[], "Nobody"]);
});

test("all pages are read, and a late answer changes nothing", async () => {
    const member = (user) => ({ user, role: "member", since: 1 });
    const pages = { undefined: { members: [member("ana")], next: "ana" }, ana: { members: [member("ben")] } };
    let answer;
    const first = new Promise((resolve) => (answer = resolve));
    let asked = 0;
    const own = () => {
        asked += 1;
        return asked === 1 ? first : general;
    };
    const { roster: one, told } = roster({ own, members: (after) => pages[after] });
    const late = one.load();
    await one.load();
    answer({ ...general, name: "Old", head: 3 });
    await late;
    assert.deepEqual([[...one.members.keys()], one.rules().name, told], [["ana", "ben"], "Everybody", ["read"]]);
});

test("who is no member reads the lines", async () => {
    const { roster: one } = roster({ members: [], shown: [{ seq: 5, type: "changed", settings: { frozen: true } }] });
    await one.load();
    assert.deepEqual([one.rules().settings.frozen, one.known], [true, true]);
    const { roster: other, told } = roster({ own: () => Promise.reject({ code: 102 }), members: [] });
    await other.load();
    assert.deepEqual([other.known, told], [false, []]);
});

test("who is banned is known to whoever asks, and followed in the log", async () => {
    const pages = { undefined: { members: [{ user: "eve", role: "banned", since: 4 }], next: "eve" }, eve: { members: [{ user: "mal", role: "banned", since: 9 }] } };
    const { roster: one, told } = roster({ own: general, members: [], banned: (after) => pages[after], recent: [{ seq: 12, type: "left", user: "mal", from: "ana" }] });
    await one.load();
    assert.deepEqual([...one.bans.keys()], [], "nobody has asked yet");
    await one.loadBans();
    assert.deepEqual([[...one.bans.keys()], told], [["eve"], ["read", "read"]]);
    one.follow({ seq: 13, type: "banned", user: "cem", from: "ana" });
    one.follow({ seq: 14, type: "left", user: "eve", from: "ana" });
    one.follow({ seq: 3, type: "joined", user: "cem", role: "member" });
    assert.deepEqual([...one.bans.keys()], ["cem"]);
});

test("a server that does not know of bans answers with its members: none of them is banned", async () => {
    const { roster: one } = roster({ own: general, members: [], banned: () => ({ members: [{ user: "ben", role: "member", since: 2 }] }) });
    await one.loadBans();
    assert.equal(one.bans.size, 0);
    const { roster: other } = roster({ own: general, members: [], banned: () => Promise.reject({ code: 103 }) });
    await other.loadBans();
    assert.equal(other.bans.size, 0);
});
