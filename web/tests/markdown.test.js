import assert from "node:assert/strict";
import { test } from "vitest";
import { byParser, elsewhere, isPlain, jumbo, laborious, markdown, paragraphs, safe, wordsOf } from "../src/markdown/parse.ts";

const inline = (text) => markdown(text)[0].children;
const flat = (nodes) => nodes.map((one) => one.text ?? (one.children ? `${one.type}(${flat(one.children)})` : one.type)).join("|");

test("emphasis, code, lists and quotes are what they are", () => {
    assert.equal(flat(inline("a **b** _c_ ~~d~~ `e`")), "a |strong(b)| |emphasis(c)| |delete(d)| |e");
    assert.deepEqual(markdown("- a\n- b")[0].items.length, 2);
    assert.equal(markdown("3. a")[0].start, 3);
    assert.equal(markdown("> a")[0].type, "quote");
    assert.deepEqual(markdown("```\n<b>\n```"), [{ type: "code", text: "<b>" }]);
    assert.equal(flat(inline("a\nb")), "a\nb");
});

test("HTML, pictures, headings and what looks like a character are shown as they were written", () => {
    for (const text of ["<img src=x onerror=alert(1)>", "# not a heading", "a &amp; b", "a\n==="]) assert.equal(flat(markdown(text).flatMap(({ children }) => children)), text);
    // It is a link behind a mark: nothing is loaded.
    assert.equal(flat(inline("![x](https://example.com/x.png)")), "!|link(x)");
});

test("links lead to the web and to mail, and nowhere else", () => {
    const [link] = inline("[x](https://example.com/a)");
    assert.deepEqual([link.type, link.href], ["link", "https://example.com/a"]);
    for (const evil of ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "//example.com", "/here", "file:///etc/passwd", "vbscript:x"]) {
        assert.equal(safe(evil), null, evil);
        assert.ok(!JSON.stringify(markdown(`[x](${evil})`)).includes('"link"'), evil);
    }
    assert.equal(flat(inline("[x](javascript:alert)")), "[x](javascript:alert)");
    assert.equal(inline("see www.example.org now")[1].href, "http://www.example.org");
    assert.equal(inline("see https://example.com/a_b_c.")[1].href, "https://example.com/a_b_c");
    assert.equal(safe("mailto:ana@example.com"), "mailto:ana@example.com");
    // One that is called nothing is seen all the same.
    assert.equal(flat(inline("a [](https://example.com)")), "a |[](https://example.com)");
});

test("what would make a large tree is shown as it is", () => {
    for (const text of ["> ".repeat(4000) + "x", "[".repeat(8000), "*a_ ".repeat(2000), "- ".repeat(4000), "`".repeat(8000), "1) ".repeat(20) + "x"]) {
        assert.ok(laborious(text), text.slice(0, 10));
        assert.equal(flat(markdown(text)[0].children), text);
    }
    assert.ok(!laborious("- a\n".repeat(200)));
    assert.ok(depth(markdown("> > > > > > > > x")) <= 8);
});

test("a text that the parser is long at is shown as it is: nobody stops the pages of others with it", () => {
    const whole = (text) => text.slice(0, 8192);
    const slow = ["- a\n", "> a\n", "a\n", "1. a\n", "> =\n", "!", "&amp;", ")", ".", "a@b.c ", "http://a ", "www.a ", "- - ", "\\a", "'", "\n"];
    for (const some of slow) for (const before of ["x", "http://a", "[", "> "]) {
        const text = whole(before + some.repeat(8192));
        assert.ok(laborious(text), before + some);
        assert.equal(flat(markdown(text)[0].children), text);
    }
    const prose = "It is said (by some, at least) that “nobody” reads this; who does - well - sees https://example.com/a?b=c.\n";
    assert.ok(!laborious(prose.repeat(35)), "an ordinary long text is not");
});

test("code between fences is as long as it likes, and no fence hides what is not between them", () => {
    const code = "if (a[0] && b) { c(*d, `e`); }\n".repeat(200);
    assert.deepEqual(markdown(`**a**\n\`\`\`js\n${code}\`\`\`\n_b_`).map((one) => one.text ?? flat(one.children)), ["strong(a)", code.slice(0, -1), "emphasis(b)"]);
    assert.deepEqual(markdown("~~~\n```\n~~~~\nb").map(({ type, text }) => text ?? type), ["```", "paragraph"]);
    assert.deepEqual(markdown("```\nnever closed\n``").map(({ text }) => text), ["never closed\n``"]);
    assert.deepEqual(markdown("```a`b\nc").map(({ type }) => type), ["paragraph"]);
    assert.equal(flat(markdown(`\`\`\`\na\n\`\`\`\n${"*a_ ".repeat(300)}`)[1].children), "*a_ ".repeat(300));
});

function depth(nodes) {
    return Math.max(0, ...nodes.map((node) => 1 + depth(node.children ?? node.items?.flat() ?? [])));
}

test("a few emoji alone are shown large", () => {
    assert.deepEqual(["🎉", "👍🏽 ❤️", "🎉🎉🎉🎉", "1", "a🎉", ""].map(jumbo), [true, true, false, false, false, false]);
});

test("a link whose words name another address says where it leads", () => {
    const leads = (text) => {
        const link = inline(text).find(({ type }) => type === "link");
        return elsewhere(link.href, wordsOf(link.children));
    };
    assert.equal(leads("[https://bank.example](https://evil.example/bank.example)"), "evil.example");
    assert.equal(leads("[**bank**.example](https://evil.example)"), "evil.example");
    assert.equal(leads("[https://bank.example/in](https://bank.example@evil.example/in)"), "evil.example");
    assert.equal(leads("[ＢＡＮＫ．example](https://evil.example)"), "evil.example");
    assert.equal(leads("[bank.ex\u200bample](https://evil.example)"), "evil.example");
    assert.equal(leads("[https://bank.example](http://xn--bnk-5cd.example)"), "xn--bnk-5cd.example");
    assert.equal(leads("[a@bank.example](mailto:b@evil.example)"), "b@evil.example");
    // What looks like the address is a name for whoever serves it.
    assert.equal(leads("https://bank.example@evil.example/"), "evil.example");
    for (const fine of ["[here](https://evil.example)", "[v 1.2](https://evil.example)", "[www.bank.example](https://bank.example/a)", "https://bank.example/a.html", "anna.lee@bank.example", "[BANK.example](https://bank.example)", "[bücher.example](https://bücher.example)"]) {
        assert.equal(leads(fine), null, fine);
    }
});

test("what is taken for plain is what the parser says of it", () => {
    let seed = 7;
    const below = (n) => (seed = (seed * 48271) % 2147483647) % n;
    const bits = ["a", "B", " ", ".", ",", "-", "+", "1", ")", "(", ">", "/", ":", "w", "www", "#", "=", "|", "&amp;", "!", "]", "'", "é", "http", "mailto", "example.com", "@", "*", "_", "<", "\\", "\n", "\n\n", "\n", "\n \n", "  \n", "\t", "\r", "\u00a0"];
    let plain = 0;
    let long = 0;
    for (let round = 0; round < 3_000; round += 1) {
        const text = Array.from({ length: 1 + below(9) }, () => bits[below(bits.length)]).join("").trim();
        if (!text || !isPlain(text)) continue;
        plain += 1;
        long += text.includes("\n") ? 1 : 0;
        assert.deepEqual(paragraphs(text), byParser(text), JSON.stringify(text));
    }
    assert.ok(plain > 350 && long > 60, `${plain}, ${long} of them of several lines`);
    for (const text of ["Well-known: it costs 3.50 (or so), you see.", "10:30 - later", "a > b", "one\ntwo\n\nthree"]) assert.ok(isPlain(text), text);
});
