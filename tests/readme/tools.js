// What the tests of the READMEs share: blocks of Markdown, programs that are run, and a server for trying out.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join, resolve } from "node:path";

export const root = resolve(import.meta.dirname, "../..");
export const KEY = "k".repeat(48);
export const SECRET = "s".repeat(48);
const PATIENCE = 60_000;

/** Settings of whoever runs this are none of the newcomer's. */
export const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("HUBBUB_")));

/** The blocks of a text, each with its language. */
export const blocks = (text) => [...text.matchAll(/^```(\w*)\n(.*?)^```$/gms)].map(([, language, code]) => ({ language, code }));

/** A port of loopback that is free now. */
export async function freePort() {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address();
    server.close();
    await once(server, "close");
    return port;
}

/** Waits until `level` gives something; an answer that throws is none yet. */
export async function until(what, level) {
    const end = Date.now() + PATIENCE;
    let last;
    while (Date.now() < end) {
        try {
            const value = await level();
            if (value) return value;
            last = value;
        } catch (problem) {
            last = problem;
        }
        await new Promise((is) => setTimeout(is, 20));
    }
    throw new Error(`${what}: not in ${PATIENCE} ms; last: ${last}`);
}

/** Runs a command until `enough` says so of what it has printed, or until it ends; returns what it printed. */
export async function run(what, command, args, { input, ...options }, enough) {
    const child = spawn(command, args, { ...options, stdio: ["pipe", "pipe", "pipe"] });
    let printed = "";
    let errors = "";
    const done = new Promise((is, not) => {
        const timer = setTimeout(() => not(new Error(`${what}: not done in ${PATIENCE} ms\n${printed}\n${errors}`)), PATIENCE);
        const settle = (f) => (value) => (clearTimeout(timer), f(value));
        child.on("error", settle(not));
        child.stdout.on("data", (data) => {
            printed += data;
            if (enough?.(printed)) settle(is)();
        });
        child.stderr.on("data", (data) => (errors += data));
        child.on("close", (code) => {
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

/** `hubbub serve` with its files in a directory, once it is ready. The same port again: it has gone away and come back. */
export async function serve(program, directory, extra = ["--dev"], port = undefined, settings = {}) {
    port ??= await freePort();
    await mkdir(join(directory, ".dev"), { recursive: true });
    await writeFile(join(directory, ".dev/api-key"), `${KEY}\n`, { mode: 0o600 });
    await writeFile(join(directory, ".dev/token-secret"), `${SECRET}\n`, { mode: 0o600 });
    const child = spawn(resolve(program), ["serve", "--listen", `127.0.0.1:${port}`, ...extra], {
        cwd: directory,
        env: { ...env, HUBBUB_API_KEY_FILE: ".dev/api-key", HUBBUB_TOKEN_SECRET_FILE: ".dev/token-secret", ...settings },
        stdio: "ignore",
    });
    const ended = once(child, "exit").then(([code]) => {
        throw new Error(`the server ended with ${code}`);
    });
    ended.catch(() => {});
    const ready = until("the server", async () => (await fetch(`http://127.0.0.1:${port}${settings.HUBBUB_BASE_PATH ?? ""}/health/ready`)).ok);
    await Promise.race([ready, ended]);
    return { port, stop: () => child.kill("SIGKILL") };
}

/** A message of `ana` in the room `general`, over REST. */
export async function say(port, text, from = "ana") {
    const answer = await fetch(`http://127.0.0.1:${port}/v1/rooms/general/messages`, {
        method: "POST",
        headers: { Authorization: `Bearer ${KEY}`, "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() },
        body: JSON.stringify({ from, text }),
    });
    if (!answer.ok) throw new Error(`a message is refused: ${answer.status} ${await answer.text()}`);
}
