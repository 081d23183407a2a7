// Runs what README.md prints, as it is printed, against a server that it starts: node tests/readme/run.js PROGRAM
// Only the port differs from what is printed. Shell blocks that call curl go to bash, the JavaScript to Node with the
// official SDK, through a proxy that lets messages overtake the page that they belong behind.
import { once } from "node:events";
import { mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import WebSocket, { WebSocketServer } from "ws";
import { blocks, env, root, run, say, serve } from "./tools.js";

const program = process.argv[2];
if (!program) throw new Error("usage: node tests/readme/run.js PROGRAM");

function check(holds, why) {
    if (!holds) throw new Error(`README.md: ${why}`);
}

/**
 * Stands before the server. What asks for a page is held until `overtakes` was done and the client has been told of `told`.
 */
async function proxy(port, overtakes, told) {
    const server = createServer(async ({ url }, response) => {
        const answer = await fetch(`http://127.0.0.1:${port}${url}`);
        response.writeHead(answer.status, { "Content-Type": answer.headers.get("Content-Type") }).end(await answer.text());
    });
    new WebSocketServer({ server }).on("connection", (client, { url }) => {
        const behind = new WebSocket(`ws://127.0.0.1:${port}${url}`);
        const opened = once(behind, "open");
        const heard = new Promise((is) => {
            behind.on("message", (data) => {
                client.send(data.toString());
                if (data.includes(told)) is();
            });
        });
        client.on("message", async (data) => {
            await opened;
            if (data.includes('"method":"messages"')) {
                await overtakes();
                await heard;
            }
            behind.send(data.toString());
        });
        client.on("close", () => behind.terminate());
        behind.on("close", () => client.terminate());
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return server;
}

const readme = await readFile(join(root, "README.md"), "utf8");
const written = (language, what) => blocks(readme).filter((block) => block.language === language && block.code.includes(what)).map(({ code }) => code);
const directory = await mkdtemp(join(tmpdir(), "hubbub-readme-"));
let server;
let between;
try {
    server = await serve(program, directory);
    const here = (text, port) => text.replaceAll("127.0.0.1:8000", `127.0.0.1:${port}`);

    const tours = written("sh", "curl ");
    check(tours.length > 0, "there is no block with curl");
    // curl says nothing of a refusal by its exit code unless it is told to.
    const strict = "set -euo pipefail\ncurl() { command curl --no-progress-meter --fail-with-body \"$@\"; }\n";
    for (const tour of tours) {
        const printed = await run(`curl tour:\n${tour}`, "bash", ["-s"], { cwd: directory, env, input: strict + here(tour, server.port) });
        check(printed.includes('"text":"Soup is ready"'), `the curl tour does not print the message: ${printed}`);
    }

    // The program lies where `make run` puts it.
    await mkdir(join(directory, "target/quick"), { recursive: true });
    await symlink(resolve(program), join(directory, "target/quick/hubbub"));
    const [shell, ...others] = written("sh", "hubbub call");
    check(shell && others.length === 0, "there is not one block with `hubbub call`");
    const called = await run(`hubbub call:\n${shell}`, "bash", ["-s"], {
        cwd: directory,
        env: { ...env, HUBBUB_SERVER: `http://127.0.0.1:${server.port}` },
        input: `set -euo pipefail\n${shell}`,
    });
    const token = called.match(/^[\w-]+\.([\w-]+)\.[\w-]+$/m);
    check(called.includes('"seq":') || called.includes('"seq": '), `no message is sent: ${called}`);
    check(token && JSON.parse(Buffer.from(token[1], "base64url")).sub === "ana", `no token of Ana's: ${called}`);

    const clients = written("js", 'from "centrifuge"');
    check(clients.length === 1, "there is not one client with the official SDK");
    // Said before the client comes: what is on its first page.
    for (const n of [1, 2, 3]) await say(server.port, `early ${n}`);
    let overtaken;
    const overtakes = async () => {
        overtaken = true;
        for (const n of [1, 2]) await say(server.port, `meanwhile ${n}`);
    };
    between = await proxy(server.port, overtakes, "meanwhile 2");
    // Node has a WebSocket of its own from 22 on.
    const socket = 'import Ws from "ws"; globalThis.WebSocket ??= Ws;\n';
    let late;
    const printed = await run(
        "JavaScript",
        "node",
        ["--input-type=module", "-"],
        { cwd: import.meta.dirname, env, input: socket + here(clients[0], between.address().port) },
        (text) => {
            // Once its own is stored and shown, one comes live.
            if (!late && /^stored as /m.test(text) && / hi$/m.test(text) && / meanwhile 2$/m.test(text)) late = say(server.port, "late");
            return / late$/m.test(text);
        },
    );
    await late;
    check(overtaken, "the client asks for no page");
    const lines = printed.split("\n").filter((line) => /^\d+ ana (early|meanwhile|hi|late)/.test(line));
    const order = lines.map((line) => Number.parseInt(line, 10));
    check(order.every((seq, n) => n === 0 || seq > order[n - 1]), `entries out of order:\n${printed}`);
    const shown = lines.map((line) => line.replace(/^\d+ ana /, ""));
    // What it says itself may be stored before or after what others say meanwhile.
    const foreign = shown.filter((text) => text !== "hi");
    check(foreign.join() === "early 1,early 2,early 3,meanwhile 1,meanwhile 2,late" && shown.length === 7, `shown:\n${printed}`);
} finally {
    server?.stop();
    between?.close();
    between?.closeAllConnections();
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
}
console.log("README.md: all of it runs");
