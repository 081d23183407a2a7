// The examples of examples/clients, all in one room of a real server, through everything that clients meet:
// HUBBUB_PROGRAM=target/debug/hubbub node --test tests/clients/*.test.js
// With HUBBUB_LONG=1 those in Go, Java and Kotlin take part, too.

import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, test } from "node:test";
import { KEY, root, say, serve, until } from "../readme/tools.js";
import { Chromium } from "../sdk/chromium.js";
import { between } from "./between.js";
import { site, window } from "./pages.js";
import { COMMANDS, terminal } from "./programs.js";

const program = resolve(root, process.env.HUBBUB_PROGRAM ?? "target/debug/hubbub");
const names = process.env.CLIENTS?.split(",") ?? ["node", "python", "browser", "browser-sdk", ...(process.env.HUBBUB_LONG ? ["go", "java", "kotlin"] : [])];

let directory, server, proxy, pages, chromium, clients;

async function rest(path, method = "GET", body = undefined) {
    const answer = await fetch(`http://127.0.0.1:${server.port}/v1${path}`, {
        method,
        headers: { Authorization: `Bearer ${KEY}`, "Content-Type": "application/json" },
        body: body && JSON.stringify(body),
    });
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${await answer.clone().text()}`);
    return answer.json();
}

/** The room's log, as the server has it. */
const log = async () => (await rest("/rooms/general/history?limit=1000")).entries;
const line = (entry) => `${entry.seq} ${entry.from}: ${entry.text ?? entry.type}`;

/** Waits until each has shown what the log ends with; and then each has shown the log from where it came, once and in order. */
async function allShow(what) {
    const lines = (await log()).map(line);
    for (const client of clients) {
        await until(`${client.name} shows ${what}`, async () => {
            if ((await client.shown()).includes(lines.at(-1))) return true;
            throw new Error(`shown: ${(await client.shown()).slice(-5).join(" | ")}; told: ${(await client.told()).slice(-8).join(" ")}`);
        });
        const shown = await client.shown();
        assert.deepEqual(shown, lines.slice(lines.indexOf(shown[0])), `${client.name}: ${what}`);
    }
}

/** Everybody's line of this text is in the log, once. */
async function storedOnce(text) {
    const entries = await until(`"${text}" of everybody`, async () => {
        const said = (await log()).filter((entry) => entry.text?.startsWith(`${text} `));
        return said.length >= clients.length && said;
    });
    assert.deepEqual(entries.map((entry) => entry.text).sort(), clients.map(({ user }) => `${text} of ${user}`).sort());
    for (const { text, from } of entries) assert.ok(text.endsWith(` of ${from}`), `${text} is from ${from}`);
}

const everybody = (does) => Promise.all(clients.map(does));
const everybodySays = (text) => everybody((client) => client.writes(`${text} of ${client.user}`));

before(async () => {
    directory = await mkdtemp(join(tmpdir(), "hubbub-clients-"));
    [server, pages, chromium] = await Promise.all([serve(program, directory), site(), Chromium.start()]);
    proxy = await between(server.port);
    for (const n of [1, 2, 3]) await say(server.port, `before ${n}`);
    clients = await everybodyComes();
});

async function everybodyComes() {
    const members = names.map((name) => ({ name, user: `${name}-person` }));
    for (const { user } of members) await rest(`/rooms/general/members/${user}`, "PUT", { role: "member" });
    const comes = (name, user) =>
        name in COMMANDS ? terminal(name, directory, server, proxy, user) : window(name, chromium, pages, server, proxy, user);
    return Promise.all(members.map(({ name, user }) => comes(name, user)));
}

after(async () => {
    for (const client of clients ?? []) await client.ends();
    await chromium?.ends();
    for (const one of [pages, proxy]) one?.close();
    server?.stop();
    await rm(directory, { recursive: true, force: true, maxRetries: 10 });
});

test("what was said before is shown, and what is said now", async () => {
    await allShow("the page");
    for (const client of clients) assert.equal((await client.shown())[0], line((await log())[0]));
    await everybodySays("hello");
    await storedOnce("hello");
    await allShow("what everybody says");
});

test("what is refused is told, and what was written behind it is sent", async () => {
    await everybody((client) => client.writes("x".repeat(8_193)));
    await everybodySays("short");
    await storedOnce("short");
    await everybody((client) => until(`${client.name} is told`, async () => (await client.told()).some((text) => text.includes("refused: 107"))));
    await allShow("what came behind");
});

test("a send whose answer was lost is stored once", async () => {
    proxy.loses = true;
    await everybodySays("unknown");
    await until("everybody has sent", () => proxy.unanswered >= clients.length);
    await storedOnce("unknown");
    for (const client of clients) {
        const mine = (await client.shown()).filter((text) => text.includes(`unknown of ${client.user}`));
        assert.deepEqual(mine, [], `${client.name} cannot know yet`);
    }
    proxy.loses = false;
    proxy.cut();
    await everybodySays("after");
    await storedOnce("after");
    await storedOnce("unknown");
    await allShow("all of it");
});

test("what is written while there is no server is sent once there is one", async () => {
    server.stop();
    await everybodySays("early");
    server = await serve(program, directory, ["--dev"], server.port);
    for (const n of [1, 2, 3]) await say(server.port, `again ${n}`);
    await storedOnce("early");
    await allShow("what was said since");
});

test("who was in the background gets everything, once and in order, and sends what was written there", async () => {
    await everybody((client) => client.away());
    await everybody((client) => until(`${client.name} is away`, () => client.isAway()));
    // More than a page of the log.
    for (let n = 0; n < 160; n += 10) await Promise.all(Array.from({ length: 10 }, (_, m) => say(server.port, `meanwhile ${n + m}`)));
    await everybodySays("offline");
    for (const client of clients) assert.ok(!(await client.shown()).some((text) => text.includes("meanwhile")), client.name);
    await everybody((client) => client.back());
    await storedOnce("offline");
    await allShow("what was said meanwhile");
});

test("who is signed out is told so, and comes no more", async () => {
    const asked = [];
    const backend = createServer(({ url }, response) => {
        asked.push(url);
        response.writeHead(401).end();
    }).listen(0, "127.0.0.1");
    await once(backend, "listening");
    const tokens = (name) => `http://127.0.0.1:${backend.address().port}/${name}`;
    const elsewhere = await mkdtemp(join(directory, "signed-out-"));
    const comers = names.filter((name) => name in COMMANDS);
    try {
        await Promise.all(
            comers.map(async (name) => {
                const client = await terminal(name, elsewhere, server, proxy, "nobody", { CHAT_TOKENS: tokens(name) });
                await until(`${name} is offline for good`, () => client.isAway());
                await client.ends();
            }),
        );
        assert.deepEqual(asked.sort(), comers.map((name) => `/${name}`).sort());
    } finally {
        backend.close();
        backend.closeAllConnections();
    }
});
