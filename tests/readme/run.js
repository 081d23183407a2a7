// Runs what README.md prints, as it is printed, against a server that it starts: node tests/readme/run.js PROGRAM
// Only the port differs from what is printed. Shell blocks that call curl go to bash, the JavaScript to Node with the
// official SDK of tests/sdk/js.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");
const program = process.argv[2];
if (!program) throw new Error("usage: node tests/readme/run.js PROGRAM");
const patience = 60_000;

/** The blocks of a language in a text. */
const blocks = (text, language) => [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].filter(m => m[1] === language).map(m => m[2]);

/** A port of loopback that is free now. */
async function freePort() {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address();
    server.close();
    await once(server, "close");
    return port;
}

/** Runs a command until `enough` says so of what it has printed, or until it ends; returns what it printed. */
async function run(what, command, args, options, enough) {
    const { input, ...rest } = options;
    const child = spawn(command, args, { ...rest, stdio: ["pipe", "pipe", "pipe"] });
    let printed = "";
    let errors = "";
    const done = new Promise((is, not) => {
        const timer = setTimeout(() => not(new Error(`${what}: not done in ${patience} ms\n${printed}\n${errors}`)), patience);
        const settle = f => value => (clearTimeout(timer), f(value));
        child.on("error", settle(not));
        child.stdout.on("data", data => {
            printed += data;
            if (enough?.(printed)) settle(is)();
        });
        child.stderr.on("data", data => (errors += data));
        child.on("close", code => {
            const good = code === 0 && !enough;
            settle(good ? is : not)(good ? undefined : new Error(`${what}: ended with ${code}\n${printed}\n${errors}`));
        });
    });
    child.stdin.on("error", () => {});
    child.stdin.end(input ?? "");
    try {
        await done;
    } finally {
        child.kill("SIGKILL");
    }
    return printed;
}

function check(holds, why) {
    if (!holds) throw new Error(`README.md: ${why}`);
}

const readme = await readFile(join(root, "README.md"), "utf8");
const port = await freePort();
const here = text => text.replaceAll("127.0.0.1:8000", `127.0.0.1:${port}`);
const directory = await mkdtemp(join(tmpdir(), "hubbub-readme-"));
let server;
try {
    await mkdir(join(directory, ".dev"));
    const key = "k".repeat(48);
    await writeFile(join(directory, ".dev/api-key"), `${key}\n`, { mode: 0o600 });
    // Settings of whoever runs this are none of the newcomer's.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("HUBBUB_")));
    server = spawn(resolve(program), ["serve", "--dev", "--listen", `127.0.0.1:${port}`], {
        cwd: directory,
        env: { ...env, HUBBUB_API_KEY_FILE: ".dev/api-key" },
        stdio: "ignore",
    });
    const ended = once(server, "exit").then(([code]) => { throw new Error(`the server ended with ${code}`); });
    ended.catch(() => {});
    const ready = async () => {
        const until = Date.now() + patience;
        while (Date.now() < until) {
            const answer = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined);
            if (answer?.ok) return;
            await new Promise(is => setTimeout(is, 50));
        }
        throw new Error("the server is not ready");
    };
    await Promise.race([ready(), ended]);

    const tours = blocks(readme, "sh").filter(block => block.includes("curl "));
    check(tours.length > 0, "there is no block with curl");
    // curl says nothing of a refusal by its exit code unless it is told to.
    const strict = "set -euo pipefail\ncurl() { command curl --no-progress-meter --fail-with-body \"$@\"; }\n";
    for (const tour of tours) {
        const printed = await run(`curl tour:\n${tour}`, "bash", ["-s"], { cwd: directory, env, input: strict + here(tour) });
        check(printed.includes('"text":"Soup is ready"'), `the curl tour does not print the message: ${printed}`);
    }

    const say = async text => {
        const answer = await fetch(`http://127.0.0.1:${port}/v1/rooms/general/messages`, {
            method: "POST",
            headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json", "Idempotency-Key": text },
            body: JSON.stringify({ from: "ana", text }),
        });
        check(answer.ok, `a message is refused: ${answer.status}`);
    };
    const clients = blocks(readme, "js").filter(block => block.includes('from "centrifuge"'));
    check(clients.length === 1, "there is not one client with the official SDK");
    // Said before the client comes: what is on its first page.
    for (const n of [1, 2, 3]) await say(`early ${n}`);
    // Node has a WebSocket of its own from 22 on.
    const socket = 'import Ws from "ws"; globalThis.WebSocket ??= Ws;\n';
    const lines = text => text.split("\n").filter(line => /^\d+ ana (early|hi|late)/.test(line));
    let late;
    const printed = await run(
        "JavaScript",
        "node",
        ["--input-type=module", "-"],
        { cwd: join(root, "tests/sdk/js"), env, input: socket + here(clients[0]) },
        text => {
            // Once its own is stored and shown, one comes live.
            if (!late && /^stored as /m.test(text) && / hi$/m.test(text)) late = say("late");
            return / late$/m.test(text);
        },
    );
    await late;
    const shown = lines(printed);
    const order = shown.map(line => Number.parseInt(line, 10));
    check(order.every((seq, n) => n === 0 || seq > order[n - 1]), `entries out of order:\n${printed}`);
    check(shown.map(line => line.replace(/^\d+ ana /, "")).join() === "early 1,early 2,early 3,hi,late", `shown:\n${printed}`);
} finally {
    server?.kill("SIGKILL");
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
}
console.log("README.md: all of it runs");
