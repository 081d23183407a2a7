// Our own SDK in a real Chromium, where no fake will do: what a browser does with pages, locks and databases.
// HUBBUB_PROGRAM=target/debug/hubbub node --test tests/sdk/browser.test.js

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, afterEach, before, test } from "node:test";
import { root, say, serve } from "../readme/tools.js";
import { Chromium } from "./chromium.js";
import { site } from "./site.js";

const program = join(root, process.env.HUBBUB_PROGRAM ?? "target/debug/hubbub");
const installed = createRequire(join(root, "tests/sdk/js/package.json"));
const { WebSocket } = installed("ws");
const { Centrifuge: Protobuf } = installed("centrifuge/build/protobuf");
const { Centrifuge: Json } = installed("centrifuge");

let directory, server, pages, chromium;
/** Windows of this test: the next one begins without any. */
let open = [];

before(async () => {
    directory = await mkdtemp(join(tmpdir(), "hubbub-browser-"));
    [server, pages, chromium] = await Promise.all([serve(program, directory), site(), Chromium.start()]);
});

after(async () => {
    server?.stop();
    pages?.close();
    await chromium?.ends();
    await rm(directory, { recursive: true, force: true, maxRetries: 10 });
});

afterEach(async () => {
    for (const page of open) await page.closes().catch(() => {});
    open = [];
});

/** Each test has a person, and so a database and locks, of its own. */
async function opens(user, more = "") {
    const page = await chromium.opens(`http://127.0.0.1:${pages.port}/?user=${user}&server=127.0.0.1:${server.port}${more}`);
    open.push(page);
    return page;
}

/** As a member, who may write. */
async function connected(page) {
    await page.sees("window.state?.() === 'connected' && room.snapshot().state === 'live'");
    await page.is("room.join()");
}
const shows = (page, ...texts) =>
    page.sees(`${JSON.stringify(texts)}.every((text) => shown().filter((one) => one === text).length === 1)`);
/** These of all texts, in the order in which they are shown. */
const order = (page, prefix) => page.is(`shown().filter((text) => text.startsWith(${JSON.stringify(prefix)}))`);
/** Of the sockets of the server that the pages have: pages of Vite's kind are none here. */
const sockets = (...all) => all.reduce((sum, { sockets }) => sum + sockets.size, 0);

async function leader(...all) {
    const leads = await Promise.all(all.map((page) => page.is("leads")));
    assert.equal(leads.filter(Boolean).length, 1, `who leads: ${leads}`);
    return all[leads.indexOf(true)];
}

/** How much the databases of a person hold. */
const stored = (user) => `(async () => {
    const answer = (asked) => new Promise((is, not) => ((asked.onsuccess = () => is(asked.result)), (asked.onerror = () => not(asked.error))));
    let count = 0;
    for (const { name } of await indexedDB.databases()) {
        if (!name.endsWith(" ${user}")) continue;
        const database = await answer(indexedDB.open(name));
        for (const store of database.objectStoreNames) count += await answer(database.transaction(store).objectStore(store).count());
        database.close();
    }
    return count;
})()`;

test("three tabs share a socket; the one that has it is killed, and nothing is lost, doubled or out of order", async () => {
    const tabs = [await opens("ana"), await opens("ana"), await opens("ana")];
    for (const tab of tabs) await connected(tab);
    assert.equal(sockets(...tabs), 1);
    for (const [n, tab] of tabs.entries()) await tab.is(`says('kill ${n}')`);
    for (const tab of tabs) await shows(tab, "kill 0", "kill 1", "kill 2");
    const first = await leader(...tabs);
    const others = tabs.filter((tab) => tab !== first);
    // From one moment to the next, with something on its way in each of the others.
    void first.does("Page.crash").catch(() => {});
    for (const [n, tab] of others.entries()) for (const m of [0, 1, 2]) await tab.is(`says('killed ${n} ${m}')`);
    await say(server.port, "killed meanwhile");
    for (const tab of others) {
        await shows(tab, "killed meanwhile", ...[0, 1].flatMap((n) => [0, 1, 2].map((m) => `killed ${n} ${m}`)));
        await tab.sees("said.every(({ stored }) => stored === 'yes')");
        for (const n of [0, 1]) assert.deepEqual(await order(tab, `killed ${n}`), [0, 1, 2].map((m) => `killed ${n} ${m}`));
    }
    assert.deepEqual(await order(others[0], "kill"), await order(others[1], "kill"));
    await leader(...others);
    assert.equal(sockets(...others), 1);
});

test("a tab that is frozen gives the connection to another, and comes back behind it", async () => {
    const [one, other] = [await opens("freeze"), await opens("freeze")];
    for (const tab of [one, other]) await connected(tab);
    const frozen = await leader(one, other);
    const awake = frozen === one ? other : one;
    // What somebody looks at is never frozen.
    await frozen.does("Emulation.setFocusEmulationEnabled", { enabled: false });
    await chromium.does("Target.activateTarget", { targetId: awake.target });
    await frozen.sees("document.visibilityState === 'hidden'");
    await frozen.does("Page.setWebLifecycleState", { state: "frozen" });
    await awake.sees("leads && state() === 'connected'");
    await say(server.port, "while frozen");
    await awake.is("says('written while frozen')");
    await shows(awake, "while frozen", "written while frozen");
    await frozen.does("Page.setWebLifecycleState", { state: "active" });
    await shows(frozen, "while frozen", "written while frozen");
    await connected(frozen);
    assert.equal(await leader(one, other), awake);
    assert.equal(sockets(one, other), 1);
});

test("a tab whose page is left gives the connection to another, and has all when one goes back to it", async () => {
    const [one, other] = [await opens("leave"), await opens("leave")];
    for (const tab of [one, other]) await connected(tab);
    const left = await leader(one, other);
    const there = left === one ? other : one;
    await left.is('window.marked = true');
    await left.does("Page.navigate", { url: `http://localhost:${pages.port}/elsewhere?user=x&server=127.0.0.1:1` });
    await there.sees("leads && state() === 'connected'");
    await say(server.port, "while away");
    await shows(there, "while away");
    await left.is("history.back()");
    await left.sees("location.pathname === '/' && window.state?.() === 'connected'");
    await shows(left, "while away");
    // It is the same page: the browser has kept it.
    assert.equal(await left.is("window.marked"), true);
    assert.equal(await leader(one, other), there);
});

// It takes as long as a tab has patience.
test("from a tab that stands still without having been told another takes the connection", { skip: !process.env.HUBBUB_LONG }, async () => {
    const [one, other] = [await opens("still"), await opens("still")];
    for (const tab of [one, other]) await connected(tab);
    const first = await leader(one, other);
    const awake = first === one ? other : one;
    await first.does("Debugger.enable");
    const stands = first.does("Runtime.evaluate", { expression: "debugger" });
    await awake.sees("leads && state() === 'connected'");
    await say(server.port, "while it stood still");
    await awake.is("says('written meanwhile')");
    await shows(awake, "while it stood still", "written meanwhile");
    await first.does("Debugger.resume");
    await stands;
    await first.sees("!leads");
    await connected(first);
    await shows(first, "while it stood still", "written meanwhile");
    assert.equal(await leader(one, other), awake);
    assert.equal(sockets(one, other), 1);
});

test("where somebody deletes what the browser keeps of the site, what is said then is kept again", async () => {
    const tab = await opens("cleared");
    await connected(tab);
    await tab.is("says('before')");
    await shows(tab, "before");
    await tab.sees(`${stored("cleared")}.then((count) => count > 0)`);
    await tab.does("Storage.clearDataForOrigin", { origin: `http://127.0.0.1:${pages.port}`, storageTypes: "indexeddb" });
    await tab.sees(`${stored("cleared")}.then((count) => count === 0)`);
    await tab.is("says('after')");
    await tab.sees("said[1].kept && said[1].stored");
    assert.deepEqual(await tab.is("[said[1].kept, said[1].stored, troubles]"), ["yes", "yes", []]);
    await shows(tab, "before", "after");
    await tab.sees(`${stored("cleared")}.then((count) => count > 0)`);
});

test("one that logs out leaves nothing in the browser, and the other tab is told and writes nothing more", async () => {
    const [one, other] = [await opens("out"), await opens("out")];
    for (const tab of [one, other]) await connected(tab);
    await one.is("says('before')");
    for (const tab of [one, other]) await shows(tab, "before");
    assert.ok((await one.sees(stored("out"))) > 0);
    // The other is writing at this very moment.
    const writes = "for (let n = 0; n < 300 && state() === 'connected'; n += 1) { says(`out ${n}`); await new Promise((is) => setTimeout(is)); }";
    await other.is(`void (async () => { ${writes} })()`);
    await other.sees("said.length > 20");
    await one.is("chat.logOut()");
    for (const tab of [one, other]) {
        await tab.sees("chat.connection.snapshot().problem === 'You were logged out.' && state() === 'disconnected'");
        assert.deepEqual(await tab.is("shown()"), []);
    }
    await other.sees("said.every(({ kept, stored }) => kept && stored)");
    await other.sees(`${stored("out")}.then((count) => count === 0)`);
    assert.equal(sockets(one, other), 0);
});

test("where the browser has no space left, the person is told so, and what was written is shown and sent all the same", async () => {
    // Another name of this machine is another origin. A browser that has reckoned with space goes on doing so for a while.
    const origin = `http://localhost:${pages.port}`;
    const page = await chromium.opens("about:blank");
    open.push(page);
    await page.does("Storage.overrideQuotaForOrigin", { origin, quotaSize: 1 });
    await page.does("Page.navigate", { url: `${origin}/?user=quota&server=127.0.0.1:${server.port}` });
    await connected(page);
    await page.is("says('no space for this')");
    await page.sees("said[0].kept && said[0].stored");
    const { kept, stored } = await page.is("said[0]");
    assert.match(kept, /This browser keeps nothing for the next time/);
    assert.equal(stored, "yes");
    assert.match((await page.is("troubles")).join(), /^This browser keeps nothing.*lost with a reload/);
    await shows(page, "no space for this");
    // Without a connection it waits in memory, and goes with the next one.
    server.stop();
    await page.sees("state() === 'connecting'");
    await page.is("says('waits in memory')");
    await shows(page, "waits in memory …");
    server = await serve(program, directory, ["--dev"], server.port);
    await shows(page, "no space for this", "waits in memory");
    assert.equal((await page.is("troubles")).length, 1);
});

test("a tab that is signed out lets one that is not have the connection; where all are, each asks once until one connects again", async () => {
    const out = await opens("refused", "&signed-out");
    await out.sees("window.state?.() === 'disconnected'");
    const good = await opens("refused");
    for (const tab of [good, out]) await connected(tab);
    assert.equal(await leader(good, out), good);
    await out.is("says('through the other')");
    for (const tab of [good, out]) await shows(tab, "through the other");
    await good.closes();
    await out.sees("state() === 'disconnected' && tokens === 2");
    assert.match(await out.is("chat.connection.snapshot().problem"), /no token/);
    await out.is("signedOut = false; chat.connect()");
    await connected(out);
});

test("a server without --dev takes no page of another port of this machine, and gives out no token", async () => {
    const own = await mkdtemp(join(directory, "earnest-"));
    const earnest = await serve(program, own, []);
    try {
        const host = `127.0.0.1:${earnest.port}`;
        const tries = async (origin) => {
            const socket = new WebSocket(`ws://${host}/connection/websocket`, { origin });
            const answer = Promise.race([
                once(socket, "open").then(() => "open"),
                once(socket, "unexpected-response").then(([, response]) => response.statusCode),
            ]);
            return answer.finally(() => socket.terminate());
        };
        for (const origin of [`http://127.0.0.1:${pages.port}`, `http://localhost:${pages.port}`, "http://[::1]:5173"]) assert.equal(await tries(origin), 403, origin);
        assert.equal(await tries(`http://${host}`), "open");
        const answer = await fetch(`http://${host}/dev/token?user=ana`, { headers: { Origin: `http://127.0.0.1:${pages.port}` } });
        assert.equal(answer.status, 403);
        assert.equal(answer.headers.get("access-control-allow-origin"), null);
        assert.equal((await fetch(`http://${host}/dev/token?user=ana`)).status, 404);
        // And as a browser sees it.
        const page = await opens("ana");
        const asked = (what) => page.is(`(async () => { try { ${what} } catch (why) { return why.name } })()`);
        assert.equal(await asked(`return (await fetch("http://${host}/dev/token?user=ana")).status`), "TypeError");
        const socket = `new Promise((is) => { const s = new WebSocket("ws://${host}/connection/websocket"); s.onopen = () => is("open"); s.onerror = () => is("refused") })`;
        assert.equal(await page.is(socket), "refused");
        // The one with --dev takes both.
        assert.equal(await page.is(socket.replace(host, `127.0.0.1:${server.port}`)), "open");
        assert.equal(await asked(`return (await fetch("http://127.0.0.1:${server.port}/dev/token?user=ana")).status`), 200);
    } finally {
        earnest.stop();
    }
});

test("the database is named when one connects, with Protobuf as with JSON, and stays the same", async () => {
    const { token } = await (await fetch(`http://127.0.0.1:${server.port}/dev/token?user=ana`)).json();
    const named = async (Client, read, suffix) => {
        const client = new Client(`ws://127.0.0.1:${server.port}/connection/websocket${suffix}`, { token, websocket: WebSocket });
        const told = new Promise((is, not) => {
            client.on("connected", ({ data }) => is(read(data).database));
            client.on("disconnected", ({ reason }) => not(new Error(reason)));
        });
        client.connect();
        return told.finally(() => client.disconnect());
    };
    const json = await named(Json, (data) => data, "");
    const protobuf = await named(Protobuf, (data) => JSON.parse(new TextDecoder().decode(data)), "?format=protobuf");
    assert.match(json, /^[0-9a-f]{32}$/);
    assert.equal(protobuf, json);
});
