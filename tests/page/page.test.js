// The web chat in a real Chromium, where it takes no more than one server: what no test of pure parts sees.
// HUBBUB_PROGRAM=target/debug/hubbub node --test tests/page/page.test.js

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { KEY, root, say, serve } from "../readme/tools.js";
import { Chromium } from "../sdk/chromium.js";

const program = join(root, process.env.HUBBUB_PROGRAM ?? "target/debug/hubbub");
const BOX = "[data-composer=room] textarea";
const box = `document.querySelector('${BOX}').value`;
const mode = "(document.querySelector('.mode')?.innerText ?? '')";
let directory, server, chromium;

before(async () => {
    directory = await mkdtemp(join(tmpdir(), "hubbub-page-"));
    [server, chromium] = await Promise.all([serve(program, directory), Chromium.start()]);
});

after(async () => {
    server?.stop();
    await chromium?.ends();
    await rm(directory, { recursive: true, force: true, maxRetries: 10 });
});

/** A window in which the room is shown, and who is in it is known. `first` runs before the page does. */
async function opens(user, first = "") {
    const page = await chromium.opens("about:blank");
    if (first) await page.does("Page.addScriptToEvaluateOnNewDocument", { source: first });
    await page.does("Page.navigate", { url: `http://127.0.0.1:${server.port}/?user=${user}` });
    await page.sees(`document.querySelector('${BOX}') && document.querySelector('[data-do=people]').innerText.includes('2')`);
    return page;
}

/** Waits for a message in the log, and presses a key at it. */
async function pressesAt(page, text, key) {
    await page.sees(`(() => {
        const row = [...document.querySelectorAll('.room-main article[data-seq]')].findLast((one) => one.innerText.includes(${JSON.stringify(text)}));
        row?.focus();
        return row !== undefined && document.activeElement === row;
    })()`);
    await presses(page, key);
}

async function presses(page, key) {
    const event = key.length === 1 ? { key, text: key } : { key, code: key, windowsVirtualKeyCode: { Escape: 27 }[key] };
    await page.does("Input.dispatchKeyEvent", { type: "keyDown", ...event });
    await page.does("Input.dispatchKeyEvent", { type: "keyUp", ...event });
}

const mouse = (page, type, x, y) => page.does("Input.dispatchMouseEvent", { type, x, y, button: "left", buttons: type === "mouseReleased" ? 0 : 1, clickCount: 1 });

test("what was typed waits while a message is edited, and answering another one says nothing of the edit", async () => {
    await say(server.port, "of ben", "ben");
    const page = await opens("ana");
    await page.says(BOX, "of ana");
    await page.writes(BOX, "typed before");
    await pressesAt(page, "of ana", "e");
    await page.sees(`${box} === 'of ana' && ${mode}.startsWith('Editing')`);
    await page.does("Input.insertText", { text: ", and more" });
    await page.sees(`${box}.endsWith(', and more')`);
    await pressesAt(page, "of ben", "a");
    await page.sees(`${box} === 'typed before' && ${mode}.startsWith('Answering')`);
    await page.reloads();
    await page.sees(`document.querySelector('${BOX}') && ${box} === 'typed before'`);
    // What was written of the edit is there when it goes on.
    await page.sees("document.querySelector('[data-do=people]').innerText.includes('2')");
    await pressesAt(page, "of ana", "e");
    await page.sees(`${box}.endsWith(', and more') && ${mode}.startsWith('Editing')`);
    assert.deepEqual(page.faults, []);
    await page.closes();
});

test("where the browser keeps nothing for the page, it is shown all the same", async () => {
    const closed = "for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(window, name, { get() { throw new DOMException('denied', 'SecurityError'); } });";
    const page = await opens("ben", closed);
    await page.says(BOX, "without any storage");
    await page.sees("[...document.querySelectorAll('article[data-seq]')].some((one) => one.innerText.includes('without any storage'))");
    assert.deepEqual(page.faults, []);
    await page.closes();
});

test("a dialog is closed by a press beside it, and not by marking text in it and letting go there", async () => {
    const page = await opens("ana");
    const input = "document.querySelector('dialog input:not([type=radio])')";
    await page.is("document.querySelector('[data-do=\"new room\"]').click()");
    await page.sees(`${input} !== null && document.activeElement === ${input}`);
    await page.does("Input.insertText", { text: "A long name" });
    const [x, y] = await page.is(`(({ left, top, height }) => [left + 10, top + height / 2])(${input}.getBoundingClientRect())`);
    await mouse(page, "mousePressed", x, y);
    await mouse(page, "mouseMoved", 3, y);
    await mouse(page, "mouseReleased", 3, y);
    assert.equal(await page.is(`${input}?.value`), "A long name");
    await mouse(page, "mousePressed", 3, y);
    await mouse(page, "mouseReleased", 3, y);
    await page.sees("document.querySelector('dialog') === null");
    await page.closes();
});

test("a key that ends the putting together of a character closes no panel", async () => {
    const page = await opens("ana");
    await pressesAt(page, "of ben", "t");
    const reply = "document.querySelector('[data-composer=thread] textarea')";
    await page.sees(`${reply} !== null && document.activeElement === ${reply}`);
    await page.does("Input.imeSetComposition", { text: "に", selectionStart: 1, selectionEnd: 1 });
    await presses(page, "Escape");
    assert.equal(await page.is(`${reply} !== null`), true);
    await page.does("Input.insertText", { text: "に" });
    await presses(page, "Escape");
    await page.sees(`${reply} === null`);
    await page.closes();
});

test("who is at the end of a log stays there, however the window changes", async () => {
    const page = await opens("ana");
    for (let n = 0; n < 12; n += 1) await say(server.port, `line ${n}`);
    await page.sees("[...document.querySelectorAll('article[data-seq]')].some((one) => one.innerText.includes('line 11'))");
    // As a phone has it whose keyboard comes and goes, and a window that is made larger and smaller.
    for (const [width, height] of [[320, 400], [320, 1600], [320, 400], [700, 900], [1280, 500], [1280, 800]]) {
        await page.does("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: false });
        await page.sees(`(({ scrollHeight, clientHeight, scrollTop }) => innerHeight === ${height} && scrollHeight - clientHeight - scrollTop < 20)(document.querySelector('.log'))`);
    }
    await page.closes();
});

test("a new name, and that only moderators write, are seen at once by whoever has the room open", async () => {
    const asks = async (method, path, body) => {
        const headers = { Authorization: `Bearer ${KEY}`, "Content-Type": "application/json" };
        const answer = await fetch(`http://127.0.0.1:${server.port}/v1/rooms${path}`, { method, headers, body: JSON.stringify(body) });
        assert.ok(answer.ok, await answer.text());
    };
    await asks("POST", "", { id: "shed", kind: "private", name: "Shed" });
    await asks("PUT", "/shed/members/ben", { role: "member" });
    const page = await chromium.opens(`http://127.0.0.1:${server.port}/?user=ben&room=shed`);
    await page.sees(`document.querySelector('#room')?.innerText === 'Shed' && document.querySelector('${BOX}')?.disabled === false`);
    await asks("PATCH", "/shed", { name: "Barn" });
    await page.sees("document.querySelector('#room').innerText === 'Barn'");
    await asks("PATCH", "/shed", { settings: { frozen: true } });
    await page.sees(`document.querySelector('${BOX}').disabled === true`);
    await asks("PATCH", "/shed", { settings: { frozen: false } });
    await page.sees(`document.querySelector('${BOX}').disabled === false`);
    await page.closes();
});
