// Stands between clients and a server, and loses what it is told to lose.
import { once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { root } from "../readme/tools.js";

const { WebSocket, WebSocketServer } = createRequire(join(root, "tests/sdk/js/package.json"))("ws");

/** Whether a frame of a client has an rpc `send`, in JSON or in Protobuf (field 2, four bytes). */
const sends = (data, isBinary) => (isBinary ? data.includes("\x12\x04send") : /"method": ?"send"/.test(data.toString()));

/** On a port of its own, before the server at `behind`. */
export async function between(behind) {
    const open = new Set();
    const out = new Set();
    const userOf = (url) => new URL(url, "ws://x").searchParams.get("sticky");
    const server = createServer((_, response) => response.writeHead(404).end());
    const sockets = new WebSocketServer({ server, handleProtocols: (all) => [...all][0] ?? false });
    const it = {
        /** Answers that clients do not get: from the next send on nothing reaches its client, until `cut`. */
        loses: false,
        /** How many sends have come through while answers are lost. */
        unanswered: 0,
        /** Breaks all connections, without a close, or those of a user whom `?sticky=` names. */
        cut(user = undefined) {
            for (const [client, inner, whose] of open) if (user === undefined || whose === user) (client.terminate(), inner.terminate());
        },
        /** No network for this user. */
        keepsOut(user) {
            out.add(user);
            it.cut(user);
        },
        letsIn: (user) => out.delete(user),
        close() {
            it.cut();
            server.close();
            server.closeAllConnections();
        },
    };
    sockets.on("connection", (client, { url, headers }) => {
        const user = userOf(url);
        if (out.has(user)) return client.terminate();
        const inner = new WebSocket(`ws://127.0.0.1:${behind}${url}`, client.protocol ? [client.protocol] : [], { origin: headers.origin });
        const pair = [client, inner, user];
        const opened = once(inner, "open");
        opened.catch(() => {});
        open.add(pair);
        let isDeaf = false;
        client.on("message", async (data, isBinary) => {
            if (it.loses && sends(data, isBinary)) {
                isDeaf = true;
                it.unanswered += 1;
            }
            await opened.catch(() => {});
            if (inner.readyState === WebSocket.OPEN) inner.send(data, { binary: isBinary });
        });
        inner.on("message", (data, isBinary) => {
            if (!isDeaf) client.send(data, { binary: isBinary });
        });
        for (const [one, other] of [[client, inner], [inner, client]]) {
            one.on("error", () => {});
            one.on("close", (code, reason) => {
                open.delete(pair);
                // What the server says with its close is for the client.
                if (one === inner && code >= 3000) other.close(code, reason);
                else other.terminate();
            });
        }
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    it.port = server.address().port;
    return it;
}
