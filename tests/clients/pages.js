// The examples that are pages, in a real Chromium, as `programs.js` has those of the terminal.
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { root } from "../readme/tools.js";

const examples = join(root, "examples/clients");
const { build } = createRequire(join(root, "sdk/package.json"))("esbuild");

/** Everything that the two pages load, on a port of its own. */
export async function site() {
    const { outputFiles } = await build({
        entryPoints: [join(examples, "browser-sdk/main.js")],
        alias: { "hubbub-sdk": join(root, "sdk/dist/index.js") },
        nodePaths: [join(root, "sdk/node_modules")],
        bundle: true,
        format: "esm",
        write: false,
    });
    const files = {
        "/browser/": ["text/html", await readFile(join(examples, "browser/index.html"))],
        "/browser/centrifuge.js": ["text/javascript", await readFile(join(root, "tests/sdk/js/node_modules/centrifuge/dist/centrifuge.js"))],
        "/browser-sdk/": ["text/html", await readFile(join(examples, "browser-sdk/index.html"))],
        "/browser-sdk/main.js": ["text/javascript", outputFiles[0].contents],
    };
    const server = createServer(({ url }, response) => {
        const [type, body] = files[url.split("?")[0]] ?? [];
        response.writeHead(type ? 200 : 404, type && { "Content-Type": type }).end(body);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    return { port: server.address().port, close: () => (server.close(), server.closeAllConnections()) };
}

/** A window in which one of them is open. */
export async function window(name, chromium, pages, server, proxy, user) {
    const asked = new URLSearchParams({
        server: `ws://127.0.0.1:${proxy.port}/connection/websocket?sticky=${user}`,
        tokens: `http://127.0.0.1:${server.port}/dev/token?user=${user}`,
        user,
    });
    const page = await chromium.opens(`http://127.0.0.1:${pages.port}/${name}/?${asked}`);
    const state = () => page.is("document.getElementById('state').textContent");
    const looked = (visibility) =>
        page.is(`Object.defineProperty(document, "visibilityState", { value: "${visibility}", configurable: true });
            document.dispatchEvent(new Event("visibilitychange"))`);
    const [away, back] =
        name === "browser"
            ? [() => looked("hidden"), () => looked("visible")]
            : [async () => proxy.keepsOut(user), async () => proxy.letsIn(user)];
    return {
        name,
        user,
        writes: (line) => page.says("input", line),
        away,
        back,
        isAway: async () => (await state()) !== "connected",
        shown: () => page.is("[...document.querySelectorAll('li:not(.draft)')].map((line) => line.textContent)"),
        told: async () => [await state()],
        ends: () => page.closes(),
    };
}
