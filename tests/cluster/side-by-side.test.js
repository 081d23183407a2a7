// The page side by side of `make cluster`, in a real Chromium and on the real cluster: an instance is killed by its button
// while two people write, and what they wrote stands in both windows, once and in order.
// HUBBUB_PROGRAM=target/debug/hubbub node --test tests/cluster/side-by-side.test.js

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { env, root } from "../readme/tools.js";
import { Chromium } from "../sdk/chromium.js";

const program = resolve(root, process.env.HUBBUB_PROGRAM ?? "target/debug/hubbub");
/** How wide the page is looked at, in which theme. */
const ALL = ["light", "dark"].flatMap((theme) => [320, 768, 1280, 1920].map((width) => ({ width, theme })));
const LOOKS = process.env.HUBBUB_LONG ? ALL : [{ width: 320, theme: "light" }, { width: 1280, theme: "dark" }];
const PEOPLE = ["ana", "ben"];

let directory, script, printed, chromium, page, address, instances;
let exit;

before(async () => {
    directory = await mkdtemp(join(tmpdir(), "hubbub-side-by-side-"));
    // Postgres runs as somebody else where we are root.
    await chmod(directory, 0o755);
    script = spawn(join(root, "scripts/cluster"), { env: { ...env, HUBBUB_BINARY: program, TMPDIR: directory }, stdio: ["ignore", "pipe", "inherit"] });
    exit = once(script, "exit");
    printed = "";
    await new Promise((is, not) => {
        script.stdout.on("data", (data) => {
            printed += data;
            if (printed.includes("Ctrl-C ends everything.")) is();
        });
        exit.then(([code]) => not(new Error(`scripts/cluster ended with ${code}:\n${printed}`)));
    });
    instances = [...printed.matchAll(/^Instance \d (\S+)/gm)].map(([, url]) => url);
    chromium = await Chromium.start();
});

after(async () => {
    await chromium?.ends();
    if (script?.exitCode === null) {
        script.kill("SIGTERM");
        await exit;
    }
    await rm(directory, { recursive: true, force: true, maxRetries: 10 });
});

const window_of = (person) => `document.querySelector('[data-person=${person}] iframe').contentDocument`;
const text_of = (person, what) => `document.querySelector('[data-person=${person}] ${what}').textContent`;
const row = (number) => `document.querySelectorAll('.instances li')[${number - 1}]`;
const is_in = (number, state) => page.sees(`${row(number)}?.dataset.state === '${state}'`);
const is_on = (person, ...numbers) =>
    page.sees(`${JSON.stringify(numbers.map((n) => `on instance ${n}`))}.includes(${text_of(person, ".where")})`);
/** What stands in the window, as people read it. */
const said = (person) =>
    page.is(`[...${window_of(person)}.querySelectorAll('.room-main .log .message .text')].map((one) => one.innerText.trim())`);

async function presses(key, code) {
    const named = { key, code: key, windowsVirtualKeyCode: code, ...(key === "Enter" && { text: "\r" }) };
    await page.does("Input.dispatchKeyEvent", { type: key === "Enter" ? "keyDown" : "rawKeyDown", ...named });
    await page.does("Input.dispatchKeyEvent", { type: "keyUp", ...named });
}

/** Clicks on the middle of something, as a hand does. */
async function clicks(element) {
    const [x, y] = await page.sees(`(() => {
        const one = ${element};
        one.scrollIntoView({ block: 'nearest' });
        const { x, y, width, height } = one.getBoundingClientRect();
        return [x + width / 2, y + height / 2];
    })()`);
    for (const type of ["mousePressed", "mouseReleased"]) {
        await page.does("Input.dispatchMouseEvent", { type, x, y, button: "left", clickCount: 1 });
    }
}

/** Writes into the window of somebody with the keyboard; does not wait for anything to become of it. */
async function writes(person, text) {
    const box = `${window_of(person)}?.querySelector('[data-composer=room] textarea')`;
    await page.sees(`(() => { const box = ${box}; box?.focus(); return document.activeElement?.contentDocument?.activeElement === box; })()`);
    await page.does("Input.insertText", { text });
    await page.sees(`${box}.value === ${JSON.stringify(text)}`);
    await presses("Enter", 13);
    await page.sees(`${box}.value === ''`);
}

const lines = { ana: [], ben: [] };

async function both_write(times) {
    for (let time = 0; time < times; time += 1) {
        for (const person of PEOPLE) {
            const text = `${person} says ${lines[person].length + 1}`;
            lines[person].push(text);
            await writes(person, text);
        }
    }
}

/** Both windows say the same: all that was written, each once, and what one wrote in the order in which it was written. */
async function nothing_is_lost() {
    const all = lines.ana.length + lines.ben.length;
    for (const person of PEOPLE) {
        await page.sees(`${window_of(person)}.querySelectorAll('.room-main .log .message[data-seq] .text').length >= ${all}
            && ${window_of(person)}.querySelector('.message.draft') === null`);
        const other = PEOPLE.find((one) => one !== person);
        const name = { ana: "Ana", ben: "Ben" }[other];
        await page.sees(`${text_of(person, ".count")} === '${name} has written ${lines[other].length}; all of them are here.'`);
    }
    const [ana, ben] = await Promise.all(PEOPLE.map(said));
    assert.deepEqual(ana, ben);
    assert.equal(ana.length, all, ana.join("\n"));
    for (const person of PEOPLE) assert.deepEqual(ana.filter((text) => text.startsWith(person)), lines[person]);
}

test("it is the first thing to open, and has two people on two instances", async () => {
    [address] = printed.match(/http:\/\/\S+/);
    assert.ok(address.endsWith("/side-by-side/"), `the first address is ${address}`);
    page = await chromium.opens(address);
    await page.does("Emulation.setDeviceMetricsOverride", { width: 1280, height: 1600, deviceScaleFactor: 1, mobile: false });
    await is_on("ana", 1);
    await is_on("ben", 2);
    await page.sees(`${row(2)}.querySelector('.here').textContent === 'Ben is here'`);
    for (const number of [1, 2, 3]) await is_in(number, "serving");
    // The windows have taken the focus from nobody.
    assert.equal(await page.is("document.activeElement === document.body && scrollY"), 0);
});

test("an instance is killed while both write, and started again, and nothing is lost", async () => {
    await both_write(3);
    await clicks(`${row(2)}.querySelector('button')`);
    await both_write(4);
    await is_in(2, "killed");
    await is_on("ben", 1, 3);
    await page.sees("document.querySelector('#news').textContent.includes('Ben went over to instance ')");
    await nothing_is_lost();

    await clicks(`${row(2)}.querySelector('button')`);
    await is_in(2, "serving");
    // The other one, by keyboard: the first thing that Tab comes to.
    await page.is("document.activeElement.blur()");
    await page.reloads();
    await is_on("ana", 1);
    await is_on("ben", 2);
    lines.ana.length = lines.ben.length = 0;
    await presses("Tab", 9);
    assert.equal(await page.is("document.activeElement.innerText.replace(/\\s+/g, ' ')"), "Kill instance 1");
    await presses("Enter", 13);
    await is_in(1, "killed");
    assert.equal(await page.is("document.activeElement.innerText.replace(/\\s+/g, ' ')"), "Start again instance 1");
    await is_on("ana", 2, 3);
    await presses("Enter", 13);
    await is_in(1, "serving");
});

test("whoever writes in a window and kills an instance with the mouse writes on", async () => {
    const box = `document.querySelector("[data-person=ana] iframe").contentDocument.querySelector("[data-composer=room] textarea")`;
    await page.sees(`(() => { document.querySelector("[data-person=ana] iframe").focus(); ${box}.focus(); return document.activeElement.matches("iframe"); })()`);
    await page.does("Input.insertText", { text: "before, " });
    await is_on("ana", 1, 2, 3);
    const on = Number(/\d+/.exec(await page.is('document.querySelector("[data-person=ana] .where").textContent'))[0]);
    const [x, y] = await page.is(`(({ left, top, width, height }) => [left + width / 2, top + height / 2])(${row(on)}.querySelector("button").getBoundingClientRect())`);
    for (const type of ["mousePressed", "mouseReleased"]) await page.does("Input.dispatchMouseEvent", { type, x, y, button: "left", clickCount: 1 });
    await is_in(on, "killed");
    await page.does("Input.insertText", { text: "and after" });
    assert.equal(await page.sees(`${box}.value`), "before, and after");
    await page.is(`(() => { const box = ${box}; box.value = ""; box.dispatchEvent(new Event("input", { bubbles: true })); document.body.focus(); })()`);
    await clicks(`${row(on)}.querySelector("button")`);
    await is_in(on, "serving");
});

test("they write by themselves, until they are stopped", async () => {
    const counts = (pattern) => Promise.all(PEOPLE.map((person) => page.sees(`${pattern}.test(${text_of(person, ".count")})`)));
    await clicks("document.querySelector('#writing')");
    await counts("/ has written ([2-9]|\\d\\d)/");
    assert.equal(await page.is("document.querySelector('#writing').innerText"), "Stop writing");
    await clicks("document.querySelector('#writing')");
    await counts("/ has written \\d+; all of them are here/");
});

test("it can be used by everybody, at any width and in both themes", async () => {
    const axe = await readFile(join(root, "tests/axe/node_modules/axe-core/axe.min.js"), "utf8");
    await page.does("Runtime.evaluate", { expression: axe });
    await clicks(`${row(3)}.querySelector('button')`);
    await is_in(3, "killed");
    for (const { width, theme } of LOOKS) {
        await page.does("Emulation.setEmulatedMedia", {
            features: [{ name: "prefers-color-scheme", value: theme }, { name: "prefers-reduced-motion", value: "reduce" }],
        });
        await page.does("Emulation.setDeviceMetricsOverride", { width, height: width < 768 ? 1700 : 800, deviceScaleFactor: 1, mobile: false });
        await page.sees(`innerWidth === ${width} && matchMedia('(prefers-color-scheme: ${theme})').matches`);
        // The windows are the web chat, whose own stories look at it.
        const found = await page.is(`axe.run(document, { iframes: false, resultTypes: ['violations'], rules: { 'target-size': { enabled: true } } })
            .then(({ violations }) => violations.flatMap(({ id, nodes }) => nodes.map((node) => id + ': ' + node.html + node.failureSummary)))`);
        assert.deepEqual(found, [], `${width} px, ${theme}`);
        assert.equal(await page.is("document.documentElement.scrollWidth - document.documentElement.clientWidth"), 0, `${width} px`);
        if (process.env.HUBBUB_PICTURES) {
            const { data } = await page.does("Page.captureScreenshot", { format: "png" });
            await writeFile(join(process.env.HUBBUB_PICTURES, `side-by-side-${width}-${theme}.png`), data, "base64");
        }
    }
});

test("nobody else may kill an instance, and the server itself lets nobody frame the web chat", async () => {
    const { origin, host } = new URL(address);
    const token = await page.is("document.querySelector('meta[name=cluster-token]').content");
    const order = async (headers) => {
        const answer = await fetch(`${address}kill/1`, { method: "POST", headers });
        return answer.status;
    };
    assert.equal(await order({ Origin: origin }), 403);
    assert.equal(await order({ "X-Cluster-Token": token }), 403);
    assert.equal(await order({ Origin: "http://127.0.0.1:1", "X-Cluster-Token": token }), 403);
    assert.equal(await order({ Origin: origin, "X-Cluster-Token": "0".repeat(32) }), 403);
    // From its own port, under a name of the internet: fetch cannot say another Host.
    const elsewhere = await new Promise((is, not) => {
        const asked = spawn("curl", ["-sS", "-o", "/dev/null", "-w", "%{http_code}", "-H", `Host: ${host.replace("127.0.0.1", "chat.example")}`, address]);
        let status = "";
        asked.stdout.on("data", (data) => (status += data));
        asked.on("error", not).on("close", () => is(status));
    });
    assert.equal(elsewhere, "421");
    await is_in(1, "serving");

    const framed = await fetch(`${origin}/?user=ana`);
    assert.match(framed.headers.get("content-security-policy"), /frame-ancestors 'self'$/);
    const direct = await fetch(`${instances[0]}/?user=ana`);
    assert.match(direct.headers.get("content-security-policy"), /frame-ancestors 'none'$/);
    assert.equal(direct.headers.get("x-frame-options"), "DENY");
});

test("Ctrl-C ends all of it", async () => {
    const [cluster] = await readdir(directory);
    const names = (await readdir(join(directory, cluster))).filter((name) => name.endsWith(".pid"));
    const pids = await Promise.all(names.map(async (name) => Number(await readFile(join(directory, cluster, name), "utf8"))));
    assert.equal(pids.length, 8, names.join(" "));
    script.kill("SIGINT");
    const [code] = await exit;
    assert.equal(code, 0);
    for (const pid of pids) assert.throws(() => process.kill(pid, 0), { code: "ESRCH" });
    assert.deepEqual(await readdir(directory), []);
});
