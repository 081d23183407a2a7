import assert from "node:assert/strict";
import { test } from "vitest";
import { isolated, plain } from "../src/ui/names.ts";
import { byReaction } from "../src/timeline/reactors.ts";
import { reactionsBut } from "../src/timeline/unseen.ts";

test("a name in a label turns nothing around it", () => {
    assert.equal(isolated("ana.b"), "ana.b");
    assert.equal(isolated("\u202eabc"), "abc");
    assert.equal(isolated("a\u2069\u2066\u061cb\u200f"), "ab");
    assert.equal(isolated("אבג"), "\u2068אבג\u2069");
    assert.equal(isolated("\u202eאבג\u2069"), "\u2068אבג\u2069");
    assert.equal(plain([{ name: "ana" }, " left"]), "ana left");
});

test("who reacted is listed by reaction, in the order of the answer", () => {
    const one = (reaction, user) => ({ reaction, user });
    const all = byReaction({ reactions: [one("+1", "ana"), one("🎉", "ben"), one("+1", "cem"), one("__proto__", "dan")] }, new Set());
    assert.deepEqual(all, [["+1", ["ana", "cem"]], ["🎉", ["ben"]], ["__proto__", ["dan"]]]);
    assert.deepEqual(byReaction({ reactions: [] }, new Set()), []);
    assert.deepEqual(byReaction({ reactions: [one("+1", "ana"), one("🎉", "ben")] }, new Set(["ben"])), [["+1", ["ana"]]]);
});

test("reactions of people whom one has blocked are neither shown nor counted, as far as it is said who they are", () => {
    const reactions = [{ reaction: "+1", count: 9, users: ["ana", "ben"], me: true }, { reaction: "🎉", count: 1, users: ["ben"], me: false }];
    assert.deepEqual(reactionsBut(reactions, new Set(["ben"])), [{ reaction: "+1", count: 8, users: ["ana"], me: true }]);
    // What is the same is the same object: it is not drawn anew.
    assert.equal(reactionsBut(reactions, new Set(["cem"])), reactions);
    assert.equal(reactionsBut(reactions, new Set()), reactions);
});
