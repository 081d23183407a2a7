import assert from "node:assert/strict";
import { test } from "vitest";
import { followed, mayAdd, mayLift, mayGoAgain, mayLeave, mayMake, nextEnd, offered, outranks, rules, silenced, unanswered } from "../src/people/people.ts";

const NOW = Date.parse("2026-01-31T10:00:00.000Z");
const of = (from, more) => ({ type: "message", seq: 5, from, at: "2026-01-31T09:59:00.000Z", text: "hi", ...more });
const standing = (role, settings = {}, muted = []) => ({
    ...{ me: "ana", role, known: true, ended: null, settings, muted: new Map(muted), name: "", direct: false },
});
const acts = (...args) => [...offered(...args, NOW)].sort();

test("what is offered follows the role", () => {
    const theirs = of("ben");
    assert.deepEqual(acts(theirs, standing(undefined)), []);
    assert.deepEqual(acts(theirs, standing("reader")), []);
    assert.deepEqual(acts(theirs, standing("member")), ["answer", "react", "reply", "thread"]);
    assert.deepEqual(acts(theirs, standing("moderator")), ["answer", "delete", "pin", "react", "reply", "thread"]);
    assert.deepEqual(acts(theirs, standing("admin")), ["answer", "delete", "pin", "react", "reply", "thread"]);
    assert.deepEqual(acts(of("ana"), standing("reader")), ["delete"]);
    assert.deepEqual(acts(of("ana"), standing("member")), ["answer", "delete", "edit", "react", "reply", "thread"]);
});

test("and the room's settings", () => {
    assert.deepEqual(acts(of("ben"), standing("member", { members_may: { pin: true } })), ["answer", "pin", "react", "reply", "thread"]);
    assert.deepEqual(acts(of("ana"), standing("member", { edit_window: 59 })), ["answer", "react", "reply", "thread"]);
    assert.deepEqual(acts(of("ana"), standing("moderator", { edit_window: 59 })), ["answer", "delete", "pin", "react", "reply", "thread"]);
    assert.deepEqual(acts(of("ana"), standing("member", { edit_window: 61 })), ["answer", "delete", "edit", "react", "reply", "thread"]);
    assert.deepEqual(acts(of("ana"), standing("member", { frozen: true })), ["delete"]);
    assert.deepEqual(acts(of("ben"), standing("moderator", { frozen: true })), ["answer", "delete", "pin", "react", "reply", "thread"]);
});

test("who is muted writes nothing until it ends", () => {
    const until = (at) => standing("moderator", {}, [["ana", at]]);
    assert.deepEqual(acts(of("ben"), until("2026-01-31T10:00:01.000Z")), ["delete"]);
    assert.equal(silenced(until("2026-01-31T09:59:59.000Z"), NOW), null);
    assert.match(silenced(standing("reader"), NOW), /reader/);
});

test("who does not write is told why, and until when", () => {
    const until = "2026-01-31T11:22:00.000Z";
    const hour = new Date(until).toLocaleString(undefined, { timeStyle: "short" });
    assert.ok(silenced(standing("member", {}, [["ana", until]]), NOW).includes(hour));
    assert.equal(silenced(standing("admin", {}, [["ben", until]]), NOW), null);
    assert.match(silenced(standing("member", { frozen: true }), NOW), /frozen/);
    assert.match(silenced(standing(undefined), NOW), /not a member/);
    assert.equal(silenced({ ...standing(undefined), known: false }, NOW), null);
    assert.equal(silenced({ ...standing("member"), ended: "You were banned from this room." }, NOW), "You were banned from this room.");
});

test("nobody writes into a room that is archived, and what was written may still be deleted", () => {
    assert.match(silenced(standing("admin", { archived: true }), NOW), /archived/);
    assert.deepEqual(acts(of("ana"), standing("admin", { archived: true })), ["delete"]);
    assert.equal(silenced(standing("member", { archived: false }), NOW), null);
});

test("what a room is about is what was said of it last", () => {
    const held = { asOf: 3, settings: {}, muted: new Map(), name: "", topic: "soup" };
    const said = (seq, topic) => ({ seq, type: "changed", settings: {}, topic });
    assert.equal(rules(held, [said(2, "bread")]).topic, "soup");
    assert.equal(rules(held, [said(4, "bread"), { seq: 5, type: "changed", settings: { frozen: true } }]).topic, "bread");
    assert.equal(rules(held, [said(4, "")]).topic, "");
});

test("a mute ends by itself, the next one first", () => {
    const all = standing("member", {}, [["ben", "2026-01-31T10:00:03.000Z"], ["cem", "2026-01-31T10:00:01.000Z"], ["dan", "2026-01-31T09:00:00.000Z"]]);
    assert.equal(nextEnd(all, NOW), NOW + 1000);
    assert.equal(nextEnd(standing("member"), NOW), null);
});

test("nobody replies under what was deleted", () => {
    assert.match(unanswered(of("ben", { gone: true })), /deleted/);
    assert.equal(unanswered(of("ben")), null);
    assert.equal(unanswered(undefined), null);
    // What was refused there does not go again.
    assert.deepEqual([mayGoAgain({}, of("ben")), mayGoAgain({}, undefined), mayGoAgain({}, of("ben", { gone: true })), mayGoAgain({ final: true }, undefined)], [true, true, false, false]);
    assert.ok(!offered(of("ben", { gone: true, replies: { count: 2 } }), standing("admin"), NOW).has("reply"));
});

test("admins add whomever, others where the room lets members", () => {
    assert.deepEqual(mayAdd(standing("admin")), ["member", "reader", "moderator", "admin"]);
    assert.deepEqual(mayAdd(standing("moderator")), []);
    assert.deepEqual(mayAdd(standing("moderator", { members_may: { invite: true } })), ["member", "reader"]);
    assert.deepEqual(mayAdd(standing("reader", { members_may: { invite: true } })), []);
    assert.deepEqual(mayAdd({ ...standing("admin"), direct: true }), []);
});

test("a thread has no threads, and one goes on under what was deleted", () => {
    assert.deepEqual(acts(of("ben", { thread: 1 }), standing("member")), ["answer", "react"]);
    assert.deepEqual(acts(of("ben", { gone: true }), standing("admin")), []);
    assert.deepEqual(acts(of("ben", { gone: true, replies: { count: 1 } }), standing("admin")), ["thread"]);
});

test("settings and mutes are what the last line says", () => {
    const log = [
        { seq: 1, type: "changed", settings: { frozen: true, members_may: { pin: true } } },
        { seq: 2, type: "muted", user: "ben", until: "a" },
        { seq: 3, type: "muted", user: "cem", until: "b" },
        { seq: 4, type: "changed", settings: { frozen: false, slow_mode: 5, members_may: { invite: true } } },
        { seq: 5, type: "unmuted", user: "ben" },
        { seq: 6, type: "renamed", name: "Kitchen" },
    ];
    const from = (asOf, settings = {}, muted = []) => rules({ asOf, settings, muted: new Map(muted), name: "Hall" }, log);
    const { settings, muted } = from(0);
    assert.deepEqual([from(5).name, from(6).name], ["Kitchen", "Hall"]);
    assert.equal(rules({ asOf: 0, settings: {}, muted: new Map(), name: "Hall" }, [{ seq: 7, type: "renamed", name: null }]).name, "");
    assert.deepEqual(settings, { frozen: false, slow_mode: 5, members_may: { pin: true, invite: true } });
    assert.deepEqual([...muted], [["cem", "b"]]);
    // What the server has told counts for what was before it, also where those lines are not loaded.
    const told = from(3, { frozen: true, edit_window: 60 }, [["ben", "a"], ["dan", "c"]]);
    assert.deepEqual(told.settings, { frozen: false, slow_mode: 5, edit_window: 60, members_may: { invite: true } });
    assert.deepEqual([...told.muted], [["dan", "c"]]);
    assert.deepEqual(from(5, { frozen: true }, [["cem", "b"]]).settings, { frozen: true });
});

test("members follow the log, and what they were read with already changes nothing", () => {
    const read = new Map([["ana", { user: "ana", role: "admin", since: 7 }]]);
    const log = [
        { type: "joined", seq: 6, user: "ana", role: "member" },
        { type: "joined", seq: 8, user: "ben", role: "member" },
        { type: "joined", seq: 9, user: "ben", role: "reader" },
        { type: "joined", seq: 10, user: "cem", role: "member" },
        { type: "banned", seq: 11, user: "cem" },
        { type: "left", seq: 12, user: "dan" },
    ];
    const now = log.reduce(followed, read);
    assert.deepEqual([...now.values()].map(({ user, role }) => [user, role]), [["ana", "admin"], ["ben", "reader"]]);
});

test("moderators act towards lower roles, admins towards everybody", () => {
    assert.deepEqual(["reader", "member", "moderator", "admin"].map((role) => outranks("moderator", role)), [true, true, false, false]);
    assert.equal(outranks("admin", "admin"), true);
    assert.equal(outranks("member", "reader"), false);
    assert.equal(outranks(undefined, "reader"), false);
});

test("admins give roles, and whoever is a member goes, but not in a direct room", () => {
    assert.deepEqual(mayMake(standing("admin"), "moderator"), ["reader", "member", "admin"]);
    assert.deepEqual([mayMake(standing("moderator"), "member"), mayMake({ ...standing("admin"), direct: true }, "member")], [[], []]);
    assert.deepEqual([mayLeave(standing("reader")), mayLeave(standing(undefined)), mayLeave({ ...standing("member"), direct: true })], [true, false, false]);
});

test("moderators and admins lift bans, and nobody in a direct room", () => {
    const may = (role, direct = false) => mayLift({ role, direct });
    assert.deepEqual([undefined, "reader", "member", "moderator", "admin"].map((role) => may(role)), [false, false, false, true, true]);
    assert.equal(may("admin", true), false);
});
