import assert from "node:assert/strict";
import { test } from "vitest";
import { folded } from "../src/timeline/folded.ts";
import { said, settled } from "../src/timeline/lines.ts";
import { plain } from "../src/ui/names.ts";

const line = (type, more) => plain(said({ type, from: "ana", ...more }));

test("roles, mutes and settings are said in words", () => {
    assert.equal(line("joined", { user: "ana", role: "member" }), "ana joined");
    assert.equal(line("joined", { user: "ben", role: "moderator" }), "ana made ben a moderator");
    assert.equal(line("joined", { user: "ben", role: "reader" }), "ana made ben a reader");
    assert.equal(line("joined", { seq: 1, user: "ana", role: "admin" }), "ana made the room");
    assert.equal(line("joined", { seq: 2, user: "ana", role: "admin" }), "ana is an admin now");
    assert.equal(line("joined", { seq: 1, from: "hubbub:api", user: "ana", role: "admin" }), "ana is an admin now");
    assert.match(line("muted", { user: "ben", until: "2026-01-31T10:30:00.000Z" }), /^ana muted ben until .+/);
    assert.equal(line("unmuted", { user: "ben" }), "ana unmuted ben");
    assert.equal(
        line("changed", { settings: { slow_mode: 90, frozen: true } }),
        "ana changed the room: slow mode, one message in 90 s; frozen, only moderators write",
    );
});

test("a limit that is taken away, and a setting that is not known, are said, too", () => {
    assert.deepEqual(settled({ slow_mode: null, edit_window: null }), ["no slow mode", "authors may edit and delete at any time"]);
    assert.deepEqual(settled({ edit_window: 0 }), ["authors may not edit or delete"]);
    assert.deepEqual(settled({ edit_window: 7200, members_may: { pin: true, mention_all: false } }), [
        "authors may edit and delete for 2 h",
        "members, too, may pin",
        "only moderators may mention everybody",
    ]);
    assert.equal(line("changed", { settings: { colour: "red" } }), "ana changed the room: other settings");
});

test("a line that is not known names its type", () => assert.equal(line("waved"), "waved (ana)"));

test("names are set apart from the words around them", () => {
    const evil = "ben\u202eevil";
    assert.deepEqual(said({ type: "banned", from: "ana", user: evil }), [{ name: "ana" }, " banned ", { name: evil }]);
    assert.deepEqual(said({ type: "renamed", from: evil, name: "\u2067x" }), [{ name: evil }, " named the room ", { name: "\u2067x" }]);
    for (const type of ["joined", "left", "muted", "unmuted", "changed", "opened", "closed", "waved"])
        for (const word of said({ type, from: evil, user: "cem", role: "reader" })) assert.ok(typeof word !== "string" || !word.includes("evil"), type);
});

test("many lines are one: who came and went by how they stand now, and how much else there was", () => {
    const line = (type, user, more) => ({ type, user, from: user, ...more });
    const words = (entries) => plain(folded(entries, (user) => user));
    assert.equal(words([line("joined", "ana"), line("joined", "ben"), line("left", "cem")]), "ana and ben joined; cem left");
    // Who left and came back has come; who came and went has gone.
    assert.equal(words([line("left", "ana"), line("joined", "ana"), line("joined", "ben"), line("left", "ben")]), "ana joined; ben left");
    assert.equal(words([line("joined", "ana", { role: "admin" }), line("renamed", undefined, { from: "ana" })]), "2 other changes");
    const many = ["a", "b", "c", "d", "e", "f"].map((user) => line("joined", user));
    assert.equal(words(many), "a, b, c and 3 others joined");
});
