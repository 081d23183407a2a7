// What the page is measured beside: a page that does nothing, or only appends each message of a room as a line of text.
import { once } from "node:events";
import { createServer } from "node:http";

/** `log`: follows the room over a socket of its own, and shows the newest lines. */
const SCRIPT = `
const asked = new URLSearchParams(location.search);
const [user, host, room, most] = [asked.get("user"), asked.get("server"), asked.get("room"), 100];
const list = document.querySelector("main");
const { token } = await (await fetch(\`http://\${host}/dev/token?user=\${user}\`)).json();
const socket = new WebSocket(\`ws://\${host}/connection/websocket\`);
socket.onopen = () => socket.send(JSON.stringify({ id: 1, connect: { token } }) + "\\n" + JSON.stringify({ id: 2, subscribe: { channel: \`room:\${room}\` } }));
socket.onmessage = ({ data }) => {
    for (const line of data.split("\\n")) {
        if (line === "{}") socket.send("{}");
        const { id, push } = JSON.parse(line);
        if (id === 2) document.body.dataset.state = "live";
        if (push?.pub?.data?.type !== "message") continue;
        const row = document.createElement("p");
        row.textContent = \`\${push.pub.data.from}: \${push.pub.data.text}\`;
        list.append(row);
        if (list.childElementCount > most) list.firstElementChild.remove();
    }
    list.scrollTop = list.scrollHeight;
};
`;

const STYLE = "html, body { height: 100%; margin: 0 } main { height: 100%; overflow: auto } textarea { position: fixed; bottom: 0 }";

/** Serves both on a port of its own: `/empty` and `/log?server=&user=&room=`; `close` ends it. */
export async function bare() {
    const server = createServer(({ url }, response) => {
        const isScript = url.startsWith("/log.js");
        response.writeHead(200, { "Content-Type": isScript ? "text/javascript" : "text/html" });
        if (isScript) return response.end(SCRIPT);
        const script = url.startsWith("/log") ? '<script type="module" src="/log.js"></script>' : "";
        response.end(`<!doctype html><title>Bare</title><style>${STYLE}</style><main></main><textarea></textarea>${script}`);
    }).listen(0, "127.0.0.1");
    await once(server, "listening");
    const close = () => (server.close(), server.closeAllConnections());
    return { port: server.address().port, close };
}
