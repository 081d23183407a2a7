import assert from "node:assert/strict";
import { test } from "vitest";
import { Boxes } from "../src/composer/boxes.ts";
import { asked, completed, offers } from "../src/composer/complete.ts";
import { boxed, editing, saying, tooLong } from "../src/composer/saying.ts";
import { Kept, shelfOf } from "../src/ui/store.ts";

const shelf = () => {
    const all = new Map();
    return { all, getItem: (name) => all.get(name) ?? null, setItem: (name, text) => void all.set(name, text), removeItem: (name) => void all.delete(name) };
};
const called = (id) => ({ ana: "Ana Lopes", ben: "Ben", bea: "Beatriz" })[id] ?? id;

test("a name is asked for behind an @ that begins a word", () => {
    assert.deepEqual(asked("hi @be", 6), { from: 3, prefix: "be" });
    assert.deepEqual(asked("@", 1), { from: 0, prefix: "" });
    assert.equal(asked("ana@example", 11), null);
    assert.equal(asked("@ben hi", 7), null);
    assert.deepEqual(asked("(@b and more", 3), { from: 1, prefix: "b" });
});

test("who begins so comes first, by id or by name, and everybody last", () => {
    const ids = (prefix, everybody = true) => offers(prefix, ["lea", "ana", "ben", "bea"], called, everybody).map(({ id }) => id);
    assert.deepEqual(ids("be"), ["ben", "bea"]);
    assert.deepEqual(ids("lo"), ["ana"]);
    assert.deepEqual(ids("ea"), ["lea", "bea"]);
    assert.deepEqual(ids("a"), ["ana", "lea", "bea", "all"]);
    assert.deepEqual(ids("al"), ["all"]);
    assert.deepEqual(ids("al", false), []);
});

test("what is chosen stands in the text, and one writes on behind it", () => {
    assert.deepEqual(completed("hi @be", { from: 3, prefix: "be" }, { id: "ben" }), { text: "hi @ben ", caret: 8 });
    assert.deepEqual(completed("hi @be there", { from: 3, prefix: "be" }, { id: "ben" }), { text: "hi @ben there", caret: 8 });
});

test("a message says who is mentioned, what it answers and where it goes", () => {
    assert.deepEqual(saying("hi @ben", ["ana", "ben"], {}), { text: "hi @ben", mentions: ["ben"] });
    assert.deepEqual(saying("hi", [], { thread: 3, in_room: true, answers: { seq: 7 } }), { text: "hi", thread: 3, in_room: true, reply_to: 7 });
    assert.deepEqual(saying("hi", [], { thread: 3, in_room: false }), { text: "hi", thread: 3 });
    assert.deepEqual(saying("hi", [], { in_room: true }), { text: "hi" });
});

test("an edit keeps the data, and who was mentioned although they have left", () => {
    const before = { seq: 4, mentions: ["cem"], data: { order: 1 } };
    assert.deepEqual(editing("@cem @ben", ["ben"], before), { target: 4, text: "@cem @ben", mentions: ["cem", "ben"], data: { order: 1 } });
});

test("what was typed waits while a message is edited, and nothing of the edit is said as an answer", () => {
    const edit = (text) => ({ does: "edit", entry: { seq: 1, text } });
    const answer = { does: "answer", entry: { seq: 2, text: "theirs" } };
    const kept = { draft: "typed", edit: null };
    assert.equal(boxed("typed", null, edit("old"), kept), "old");
    assert.equal(boxed("new", edit("old"), edit("other"), kept), "other");
    assert.equal(boxed("new", edit("old"), answer, kept), "typed");
    assert.equal(boxed("new", edit("old"), null, kept), "typed");
    assert.equal(boxed("typed", null, answer, { ...kept, draft: "" }), "typed");
    assert.equal(boxed("typed", answer, null, { ...kept, draft: "" }), "typed");
    assert.equal(boxed("typed", null, edit("old"), { ...kept, edit: "old, and more" }), "old, and more");
});

test("an edit that was not saved waits for its message, for as long as that says the same", () => {
    const boxes = new Boxes("ana", shelf());
    const message = { seq: 4, text: "old" };
    boxes.writeEdit("new", message, "general");
    assert.equal(boxes.readEdit(message, "general"), "new");
    assert.equal(boxes.readEdit({ seq: 4, text: "edited elsewhere" }, "general"), null);
    assert.equal(boxes.readEdit({ seq: 5, text: "old" }, "general"), null);
    assert.equal(boxes.read("general", 4), "");
    for (const over of ["old", null]) {
        boxes.writeEdit("new", message, "general");
        boxes.writeEdit(over, message, "general");
        assert.equal(boxes.readEdit(message, "general"), null);
    }
});

test("a text that is too long is not sent, counted in bytes", () => {
    assert.equal(tooLong("é".repeat(4096)), null);
    assert.equal(tooLong("é".repeat(4097)), "This text has 8194 bytes; a message has at most 8192.");
});

test("what stands in a box is kept for its room and thread, and by nobody else", () => {
    const store = shelf();
    const boxes = new Boxes("ana", store);
    boxes.write("hi", "general");
    boxes.write("reply", "general", 3);
    assert.deepEqual([new Boxes("ana", store).read("general"), boxes.read("general", 3), boxes.read("general", 4), boxes.read("hall"), new Boxes("ben", store).read("general")], ["hi", "reply", "", "", ""]);
    boxes.write("", "general");
    assert.equal(store.all.size, 1);
});

test("a browser that keeps nothing more does not stop one from writing", () => {
    const full = { ...shelf(), setItem: () => { throw new Error("full"); } };
    new Boxes("ana", full).write("hi", "general");
    const kept = new Kept("x", { theme: "system" }, full);
    kept.change({ theme: "dark" });
    assert.equal(kept.snapshot().theme, "dark");
});

test("where the browser's storage is closed, it holds until the page is left", () => {
    const shelf = shelfOf(() => { throw new DOMException("denied", "SecurityError"); });
    const boxes = new Boxes("ana", shelf);
    boxes.write("hi", "general");
    assert.equal(boxes.read("general"), "hi");
    boxes.write("", "general");
    assert.equal(boxes.read("general"), "");
    const own = {};
    assert.equal(shelfOf(() => own), own);
});

test("settings are kept, and what another version wrote is passed over", () => {
    const store = shelf();
    new Kept("x", { theme: "system", debug: true }, store).change({ theme: "dark" });
    assert.deepEqual(new Kept("x", { theme: "system", debug: true, more: 1 }, store).snapshot(), { theme: "dark", debug: true, more: 1 });
    store.setItem("x", "no JSON");
    assert.deepEqual(new Kept("x", { theme: "system" }, store).snapshot(), { theme: "system" });
    store.setItem("x", "null");
    assert.deepEqual(new Kept("x", { theme: "system" }, store).snapshot(), { theme: "system" });
});
