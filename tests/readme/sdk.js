// Runs what sdk/README.md prints, as it is printed, with the packed SDK: node tests/readme/sdk.js PROGRAM
// Only the port of the server differs from what is printed, and names of packages stand for what the lock file beside this has.
// Blocks of the shell are done line by line; other blocks are put into the file that their first line names.
import { spawn } from "node:child_process";
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Chromium } from "../sdk/chromium.js";
import { blocks, env, freePort, root, run, say, serve, until } from "./tools.js";

const program = process.argv[2];
if (!program) throw new Error("usage: node tests/readme/sdk.js PROGRAM");
const installed = join(import.meta.dirname, "node_modules");
const { dependencies } = JSON.parse(await readFile(join(import.meta.dirname, "package.json"), "utf8"));

function check(holds, why) {
    if (!holds) throw new Error(`sdk/README.md: ${why}`);
}

const readme = await readFile(join(root, "sdk/README.md"), "utf8");
const directory = await mkdtemp(join(tmpdir(), "hubbub-sdk-readme-"));
const does = (at, command, ...args) => run(`${command} ${args.join(" ")}`, command, args, { cwd: at, env });
const ends = [];
let server;
let packed;

/** What a section has come to. */
class Section {
    /** Where its commands run. */
    at;
    files = new Set();
    /** Shows what the shell has printed last. */
    printed = "";
    page = null;

    constructor(name, text) {
        Object.assign(this, { name, text });
    }

    async does() {
        this.at = await mkdtemp(join(directory, "section-"));
        for (const { language, code } of blocks(this.text)) {
            if (language === "sh") for (const line of code.trim().split("\n")) await this.line(line);
            else await this.writes(language, code);
        }
        check(this.files.size === 0, `${this.name}: nothing runs ${[...this.files]}`);
    }

    async writes(language, code) {
        const file = code.match(/^\/\/ (\S+\.(\w+))\n/);
        const languages = { mjs: "js", ts: "ts", tsx: "tsx" };
        check(file && languages[file[2]] === language, `${this.name}: a block that is not known:\n${code}`);
        check(code.includes("127.0.0.1:8000"), `${this.name}: ${file[1]} talks to no server`);
        await mkdir(dirname(join(this.at, file[1])), { recursive: true });
        await writeFile(join(this.at, file[1]), code.replaceAll("127.0.0.1:8000", `127.0.0.1:${server.port}`));
        this.files.add(file[1]);
    }

    async line(line) {
        const [, command, rest] = line.match(/^(npm create vite@latest|cd|npm install|node|npm run dev)(?: (.*))?$/) ?? [];
        switch (command) {
            case "npm create vite@latest":
                return void (await does(this.at, "node", join(installed, "create-vite/index.js"), ...rest.replace(" -- ", " ").split(" "), "--no-interactive"));
            case "cd":
                this.at = join(this.at, rest);
                return;
            case "npm install":
                return this.installs(rest.split(" "));
            case "node":
                check(this.files.delete(rest), `${this.name}: there is no ${rest}`);
                this.printed = await does(this.at, "node", rest);
                return;
            case "npm run dev":
                return this.serves();
            default:
                check(false, `${this.name}: a command that is not known: ${line}`);
        }
    }

    async installs(names) {
        const file = join(this.at, "package.json");
        const own = JSON.parse(await readFile(file, "utf8").catch(() => "{}"));
        // The template's linter, which nothing here calls.
        delete own.devDependencies?.oxlint;
        own.dependencies ??= {};
        for (const name of names) {
            check(name === "hubbub-sdk" || name in dependencies, `${this.name}: tests/readme/package.json does not have ${name}`);
            own.dependencies[name] = name === "hubbub-sdk" ? `file:${packed}` : dependencies[name];
        }
        await writeFile(file, JSON.stringify(own));
        await cp(join(installed, "../package-lock.json"), join(this.at, "package-lock.json"));
        await does(this.at, "cp", "-R", installed, ".");
        // What none of these needs is removed again.
        await does(this.at, "npm", "install", "--offline", "--no-audit", "--no-fund", "--loglevel=error");
    }

    /** Checks the types and builds, as one does before one ships it, and serves it for looking at. */
    async serves() {
        this.files.clear();
        await does(this.at, "npm", "run", "build");
        const child = spawn("npm", ["run", "dev", "--", "--strictPort", "--port", String(await freePort())], {
            cwd: this.at,
            env: { ...env, NO_COLOR: "1", BROWSER: "none" },
            detached: true,
            stdio: ["ignore", "pipe", "inherit"],
        });
        ends.push(() => process.kill(-child.pid, "SIGKILL"));
        child.stdout.on("data", (data) => (this.printed += data));
        this.page = await until(`${this.name}: Vite names a page`, () => this.printed.match(/Local: +(http:\S+)/)?.[1]);
    }
}

/** What stands in the list of a page, and waits until it is so. */
const list = "[...document.querySelectorAll('li')].map((line) => line.textContent)";
const shows = (page, ...lines) =>
    page.sees(`${JSON.stringify(lines)}.every((one) => ${list}.filter((line) => line === one).length === 1)`);

/** Whether the draft is in the browser's database: only then it survives. */
const KEPT = `(async () => {
    const answer = (asked) => new Promise((is, not) => ((asked.onsuccess = () => is(asked.result)), (asked.onerror = not)));
    const [{ name }] = await indexedDB.databases();
    const database = await answer(indexedDB.open(name));
    const drafts = await answer(database.transaction("drafts").objectStore("drafts").count());
    database.close();
    return drafts === 1;
})()`;

/** The list of what there is: its types are checked in a project, and then it is run. */
async function tour(section, project) {
    const [{ language, code }, ...others] = blocks(section.text);
    check(language === "js" && !others.length, `${section.name}: it is not one block of JavaScript`);
    const options = { extends: "./tsconfig.json", compilerOptions: { noUnusedLocals: false }, include: [], files: ["tour.ts"] };
    await writeFile(join(project, "tour.json"), JSON.stringify(options));
    await writeFile(join(project, "tour.ts"), `import type { Chat } from "hubbub-sdk";\ndeclare const chat: Chat;\n${code}`);
    await does(project, "node_modules/.bin/tsc", "-p", "tour.json");
    const host = `127.0.0.1:${server.port}`;
    const chat = `import { Chat } from "hubbub-sdk";
        import websocket from "ws";
        const getToken = async () => (await (await fetch("http://${host}/dev/token?user=ana")).json()).token;
        const chat = new Chat({ server: "ws://${host}/connection/websocket", user: "ana", getToken, websocket });\n`;
    await cp(join(installed, "ws"), join(project, "node_modules/ws"), { recursive: true });
    await writeFile(join(project, "tour.mjs"), chat + code);
    await does(project, "node", "tour.mjs");
}

try {
    const [intro, ...texts] = readme.split(/^## /m);
    check(blocks(intro).length === 0, "a block before the first section");
    const sections = new Map(texts.map((text) => [text.split("\n", 1)[0], text]));
    const takes = (name) => {
        const text = sections.get(name);
        check(text && blocks(text).length, `the section "${name}" has no block`);
        sections.delete(name);
        return new Section(name, text);
    };
    const [node, web, react, there] = ["In Node", "In a browser", "In React", "What there is"].map(takes);
    for (const [name, text] of sections) check(blocks(text).length === 0, `${name}: a block that is not known`);

    packed = join(directory, (await does(join(root, "sdk"), "npm", "pack", "--silent", "--pack-destination", directory)).trim().split("\n").at(-1));
    server = await serve(program, directory);
    ends.push(() => server?.stop());
    await node.does();
    check(/^message \d+ of general\n$/.test(node.printed), `Node prints ${node.printed}`);
    await Promise.all([web.does(), react.does()]);
    await tour(there, web.at);

    const chromium = await Chromium.start();
    ends.push(() => chromium.ends());
    const ana = await chromium.opens(web.page);
    const ben = await chromium.opens(react.page);
    await shows(ana, "ana: Hello from Node");
    await shows(ben, "ana: Hello from Node");
    await ana.says("input", "Hello from a page");
    await ben.says("input", "Hello from React");
    await say(server.port, "Hello from afar");
    const all = ["ana: Hello from Node", "ana: Hello from a page", "ben: Hello from React", "ana: Hello from afar"];
    await shows(ana, ...all);
    await shows(ben, ...all);
    await ana.writes("input", "I think");
    await ben.sees("document.body.innerText.includes('ana typing …')");

    server.stop();
    await ana.reloads();
    await ana.says("input", "Nobody hears me");
    await shows(ana, ...all, "Nobody hears me (sending)");
    await ana.sees(KEPT);
    await ana.reloads();
    await shows(ana, ...all, "Nobody hears me (sending)");
    server = await serve(program, directory, ["--dev"], server.port);
    await shows(ana, ...all, "ana: Nobody hears me");
    await shows(ben, ...all, "ana: Nobody hears me");
    check(!(await ana.is(list)).some((line) => line.endsWith(")")), "a draft is left");
    check(!ana.faults.length && !ben.faults.length, `faults: ${ana.faults} ${ben.faults}`);
} finally {
    for (const end of ends.reverse()) await Promise.resolve().then(end).catch(console.error);
    await rm(directory, { recursive: true, force: true, maxRetries: 10 });
}
console.log("sdk/README.md: all of it runs");
