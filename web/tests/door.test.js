import assert from "node:assert/strict";
import { test } from "vitest";
import { aboutMe, doorway, stillSaid } from "../src/room/door.ts";

const before = { me: "ana", room: "general", state: "live", code: null, problem: null, kind: undefined, member: true, last: undefined };
const removed = { state: "ended", code: 2000, problem: "You were removed from this room." };
const door = (change) => doorway({ ...before, ...change });
const about = (type, from = "ben", user = "ana") => ({ type, from, user, seq: 7 });
const said = (end) => [end.text, end.remedy?.label];

test("nothing stands in the way of a member, nor while it is not known", () => {
    assert.equal(door({}), null);
    assert.equal(door({ member: undefined }), null);
    assert.equal(door({ state: "waiting" }), null);
});

test("a button to join is there for those whom it helps", () => {
    assert.deepEqual(said(door(removed)), ["You were removed from this room.", "Join"]);
    assert.deepEqual(said(door({ ...removed, last: about("banned") })), ["You were banned from this room.", undefined]);
    const refused = (problem) => door({ state: "ended", code: 103, problem });
    assert.deepEqual(said(refused("Not allowed: banned from this room.")), ["Not allowed: banned from this room.", undefined]);
    assert.equal(refused("Not allowed: not a member of this room; join it first.").remedy.does, "join");
    assert.equal(door({ member: false }).remedy.does, "join");
});

test("a room that there is not can be made, and one that was deleted cannot", () => {
    assert.deepEqual(said(door({ state: "ended", code: 102, problem: "There is no such room." })), ["There is no such room.", "Create “general”"]);
    assert.deepEqual(said(door({ state: "ended", code: 2001, problem: "This room was deleted." })), ["This room was deleted.", undefined]);
});

test("leaving is not being removed, and a private room is not joined by oneself", () => {
    assert.equal(door({ ...removed, last: about("left", "ana") }).text, "You have left this room.");
    assert.deepEqual(said(door({ ...removed, kind: "private" })), ["You were removed from this room. Whoever may can add you again.", undefined]);
});

test("the ban of somebody else is none of one's own", () => {
    assert.equal(aboutMe(about("banned", "ben", "cem"), "ana"), false);
    assert.equal(aboutMe(about("banned"), "ana"), true);
    assert.equal(aboutMe(about("muted"), "ana"), false);
});

test("why a remedy did not help is said until something else stands in the way, or nothing does", () => {
    const [join, create] = ["join", "create"].map((does) => ({ text: does, remedy: { does, label: does } }));
    const failed = { why: "too late", at: join };
    assert.equal(stillSaid(failed, { ...join }), "too late");
    assert.deepEqual([stillSaid(failed, create), stillSaid(failed, null), stillSaid(null, join)], [null, null, null]);
});
