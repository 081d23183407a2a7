#!/usr/bin/env node
// The page of `make cluster` where two people talk side by side, and a button kills an instance or starts it again.
// scripts/cluster starts this program, and its nginx passes /side-by-side/ on to it. It kills and starts nothing itself:
// it writes orders ("kill 2", "start 2") into DIRECTORY/orders, for scripts/cluster, whose children the instances are.
//
//     node scripts/side-by-side/serve.js PORT DIRECTORY ADDRESS…
//
// ADDRESS is where an instance listens; DIRECTORY/hubbub-N.pid has the process of the Nth. Listens on loopback alone.
// Whoever may press the button can end processes, so an order must come from this very page: see `isOurs`.

import { randomBytes } from "node:crypto";
import { appendFile, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";

const BELOW = "/side-by-side/";
/** How long an instance may take to answer how it is, and an order to be carried out. */
const ANSWER_MS = 1_000;
const ORDER_MS = 5_000;

const [port, directory, ...addresses] = process.argv.slice(2);
if (!addresses.length) throw new Error("usage: serve.js PORT DIRECTORY ADDRESS…");

/** Only who has read the page knows it, and only pages of this origin can read it. */
const token = randomBytes(16).toString("hex");

const KINDS = { html: "text/html; charset=utf-8", css: "text/css; charset=utf-8", js: "text/javascript; charset=utf-8" };
const FILES = {
    "": "page.html",
    "page.css": "page.css",
    "page.js": "page.js",
    "people.js": "people.js",
    "tokens.css": "../../web/src/tokens.css",
};
const SHIELDS = {
    "Content-Security-Policy":
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-src 'self'; " +
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
};

class Refused extends Error {
    constructor(status, why) {
        super(why);
        this.status = status;
    }
}

/** Whether `Host` is a name of this machine: a name of the internet that leads here is somebody else's page. */
function isHere(host) {
    try {
        return ["127.0.0.1", "localhost", "[::1]"].includes(new URL(`http://${host}`).hostname);
    } catch {
        return false;
    }
}

/** Whether a request to change something was made by our page. */
const isOurs = ({ headers }) => headers.origin === `http://${headers.host}` && headers["x-cluster-token"] === token;

/** Processes that were killed by an order, and those that have served. */
const killed = new Set();
const served = new Set();

/** The process of an instance; null: it has none yet. */
async function processOf(n) {
    const text = await readFile(join(directory, `hubbub-${n}.pid`), "utf8").catch(() => "");
    return Number(text) || null;
}

function isAlive(pid) {
    try {
        return pid !== null && process.kill(pid, 0);
    } catch (problem) {
        return problem.code === "EPERM";
    }
}

async function isReady(address) {
    const asked = fetch(`http://${address}/health/ready`, { signal: AbortSignal.timeout(ANSWER_MS) });
    return asked.then(({ ok }) => ok, () => false);
}

/**
 * `serving`, `starting`, `silent` (it served, and does not now), `ending` (the order to kill it is given), `killed` by an
 * order, or `ended` in another way.
 */
async function stateOf(pid, address) {
    if (!isAlive(pid)) return killed.has(pid) ? "killed" : "ended";
    if (killed.has(pid)) return "ending";
    const ready = await isReady(address);
    // It may have gone meanwhile.
    if (!isAlive(pid) || killed.has(pid)) return stateOf(pid, address);
    if (!ready) return served.has(pid) ? "silent" : "starting";
    served.add(pid);
    return "serving";
}

async function instance(address, index) {
    const pid = await processOf(index + 1);
    return { number: index + 1, address, pid, state: await stateOf(pid, address) };
}

/** However many pages ask at once. */
let asked = null;
function standing() {
    asked ??= Promise.all(addresses.map(instance)).finally(() => (asked = null));
    return asked;
}

/** Has an instance killed or started, and waits until it is. */
async function orders(what, number) {
    if (!(number >= 1 && number <= addresses.length)) throw new Refused(404, `instance: must be 1 to ${addresses.length}`);
    const before = await processOf(number);
    if (isAlive(before) === (what === "start")) return;
    if (what === "kill") killed.add(before);
    await appendFile(join(directory, "orders"), `${what} ${number}\n`);
    const end = Date.now() + ORDER_MS;
    while (isAlive(await processOf(number)) !== (what === "start")) {
        if (Date.now() > end) {
            killed.delete(before);
            throw new Refused(504, "scripts/cluster has not carried it out");
        }
        await new Promise((is) => setTimeout(is, 20));
    }
}

async function page(name) {
    const file = Object.hasOwn(FILES, name) ? FILES[name] : null;
    if (file === null) throw new Refused(404, "there is no such file");
    const text = await readFile(join(import.meta.dirname, file), "utf8");
    return { kind: KINDS[file.split(".").at(-1)], text: text.replace("{{token}}", token) };
}

async function answer(request) {
    if (!isHere(request.headers.host)) throw new Refused(421, "Host: must be a name of this machine");
    if (!request.url.startsWith(BELOW)) throw new Refused(404, `everything is below ${BELOW}`);
    const name = request.url.slice(BELOW.length).split("?")[0];
    if (request.method === "GET" && name !== "state") return page(name);
    if (request.method === "POST") {
        const [, what, number] = /^(kill|start)\/(\d)$/.exec(name) ?? [];
        if (!what) throw new Refused(404, "an order is kill/N or start/N");
        if (!isOurs(request)) throw new Refused(403, "only the page itself may do this");
        await orders(what, Number(number));
    } else if (request.method !== "GET") throw new Refused(405, "GET or POST");
    return { kind: "application/json", text: JSON.stringify({ instances: await standing() }) };
}

createServer(async (request, response) => {
    request.resume();
    try {
        const { kind, text } = await answer(request);
        response.writeHead(200, { ...SHIELDS, "Content-Type": kind }).end(text);
    } catch (problem) {
        if (!(problem instanceof Refused)) console.error(problem);
        const { status = 500, message } = problem;
        response.writeHead(status, { ...SHIELDS, "Content-Type": "text/plain; charset=utf-8" }).end(`${message}\n`);
    }
}).listen(Number(port), "127.0.0.1");
