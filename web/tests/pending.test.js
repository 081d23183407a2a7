import assert from "node:assert/strict";
import { test } from "vitest";
import { pendingOn, reacts } from "../src/room/pending.ts";

const message = (more) => ({ type: "message", seq: 3, text: "old", ...more });
const doing = (method, what, more) => ({ key: `${method} key`, method, what: { target: 3, ...what }, ...more });

test("what is on its way is shown at its message", () => {
    const all = [doing("react", { reaction: "🎉" }), doing("pin", {}), doing("pin", { target: 4 })];
    assert.deepEqual(pendingOn(message(), all), { words: [{ does: "reacting", what: "🎉" }, { does: "pinning …" }] });
    assert.equal(pendingOn(message({ seq: 5 }), all), null);
    assert.equal(pendingOn(message(), [{ key: "k", method: "mute", what: { user: "ben" } }]), null);
});

test("an edit shows its new text, the last of several, and whether it was refused", () => {
    const first = doing("edit", { text: "one" });
    assert.deepEqual(pendingOn(message(), [first]), { text: "one", words: [{ does: "saving …" }] });
    const refused = { ...doing("edit", { text: "two" }), key: "k2", error: "Not allowed." };
    assert.deepEqual(pendingOn(message(), [first, refused]), {
        text: "two",
        words: [{ does: "saving …" }],
        refused: { key: "k2", why: "Not allowed." },
    });
});

test("nothing is shown of what was deleted", () => assert.equal(pendingOn(message({ gone: true }), [doing("edit", { text: "x" })]), null));

test("whether one reacts is what the last on its way says", () => {
    const mine = message({ reactions: [{ reaction: "+1", count: 1, me: true, users: [] }] });
    assert.equal(reacts(mine, "+1", []), true);
    assert.equal(reacts(mine, "+1", [doing("unreact", { reaction: "+1" })]), false);
    assert.equal(reacts(mine, "+1", [doing("unreact", { reaction: "+1" }), doing("react", { reaction: "+1" })]), true);
    assert.equal(reacts(mine, "no", [doing("react", { reaction: "no", target: 4 })]), false);
});
