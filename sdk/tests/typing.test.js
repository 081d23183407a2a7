import assert from "node:assert/strict";
import { test } from "node:test";
import { OthersTyping, OwnTyping } from "../dist/typing.js";

const signal = (user, more) => ({ type: "typing", user, for: 6, ...more });

test("who writes says so now and then, and at once after a message", () => {
    const own = new OwnTyping();
    const at = (...times) => times.filter((now) => own.writes("h", undefined, now));
    assert.deepEqual(at(0, 100, 1_900, 2_999, 3_000, 3_100, 6_001), [0, 3_000, 6_001]);
    own.sent();
    assert.equal(own.writes("h", undefined, 6_002), true);
    assert.equal(own.writes("  ", undefined, 60_000), false);
});

test("in another place it is said earlier, and not with each letter", () => {
    const own = new OwnTyping();
    assert.equal(own.writes("h", undefined, 0), true);
    assert.equal(own.writes("h", 7, 1_000), false);
    assert.equal(own.writes("h", 7, 1_600), true);
});

test("it is over when it says, and goes on with the next", () => {
    const others = new OthersTyping("ana");
    others.heard(signal("ben"), 1_000);
    others.heard(signal("cem", { for: 2 }), 1_000);
    assert.deepEqual([others.who(undefined, 2_999), others.next(1_000)], [["ben", "cem"], 3_000]);
    assert.deepEqual(others.who(undefined, 3_000), ["ben"]);
    others.heard(signal("ben"), 5_000);
    assert.deepEqual([others.who(undefined, 10_999), others.who(undefined, 11_000)], [["ben"], []]);
    assert.equal(others.next(11_000), null);
});

test("it is over with the message, and with the membership", () => {
    const others = new OthersTyping("ana");
    const heard = () => ["ben", "cem", "dan"].forEach((user) => others.heard(signal(user), 0));
    heard();
    others.entry({ type: "message", from: "ben" });
    others.entry({ type: "left", from: "ana", user: "cem" });
    others.entry({ type: "reacted", from: "dan" });
    assert.deepEqual(others.who(undefined, 1), ["dan"]);
});

test("threads have their own, and one's other window is not told of", () => {
    const others = new OthersTyping("ana");
    others.heard(signal("ana"), 0);
    others.heard(signal("ben", { thread: 4 }), 0);
    assert.deepEqual([others.who(undefined, 1), others.who(4, 1), others.who(5, 1)], [[], ["ben"], []]);
});
