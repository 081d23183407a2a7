import assert from "node:assert/strict";
import { test } from "node:test";
import "./document.js";
import { drawn } from "../.tests/web/src/message.js";

const no = () => false;
const look = { me: "ana", way: null, offers: no, reacts: no, pending: () => null, seen: () => [], again: no, place: "room" };
const at = "2026-01-31T09:30:00.000Z";
const message = (more, how = {}) => drawn({ kind: "entry", key: "k", entry: { type: "message", seq: 3, from: "ben", at, text: "hi", ...more } }, false, { ...look, ...how });
const texts = (node, selector) => node.querySelectorAll(selector).map((one) => one.textContent);

test("names and reactions turn the direction of nothing but themselves", () => {
    const evil = "\u202eabc";
    const node = message({ from: evil, mentions: ["\u2067cem"], reactions: [{ reaction: evil, count: 5, me: false, users: [evil] }] });
    assert.deepEqual(texts(node, "bdi"), [evil, "\u2067cem", evil]);
    const chip = node.querySelector(".reaction");
    assert.equal(chip.textContent, `${evil} 5`);
    for (const name of ["aria-label", "title"]) assert.ok(!chip.attributes.get(name).includes("\u202e"), name);
    const line = drawn({ kind: "entry", key: "k", entry: { type: "banned", seq: 4, from: "ana", user: evil, at } }, false, look);
    assert.deepEqual(texts(line, "bdi"), ["ana", evil]);
});

test("who reacted can be asked, also by those who do not react", () => {
    const node = message({ reactions: [{ reaction: "+1", count: 12, me: false, users: ["ben"] }] });
    assert.equal(node.querySelector(".reaction").disabled, true);
    const who = node.querySelector("[data-do=who]");
    assert.deepEqual([who.textContent, who.disabled], ["who?", false]);
});

test("what is on its way is seen, and an edit that was refused can be tried again", () => {
    const pending = { text: "new", words: [{ does: "saving …" }, { does: "reacting", what: "🎉" }], refused: { key: "k9", why: "Not allowed." } };
    const node = message({}, { pending: () => pending });
    assert.deepEqual(texts(node, ".text"), ["new"]);
    assert.deepEqual(texts(node, ".pending"), ["saving …", "reacting 🎉 …"]);
    assert.deepEqual(texts(node, ".error"), ["Not saved. Not allowed."]);
    assert.deepEqual(node.querySelectorAll("button").map(({ dataset, attributes }) => [dataset.do, attributes.get("data-key")]), [["edit again", "k9"], ["edit discard", "k9"]]);
    assert.deepEqual(texts(message({}), ".pending"), []);
});

test("a draft that cannot go again is only discarded", () => {
    const draft = { key: "a", text: "hi", at, state: "refused", error: "That message was deleted." };
    const buttons = (again) => texts(drawn({ kind: "draft", key: "k", draft }, false, { ...look, again: () => again }), "button");
    assert.deepEqual([buttons(true), buttons(false)], [["Try again", "Discard"], ["Discard"]]);
});

test("what is answered can be gone to", () => {
    const find = message({ reply_to: 1 }).querySelector("[data-do=answered]");
    assert.deepEqual([find.textContent, find.attributes.get("data-target")], ["answers #1", "1"]);
});

test("who has seen a message stands below it, and is not said aloud each time", () => {
    const [line] = message({}, { seen: (seq) => (seq === 3 ? ["Seen by ", { name: "cem" }] : []) }).querySelectorAll(".seen");
    assert.deepEqual([line.textContent, line.attributes.get("aria-live")], ["Seen by cem", "off"]);
    assert.equal(message({}).querySelector(".seen"), null);
});

test("a line stands before what is new", () => {
    const line = drawn({ kind: "new", key: "new" }, false, look);
    assert.deepEqual([line.className, line.textContent], ["line new", "New messages"]);
});
