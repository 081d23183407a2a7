// A page with our own SDK, built from sdk/dist and served on loopback: what `browser.test.js` opens.
import { once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

export const root = resolve(import.meta.dirname, "../..");
const { build } = createRequire(join(root, "sdk/package.json"))("esbuild");

/** The page takes the server, the person and what `getToken` does from its address, and leaves `chat` and `room` to whoever looks. */
const PAGE = `
import { Chat, directLink, indexedDbStorage, sharedLink, UnauthorizedError } from "./sdk/dist/index.js";
const asked = new URLSearchParams(location.search);
const [user, host] = [asked.get("user"), asked.get("server")];
const server = \`ws://\${host}/connection/websocket\`;
window.troubles = [];
window.signedOut = asked.has("signed-out");
const getToken = async () => {
    window.tokens = (window.tokens ?? 0) + 1;
    if (window.signedOut) throw new UnauthorizedError();
    return (await (await fetch(\`http://\${host}/dev/token?user=\${user}\`)).json()).token;
};
const access = { server, user, getToken };
window.leads = false;
const link = sharedLink(() => {
    const own = directLink(access);
    return { ...own, open: (told) => { window.leads = true; own.open(told); }, close: () => { window.leads = false; own.close(); },
        call: (...what) => own.call(...what), follow: (...what) => own.follow(...what) };
}, \`\${server} \${user}\`);
window.chat = new Chat({ ...access, storage: indexedDbStorage(user, server, (why) => window.troubles.push(why)), link });
window.room = chat.room("general");
window.state = () => chat.connection.snapshot().state;
window.shown = () => room.snapshot().rows.map((row) => (row.kind === "draft" ? \`\${row.draft.text} …\` : row.entry?.text)).filter(Boolean);
window.said = [];
window.says = (text) => {
    const { key, kept, stored } = room.send({ text });
    const one = { key };
    said.push(one);
    kept.then(() => (one.kept = "yes"), (why) => (one.kept = String(why)));
    stored.then(() => (one.stored = "yes"), (why) => (one.stored = String(why)));
};
room.subscribe(() => {});
chat.connect();
/** For whoever has to find out why something did not come. */
window.standing = () => ({ connection: chat.connection.snapshot(), room: room.snapshot().state, why: room.snapshot().problem, leads, tokens: window.tokens });
`;

/** On a port of its own; `close` ends it. */
export async function site() {
    const { outputFiles } = await build({ stdin: { contents: PAGE, resolveDir: root }, nodePaths: [join(root, "sdk/node_modules")], bundle: true, format: "esm", write: false });
    const script = outputFiles[0].text;
    const server = createServer(({ url }, response) => {
        const isScript = url.startsWith("/page.js");
        response.writeHead(200, { "Content-Type": isScript ? "text/javascript" : "text/html" });
        response.end(isScript ? script : '<!doctype html><title>A chat</title><p>A chat</p><script type="module" src="/page.js"></script>');
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const close = () => (server.close(), server.closeAllConnections());
    return { port: server.address().port, close };
}
