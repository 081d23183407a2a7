// Somebody scrolls through a room of 100,000 messages in a real Chromium.
// HUBBUB_PROGRAM=target/debug/hubbub node --test tests/page/*.test.js

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { root, serve } from "../readme/tools.js";
import { Chromium } from "../sdk/chromium.js";
import { Crowd } from "./crowd.js";
import { walks } from "./walker.js";

const program = join(root, process.env.HUBBUB_PROGRAM ?? "target/debug/hubbub");
const LONG = Boolean(process.env.HUBBUB_LONG);
const MESSAGES = 100_000;
/** So far is walked from either end: several times what is held. With HUBBUB_LONG all of it is walked up. */
const SOME = 1_300;
/** So many rows fit on the screen and a little beyond it; the page holds some hundreds of messages, of at most this many bytes. */
const ROWS = 60;
const NODES = 1_000;
const HEAP = 12 * 2 ** 20;

let directory, server, chromium, page, first, last;

before(async () => {
    directory = await mkdtemp(join(tmpdir(), "hubbub-scroll-"));
    [server, chromium] = await Promise.all([serve(program, directory), Chromium.start()]);
    const crowd = await Crowd.gathers(server.port, "long");
    const { stdout } = await promisify(execFile)("python3", [join(root, "tests/page/filled.py"), join(directory, "hubbub.db"), "long", String(MESSAGES)]);
    [first, last] = stdout.split(" ").map(Number);
    // Who sends has read: she begins at the end.
    await crowd.asks("POST", "/v1/rooms/long/messages", { from: "ana", text: `message ${last + 1}` });
    last += 1;
    page = await chromium.opens(`http://127.0.0.1:${server.port}/?user=ana&room=long`);
    await page.sees(`document.querySelector('.log [data-seq="${last}"]') !== null`);
});

after(async () => {
    server?.stop();
    await chromium?.ends();
    await rm(directory, { recursive: true, force: true, maxRetries: 10 });
});

const heap = async () => {
    await page.does("HeapProfiler.collectGarbage");
    return (await page.does("Runtime.getHeapUsage")).usedSize;
};
const bounded = ({ rows, nodes }) => {
    assert.ok(rows <= ROWS, `${rows} rows are drawn`);
    assert.ok(nodes <= NODES, `${nodes} elements are drawn`);
};
const presses = async (key, code) => {
    await page.is("document.querySelector('.room-main .log').focus()");
    for (const type of ["rawKeyDown", "keyUp"]) await page.does("Input.dispatchKeyEvent", { type, key, code: key, windowsVirtualKeyCode: code });
};

test("100,000 messages are met in order, each once, up to the first and down again, and few of them are held", async () => {
    const began = await heap();
    const far = LONG ? first : last - SOME;
    bounded(await walks(page, far, false));
    if (!LONG) {
        await presses("Home", 36);
        await page.sees(`document.querySelector('.log [data-seq="${first}"]') !== null && document.querySelector('.log .start') !== null`);
    }
    assert.ok((await page.is("document.querySelector('.to-end')?.innerText")) !== undefined, "nothing leads back to the end");
    assert.ok((await heap()) - began < HEAP, `${(await heap()) - began} bytes more are held than in the beginning`);
    bounded(await walks(page, first + SOME, true));
    assert.ok((await heap()) - began < HEAP, `${(await heap()) - began} bytes more are held than in the beginning`);
    await presses("End", 35);
    await page.sees(`document.querySelector('.log [data-seq="${last}"]') !== null && document.querySelector('.to-end') === null`);
    // From here it goes on.
    await page.says("[data-composer=room] textarea", `message ${last + 1}`);
    await page.sees(`document.querySelector('.log [data-seq="${last + 1}"]') !== null`);
    bounded(await walks(page, last - 100, false));
    assert.deepEqual(page.faults, []);
});

test("what is shown takes clicks while the log scrolls, as it does with every message that comes", async () => {
    const hit = await page.is(`(async () => {
        const log = document.querySelector('.room-main .log');
        const scrolled = new Promise((is) => log.addEventListener('scroll', is, { once: true }));
        log.scrollTop -= 50;
        await scrolled;
        // The list has drawn what follows from it.
        for (let n = 0; n < 3; n += 1) await new Promise((is) => requestAnimationFrame(is));
        const { x, y, width, height } = log.getBoundingClientRect();
        return document.elementFromPoint(x + width / 2, y + height / 2).closest('.row-of-log') !== null;
    })()`);
    assert.ok(hit, "the row in the middle of the log does not get what is pressed there");
});
