// A chat in a terminal: what one writes is sent, what is said is shown. `/away` goes offline, as an app in the background does; `/back`
// returns. The rules are in ../README.md.
//   npm install centrifuge && node chat.mjs      (Node 22 or newer, beside `make run`)
import { randomUUID } from "node:crypto";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { Centrifuge, UnauthorizedError } from "centrifuge";

const server = process.env.CHAT_SERVER ?? "ws://127.0.0.1:8000/connection/websocket";
// In production this is your own backend, which knows who is signed in.
const tokens = process.env.CHAT_TOKENS ?? "http://127.0.0.1:8000/dev/token?user=ana";
const room = process.env.CHAT_ROOM ?? "general";

const show = (entry) => console.log(`${entry.seq} ${entry.from}: ${entry.text ?? entry.type}`);
const note = (text) => console.error(`(${text})`);

// 1. Connect with a function that fetches a token. It is called again whenever the server wants another one.
async function getToken() {
    const answer = await fetch(tokens);
    if (answer.status === 401 || answer.status === 403) throw new UnauthorizedError("signed out"); // ends it
    if (!answer.ok) throw new Error(`no token: ${answer.status}`); // tried again
    return (await answer.json()).token;
}
const client = new Centrifuge(server, { getToken });
client.on("connecting", ({ code, reason }) => note(`connecting: ${code} ${reason}`));
client.on("disconnected", ({ code, reason }) => note(`offline: ${code} ${reason}`));

// 2. Subscribe with recovery. The page is asked for at the beginning, and again where the place one has come to does not exist any
// more (a restored backup): then it takes the place of all that is shown. Whatever comes behind `as_of` follows, once and in order.
async function getState() {
    const { data: page } = await client.rpc("messages", { room, limit: 50 });
    page.entries.forEach(show);
    return { offset: page.as_of, epoch: page.epoch };
}
const subscription = client.newSubscription(`room:${room}`, { getState });
subscription.on("publication", ({ data }) => show(data));
subscription.on("error", ({ error }) => note(`not subscribed yet: ${error.message}`));
subscription.on("unsubscribed", ({ code, reason }) => note(`out of the room: ${code} ${reason}`));

// 3. Send with a key, made once for each message, one after the other. Keep the outbox across restarts.
const outbox = [];
let sending = false;
async function send(text) {
    outbox.push({ key: randomUUID(), text });
    if (sending) return;
    sending = true;
    while (outbox.length > 0) {
        const { key, text } = outbox[0];
        try {
            const { data } = await client.rpc("send", { room, key, text });
            note(`stored as ${data.seq}`);
            outbox.shift();
        } catch (error) {
            // From 100 on the server has said it. Everything else is an answer that did not come.
            if (error.code >= 100 && !error.temporary) {
                note(`refused: ${error.code} ${error.message}`);
                outbox.shift();
            } else await pause(300 + 700 * Math.random());
        }
    }
    sending = false;
}

// 4. Background and return: the same client and the same subscription, which goes on where it was.
subscription.subscribe();
client.connect();
for await (const line of createInterface({ input: process.stdin })) {
    if (line === "/away") client.disconnect();
    else if (line === "/back") client.connect();
    else if (line !== "") send(line);
}
process.exit();
