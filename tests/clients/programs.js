// The examples as somebody runs them: who writes a line, goes offline, returns, and what is shown.
import { spawn } from "node:child_process";
import { copyFile, mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { env, root } from "../readme/tools.js";

const examples = join(root, "examples/clients");

function onJvm(name, main) {
    const classes = [`clients/${name}`, "sdk-java/lib/*", "clients/kotlinc/kotlin-stdlib-2.2.21.jar"].map((path) => join(root, ".tools", path));
    return ["java", "-cp", classes.join(":"), main];
}

/** How each is started, in a directory of its own. */
export const COMMANDS = {
    // Beside packages that are installed already. Node has a WebSocket of its own from 22 on.
    async node(directory) {
        await copyFile(join(examples, "node/chat.mjs"), join(directory, "chat.mjs"));
        await symlink(join(root, "tests/sdk/js/node_modules"), join(directory, "node_modules"));
        return ["node", "--experimental-websocket", "--no-warnings", "chat.mjs"];
    },
    python: async () => [join(root, ".tools/venv/bin/python"), join(examples, "python/chat.py")],
    go: async () => [join(root, ".tools/clients/go")],
    java: async () => onJvm("java", "Chat"),
    kotlin: async () => onJvm("kotlin", "ChatKt"),
};

/** A terminal in which one of them runs. */
export async function terminal(name, directory, server, proxy, user, more = {}) {
    const own = join(directory, name);
    await mkdir(own);
    const [command, ...args] = await COMMANDS[name](own);
    const settings = {
        CHAT_SERVER: `ws://127.0.0.1:${proxy.port}/connection/websocket`,
        CHAT_TOKENS: `http://127.0.0.1:${server.port}/dev/token?user=${user}`,
    };
    const child = spawn(command, args, { cwd: own, env: { ...env, ...settings, ...more }, stdio: "pipe" });
    let printed = "";
    let told = "";
    child.stdout.on("data", (data) => (printed += data));
    child.stderr.on("data", (data) => (told += data));
    child.stdin.on("error", () => {});
    const lines = (text) => text.split("\n").slice(0, -1);
    const writes = async (line) => child.stdin.write(`${line}\n`);
    return {
        name,
        user,
        writes,
        away: () => writes("/away"),
        back: () => writes("/back"),
        isAway: async () => told.includes("(offline:"),
        shown: async () => lines(printed),
        told: async () => lines(told),
        ends: async () => child.kill("SIGKILL"),
    };
}
