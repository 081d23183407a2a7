import assert from "node:assert/strict";
import { test } from "vitest";
import { alsoMentioned, mentioned, mentionsMe, parts } from "../src/composer/mentions.ts";

const people = ["ana", "ana.b", "ben", "a+b", "Çem"];

test("members are mentioned by @name, the longest that fits, each once", () => {
    assert.deepEqual(mentioned("hi @ana, @ben and @ana", people), { mentions: ["ana", "ben"] });
    assert.deepEqual(mentioned("@ana.b!", people), { mentions: ["ana.b"] });
    assert.deepEqual(mentioned("(@a+b) @Çem", people), { mentions: ["a+b", "Çem"] });
});

test("strangers, parts of words and addresses are not mentions", () => {
    assert.deepEqual(mentioned("@zoe @anastasia mail@ana.example", people), {});
    assert.deepEqual(mentioned("", people), {});
});

test("@all is everybody, unless a member is called so", () => {
    assert.deepEqual(mentioned("@all @ben", people), { mentions: ["ben"], mention_all: true });
    assert.deepEqual(mentioned("@all", [...people, "all"]), { mentions: ["all"] });
});

test("only who is mentioned is highlighted", () => {
    const message = { text: "hi @ana, @ben and @zoe", mentions: ["ana", "ben"] };
    assert.deepEqual(parts(message, "ben"), [
        { text: "hi " },
        { text: "@ana", who: "other" },
        { text: ", " },
        { text: "@ben", who: "me" },
        { text: " and @zoe" },
    ]);
    assert.deepEqual(parts({ text: "@all" }, "ben"), [{ text: "@all" }]);
    assert.deepEqual(parts({ text: "@all", mention_all: true }, "ben"), [{ text: "@all", who: "me" }]);
});

test("whoever is mentioned elsewhere than in the text is named", () => {
    assert.deepEqual(alsoMentioned({ text: "hi @ana", mentions: ["ana", "ben"] }), ["ben"]);
    assert.deepEqual(alsoMentioned({ text: "hi", mention_all: true }), ["everybody"]);
});

test("one's own words do not call oneself", () => {
    assert.equal(mentionsMe({ from: "ana", mention_all: true }, "ana"), false);
    assert.equal(mentionsMe({ from: "ben", mentions: ["ana"] }, "ana"), true);
    assert.equal(mentionsMe({ from: "ben", mentions: ["cem"] }, "ana"), false);
});

test("a name may have any character", () => {
    const marks = Array.from({ length: 94 }, (_, n) => String.fromCharCode(33 + n)).filter((mark) => mark !== "@");
    for (const mark of [...marks, "é", "名", "-"]) {
        const name = `x${mark}y`;
        assert.deepEqual(mentioned(`hi @${name}!`, ["ana", name]), { mentions: [name] }, name);
        assert.deepEqual(parts({ text: `@${name}`, mentions: [name] }, name), [{ text: `@${name}`, who: "me" }], name);
    }
    const id = "01a228d1-a73d-7341-abcd-07b6e69e0342";
    assert.deepEqual(mentioned(`@${id}`, [id]), { mentions: [id] });
});
