import assert from "node:assert/strict";
import { test } from "node:test";
import { Node } from "./document.js";
import { Compose } from "../.tests/web/src/compose.js";

function compose() {
    const text = new Node("textarea");
    const send = new Node("button");
    send.type = "submit";
    const mode = new Node("p", "mode", new Node("span"));
    const over = new Node("p", "over");
    const why = new Node("p", "why");
    for (const one of [mode, over, why]) one.hidden = true;
    const form = new Node("form", "", mode, text, send, over, why);
    const written = [];
    const made = new Compose(form, (what) => written.push(what));
    const submit = () => form.heard.submit({ preventDefault() {} });
    return { compose: made, text, send, mode, over, why, written, submit };
}

test("whoever edits what is deleted meanwhile is told, and nothing of it is left in the box", () => {
    const { compose: one, text, mode, over, send, written, submit } = compose();
    text.value = "half a thought";
    one.edit(7, "the deleted text");
    text.value += ", and more";
    one.follow((seq) => seq === 6);
    assert.equal(text.value, "the deleted text, and more");
    one.follow((seq) => seq === 7);
    assert.deepEqual([text.value, mode.hidden, send.textContent], ["half a thought", true, "Send"]);
    assert.equal(over.hidden, false);
    assert.equal(over.textContent, "#7 was deleted while you were editing it.");
    submit();
    assert.deepEqual(written, [{ text: "half a thought", in_room: false }]);
});

test("a box that is closed says why, and keeps what was being written", () => {
    const { compose: one, text, send, why } = compose();
    text.value = "half a thought";
    one.closed("You are muted here until 11:00.");
    assert.deepEqual([text.disabled, send.disabled, why.hidden, why.textContent], [true, true, false, "You are muted here until 11:00."]);
    assert.equal(one.focus(), false);
    one.closed(null);
    assert.deepEqual([text.disabled, send.disabled, why.hidden, text.value], [false, false, true, "half a thought"]);
    assert.equal(one.focus(), true);
});

test("an answer says what it answers, once", () => {
    const { compose: one, text, mode, written, submit } = compose();
    one.answer(5);
    assert.equal(mode.hidden, false);
    text.value = "yes";
    submit();
    text.value = "and";
    submit();
    assert.deepEqual(written, [{ text: "yes", in_room: false, reply_to: 5 }, { text: "and", in_room: false }]);
    one.answer(5);
    one.edit(6, "old");
    text.value = "new";
    submit();
    assert.deepEqual(written.at(-1), { text: "new", in_room: false, edits: 6 });
});
