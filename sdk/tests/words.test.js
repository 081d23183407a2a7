import assert from "node:assert/strict";
import { test } from "node:test";
import { ending, failure, mayRetry, refusal, unsubscription } from "../dist/words.js";

test("what the SDK lost on the way and what the server calls temporary may be tried again", () => {
    assert.equal(mayRetry(failure({ code: 1, message: "timeout" })), true);
    assert.equal(mayRetry(failure({ code: 503, message: "", temporary: true })), true);
    assert.equal(mayRetry(failure({ code: 107, message: "bad request" })), false);
    assert.equal(mayRetry(failure(new Error("the socket is gone"))), true);
});

test("every refusal is a sentence, also one that this page does not know", () => {
    assert.equal(refusal({ code: 107, message: "bad request: text: 9000 bytes; the limit is 8192" }),
        "That is not possible: text: 9000 bytes; the limit is 8192.");
    assert.equal(refusal({ code: 107, message: "bad request: reaction: 65 bytes; the limit is 64" }),
        "That is not possible: reaction: 65 bytes; the limit is 64.");
    assert.equal(refusal({ code: 410, message: "target: this message was deleted" }), "That message was deleted.");
    assert.match(refusal({ code: 410, message: "this session is closed" }), /conversation has ended/);
    assert.match(refusal({ code: 106, message: "reaction: there are 50 already" }), /there are 50 already\.$/);
    assert.match(refusal({ code: 102, message: "unknown room" }), /no such room/);
    assert.match(ending(3500, "invalid token"), /token/);
    assert.match(ending(3999, "strange"), /strange \(3999\)/);
    assert.match(unsubscription(2000, "removed from the room"), /removed/);
});

test("times and waits are said as people say them", () => {
    const until = "2026-01-31T10:30:00.123Z";
    const muted = refusal({ code: 103, message: `muted in this room until ${until}` });
    assert.ok(muted.startsWith("Not allowed: muted in this room until ") && !muted.includes("Z"), muted);
    const slow = (wait) => refusal({ code: 111, message: `slow mode: one message in 30 s; retry in ${wait} ms with the same key` });
    assert.equal(slow(28123), "Slow mode: one message in 30 s. The next in 29 s.");
    assert.equal(slow(12), "Slow mode: one message in 30 s. The next in 1 s.");
    assert.match(refusal({ code: 503, message: "not yet: an older instance …", temporary: true }), /being updated/);
    assert.match(refusal({ code: 503, message: "the store does not answer", temporary: true }), /database/);
});

test("a room that was deleted is no message that was", () => {
    const gone = { code: 410, message: "this room was deleted; its id is never used again" };
    assert.equal(refusal(gone), "This room was deleted.");
    assert.equal(unsubscription(2001, "the room was deleted"), "This room was deleted.");
});
