// A chat on a page with our own SDK, which does by itself what the other examples write down: pages, order, keys, repeating, an outbox
// that survives reloads, one connection for all tabs, and background and return. The rules are in ../README.md.
// Built with whatever bundles JavaScript: see "In a browser" of ../../../sdk/README.md.
import { Chat, directLink, indexedDbStorage, sharedLink, UnauthorizedError } from "hubbub-sdk";

const asked = new URLSearchParams(location.search);
const server = asked.get("server") ?? "ws://127.0.0.1:8000/connection/websocket";
// In production this is your own backend, which knows who is signed in by its cookie.
const tokens = asked.get("tokens") ?? "http://127.0.0.1:8000/dev/token?user=ana";
const user = asked.get("user") ?? "ana";

const list = document.getElementById("log");
const note = (text) => (document.getElementById("state").textContent = text);

// 1. Connect with a function that fetches a token. It is called again whenever the server wants another one.
async function getToken() {
    const answer = await fetch(tokens);
    if (answer.status === 401 || answer.status === 403) throw new UnauthorizedError("signed out"); // ends it
    if (!answer.ok) throw new Error(`no token: ${answer.status}`); // tried again
    return (await answer.json()).token;
}
const access = { server, user, getToken };
const chat = new Chat({
    ...access,
    storage: indexedDbStorage(user, server),
    link: sharedLink(() => directLink(access), `${server} ${user}`),
});
chat.connection.subscribe(() => note(chat.connection.snapshot().problem ?? chat.connection.snapshot().state));

// 2. Subscribe with recovery: rows are what the room says now, in order, and what one has just written.
const room = chat.room(asked.get("room") ?? "general");
room.subscribe(() => {
    const lines = room.snapshot().rows.flatMap((row) => {
        const line = document.createElement("li");
        line.className = row.kind;
        if (row.kind === "entry") line.textContent = `${row.entry.seq} ${row.entry.from}: ${row.entry.text ?? row.entry.type}`;
        else if (row.kind === "draft") line.textContent = `${row.draft.text} (${row.draft.state})`;
        else return [];
        return [line];
    });
    list.replaceChildren(...lines);
});

// 3. Send. The SDK makes the key and repeats until there is an answer.
document.getElementById("write").addEventListener("submit", (event) => {
    event.preventDefault();
    const { text } = event.target.elements;
    if (text.value === "") return;
    const { key, stored } = room.send({ text: text.value });
    stored.catch((error) => {
        note(`refused: ${error.code} ${error.message}`);
        room.discard(key);
    });
    text.value = "";
});

// 4. Background and return: nothing to do.
chat.connect();
