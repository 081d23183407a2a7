// What somebody stumbled over who knew nothing but the page, in a real Chromium with one server.
// HUBBUB_PROGRAM=target/debug/hubbub node --test tests/page/walked.test.js

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { root, say, serve } from "../readme/tools.js";
import { Chromium } from "../sdk/chromium.js";

const program = join(root, process.env.HUBBUB_PROGRAM ?? "target/debug/hubbub");
const BOX = "[data-composer=room] textarea";
const focused = (selector) => `document.activeElement?.matches(${JSON.stringify(selector)})`;
const row = (text) => `[...document.querySelectorAll('.room-main article[data-seq]')].findLast((one) => one.innerText.includes(${JSON.stringify(text)}))`;
const KEYS = { Escape: 27, Enter: 13, ArrowUp: 38 };
let directory, server, chromium;

before(async () => {
    directory = await mkdtemp(join(tmpdir(), "hubbub-walked-"));
    [server, chromium] = await Promise.all([serve(program, directory), Chromium.start()]);
});

after(async () => {
    server?.stop();
    await chromium?.ends();
    await rm(directory, { recursive: true, force: true, maxRetries: 10 });
});

const at = (user, base = "") => `http://127.0.0.1:${server.port}${base}/?user=${user}`;

async function opens(user) {
    const page = await chromium.opens(at(user));
    await page.sees(`document.querySelector('${BOX}') && document.querySelector('[data-do=people]').innerText.includes('2')`);
    return page;
}

async function presses(page, key) {
    const event = key.length === 1 ? { key, text: key } : { key, code: key, windowsVirtualKeyCode: KEYS[key], ...(key === "Enter" && { text: "\r" }) };
    await page.does("Input.dispatchKeyEvent", { type: "keyDown", ...event });
    await page.does("Input.dispatchKeyEvent", { type: "keyUp", ...event });
}

/** Presses what is found, once it is there. */
const clicks = (page, selector) => page.sees(`(() => { const one = document.querySelector(${JSON.stringify(selector)}); one?.focus(); one?.click(); return Boolean(one); })()`);

/** The same of an item in a menu that is open. */
const chooses = (page, label) => page.sees(`(() => { const one = [...document.querySelectorAll('[role=menuitem]')].find((one) => one.innerText.includes(${JSON.stringify(label)})); one?.click(); return Boolean(one); })()`);

test("the page says who one is and opens a window for the other one", async () => {
    const page = await opens("ana");
    const start = await page.sees("document.querySelector('.start')?.innerText.includes('You are ana') && document.querySelector('.start a')?.href");
    assert.match(start, /[?&]user=ben/);
    await page.closes();
});

test("the keys of messages work at what stands in a message, too: a button has the focus there after Shift and Tab", async () => {
    await say(server.port, "the one above", "ben");
    await say(server.port, "the answered one", "ben");
    const page = await opens("ana");
    await page.sees(`(() => { const it = ${row("the answered one")}; it?.focus(); return Boolean(it); })()`);
    await presses(page, "a");
    await page.sees("document.querySelector('.mode')?.innerText.startsWith('Answering')");
    await page.says(BOX, "an answer");
    const button = `${row("an answer")}?.querySelector('.answers button')`;
    await page.sees(`(() => { const it = ${button}; it?.focus(); return Boolean(it) && document.activeElement === it; })()`);
    await presses(page, "e");
    await page.sees("document.querySelector('.mode')?.innerText.startsWith('Editing')");
    await presses(page, "Escape");
    await page.sees(`(() => { const it = ${button}; it?.focus(); return document.activeElement === it; })()`);
    await presses(page, "ArrowUp");
    await page.sees("document.activeElement.matches('article[data-from=ben]') && document.activeElement.innerText.includes('the answered one')");
    await page.closes();
});

test("the focus goes back to what opened a panel, and on to the next room where one is hidden", async () => {
    const page = await opens("ana");
    await clicks(page, "[data-do=people]");
    await page.sees(focused(".side h2"));
    await presses(page, "Escape");
    await page.sees(focused("[data-do=people]"));
    await clicks(page, '[data-do="new room"]');
    await page.says("dialog input:not([type=radio])", "Attic");
    await page.sees("document.querySelector('h1').innerText === 'Attic' && document.querySelector('.room[aria-current]')?.innerText.includes('Attic')");
    await clicks(page, "a[data-room=general]");
    await page.sees("document.querySelector('h1').innerText === 'General'");
    await clicks(page, ".room-item:has(a:not([aria-current])) .icon-button");
    await chooses(page, "Mute, but for mentions");
    await page.sees("document.querySelector('.room.muted')?.innerText.includes('muted')");
    await clicks(page, ".room-item:has(a:not([aria-current])) .icon-button");
    await chooses(page, "Hide from the list");
    await page.sees(`document.querySelectorAll('.room-item').length === 1 && ${focused("a[data-room=general]")}`);
    // Whoever finds it sees all rooms again.
    await page.says("#room-filter", "atti");
    await page.sees("document.querySelector('h1').innerText === 'Attic' && document.querySelector('#room-filter').value === '' && document.querySelectorAll('.room-item').length === 2");
    await page.closes();
});

test("a room of two is opened from the list of people, and called as it was where the page opens without a connection", async () => {
    const page = await opens("ana");
    await clicks(page, "[data-do=people]");
    await page.sees("document.querySelector('.people li')?.dataset.user === 'ana'");
    await clicks(page, ".people [data-user=ben] .icon-button");
    await chooses(page, "Message");
    await page.sees("document.querySelector('h1').innerText === 'ben'");
    await page.says(BOX, "between us");
    await page.sees("Object.entries(localStorage).some(([name, value]) => name.startsWith('hubbub rooms') && value.includes('\"ben\"') && value.includes('General'))");
    await page.sees("navigator.serviceWorker.controller !== null");
    await page.does("Network.emulateNetworkConditions", { offline: true, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
    await page.reloads();
    await page.sees("document.querySelector('#banner p')?.innerText.startsWith('You are offline')");
    await page.sees("document.querySelector('h1')?.innerText === 'ben' && [...document.querySelectorAll('.room')].some((one) => one.innerText.includes('General'))");
    await page.closes();
});

test("of somebody who is blocked neither typing nor reactions are shown, and the focus goes to a message that one has shown", async () => {
    const [ana, ben] = await Promise.all([opens("ana"), opens("ben")]);
    await ana.says(BOX, "of ana herself");
    await ben.says(BOX, "of one who is to be blocked");
    await ben.sees(`(() => { const it = ${row("of ana herself")}; it?.focus(); return document.activeElement === it && Boolean(it); })()`);
    await presses(ben, "Enter");
    await clicks(ben, "[role=menuitemcheckbox]");
    await ana.sees(`Boolean(${row("of ana herself")}?.querySelector('.reaction'))`);
    await ben.writes(BOX, "typing");
    await ana.sees("document.querySelector('.typing').innerText.includes('ben')");
    await clicks(ana, "[data-do=people]");
    await clicks(ana, ".people [data-user=ben] .icon-button");
    await chooses(ana, "Block");
    await clicks(ana, ".confirm .danger");
    await ana.sees(`${row("of ana herself")}?.querySelector('.reaction') === null && document.querySelector('.typing').innerText === ''`);
    // What is shown from now on names him nowhere, while he types and sends.
    await ana.is("window.typing = []; new MutationObserver(() => typing.push(document.querySelector('.typing').innerText)).observe(document.querySelector('.typing'), { childList: true, characterData: true, subtree: true });");
    await ben.says(BOX, ", and sent");
    await ben.writes(BOX, "and again");
    await ben.says(BOX, ", the last");
    await ana.sees("document.querySelectorAll('.room-main .tombstone button').length >= 3");
    assert.deepEqual(await ana.is("typing.filter((text) => text.includes('ben'))"), []);
    await ana.sees("(() => { const one = document.querySelector('.room-main .tombstone button'); one?.focus(); one?.click(); return Boolean(one); })()");
    await ana.sees(`document.activeElement?.matches('article[data-from=ben]')`);
    await Promise.all([ana.closes(), ben.closes()]);
});

test("below a path the page opens without its server, too", async () => {
    const other = await mkdtemp(join(tmpdir(), "hubbub-based-"));
    const before = server;
    server = await serve(program, other, ["--dev"], undefined, { HUBBUB_BASE_PATH: "/chat" });
    try {
        const page = await chromium.opens(at("ana", "/chat"));
        await page.sees(`document.querySelector('${BOX}') && navigator.serviceWorker.controller !== null`);
        assert.equal(await page.is("navigator.serviceWorker.controller.scriptURL"), `http://127.0.0.1:${server.port}/chat/sw.js`);
        await page.sees("document.querySelector('h1').innerText === 'General'");
        await page.sees("Object.keys(localStorage).some((name) => name.startsWith('hubbub rooms'))");
        server.stop();
        await page.reloads();
        await page.sees("document.querySelector('h1')?.innerText === 'General' && document.querySelector('#banner p')?.innerText.length > 0");
        await page.closes();
    } finally {
        server.stop();
        server = before;
        await rm(other, { recursive: true, force: true, maxRetries: 10 });
    }
});
