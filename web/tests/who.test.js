import assert from "node:assert/strict";
import { test } from "vitest";
import { plain } from "../src/ui/names.ts";
import { arranged, presenceWords, seenWords, typingWords } from "../src/people/who.ts";

test("who types, in words", () => {
    assert.equal(plain(typingWords(["ben"])), "ben is typing…");
    assert.equal(plain(typingWords(["ben", "cem"])), "ben and cem are typing…");
    assert.equal(plain(typingWords(["ben", "cem", "dan"])), "Several people are typing…");
    assert.deepEqual(typingWords([]), []);
});

test("who has seen it, in words", () => {
    assert.equal(plain(seenWords(["ben"], 1)), "Seen by ben");
    assert.equal(plain(seenWords(["ben", "cem"], 4)), "Seen by ben and cem");
    assert.equal(plain(seenWords(["ben", "cem", "dan"], 4)), "Seen by ben, cem and dan");
    assert.equal(plain(seenWords(["ben", "cem"], 2)), "Seen by everybody");
    assert.equal(plain(seenWords(["a", "b", "c", "d", "e", "f"], 9)), "Seen by a, b, c, d and 2 more");
    assert.equal(plain(seenWords(["a", "b", "c", "d", "e"], 9)), "Seen by a, b, c, d and e");
});

const NOW = Date.parse("2026-01-31T10:00:00.000Z");
const was = (last_seen) => presenceWords({ user: "ben", online: false, last_seen }, NOW);

test("when somebody was last seen, in words", () => {
    assert.equal(presenceWords({ user: "ben", online: true, last_seen: "2026-01-31T09:00:00.000Z" }, NOW), "online");
    assert.equal(was("2026-01-31T09:59:00.000Z"), "last seen a moment ago");
    assert.equal(was("2026-01-31T09:48:00.000Z"), "last seen 12 minutes ago");
    assert.equal(was("2026-01-31T08:01:00.000Z"), "last seen 1 hour ago");
    assert.equal(was("2026-01-30T09:00:00.000Z"), "last seen yesterday");
    assert.equal(was("2026-01-20T10:00:00.000Z"), "last seen 11 days ago");
    assert.equal(was(undefined), "offline");
    assert.equal(presenceWords(undefined, NOW), "");
});

test("oneself stands first among people, then who is there: nobody who comes or goes moves oneself", () => {
    const people = ["cem", "ana", "ben", "dan"].map((user) => ({ user, role: "member", since: 1 }));
    const order = (online, sought = "") => arranged(people, new Map(online.map((user) => [user, { user, online: true }])), (user) => user, sought, "cem").map(({ user }) => user);
    assert.deepEqual(order([]), ["cem", "ana", "ben", "dan"]);
    assert.deepEqual(order(["dan", "ben"]), ["cem", "ben", "dan", "ana"]);
    assert.deepEqual(order(["dan"], "A"), ["dan", "ana"]);
});
