// The hooks in a real React, in strict mode, which shows every component twice.

import assert from "node:assert/strict";
import { after, test } from "node:test";
import { Window } from "happy-dom";
import { Chat } from "../dist/index.js";
import { Server, until, World } from "./world.js";

const window = new Window({ url: "http://localhost/" });
Object.assign(globalThis, { window, document: window.document });
Object.defineProperty(globalThis, "navigator", { value: window.navigator, configurable: true });
const { createElement: h, StrictMode, useEffect } = await import("react");
const { createRoot } = await import("react-dom/client");
const { renderToString } = await import("react-dom/server");
const { ChatProvider, useConnection, useLook, usePresence, useRoom, useRooms } = await import("../dist/react/index.js");

after(() => window.happyDOM.close());

function scene(user = "ana") {
    const world = new World(1, new Server());
    const link = world.link(user);
    const chat = new Chat({ server: "ws://fake", user, getToken: async () => "", link });
    const step = () => {
        if (!link.up) link.connect();
        world.step();
    };
    return { world, chat, step };
}

function View({ id = "general" }) {
    const [{ rows, state }, room] = useRoom(id);
    const connection = useConnection();
    useLook(id, true);
    const lines = rows.map((row) => h("li", { key: row.key }, row.kind === "draft" ? row.draft.text : row.entry.text));
    return h("main", { className: `${connection.state} ${state}` }, h("ul", null, lines), h("button", { onClick: () => room.send({ text: "hi" }) }));
}

async function shows(element, chat) {
    const place = document.body.appendChild(document.createElement("div"));
    const root = createRoot(place);
    root.render(h(StrictMode, null, h(ChatProvider, { chat }, element)));
    return { place, root };
}

test("a room is shown and followed while its component is there", async () => {
    const { world, chat, step } = scene();
    const { place, root } = await shows(h(View), chat);
    await until(() => place.querySelector("main")?.className === "connected live", "live", step);
    place.querySelector("button").click();
    await until(() => place.querySelector("ul").textContent === "hi", "said");
    await until(() => world.server.texts("general").length === 1, "stored", step);
    world.server.append("ben", "general", { type: "message", text: "hello" });
    await until(() => place.querySelectorAll("li").length === 2, "ben is heard", step);
    root.unmount();
    // A moment later nothing is followed any more.
    await until(() => chat.room("general").snapshot().state === "waiting", "left", step);
    await chat.close();
});

test("what is shown is the same object until something has changed", async () => {
    const { chat } = scene();
    let shown = 0;
    const seen = new Set();
    const Count = () => {
        const rooms = useRooms();
        seen.add(rooms);
        shown += 1;
        return null;
    };
    const { root } = await shows(h(Count), chat);
    await until(() => shown > 0, "shown");
    const before = shown;
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(shown, before, "nothing has changed, and nothing was shown anew");
    assert.equal(chat.rooms.snapshot(), [...seen].at(-1));
    root.unmount();
    await chat.close();
});

test("who is there is asked, and asked again for others", async () => {
    const { chat, step } = scene();
    const asked = [];
    chat.online = async (users) => {
        asked.push([...users]);
        return users.map((user) => ({ user, online: true }));
    };
    let shownTo = "";
    const Who = ({ users }) => {
        const seen = usePresence(users);
        // Behind the hook's own.
        useEffect(() => void (shownTo = users[0]));
        return [...seen].map(([user, { online }]) => `${user} ${online}`).join();
    };
    const connected = async (element) => {
        const shown = await shows(element, chat);
        await until(() => shown.place.textContent !== "", "told", step);
        return shown;
    };
    chat.connect();
    await until(() => chat.connection.snapshot().state === "connected", "connected", step);
    const { place, root } = await connected(h(Who, { users: ["ben"] }));
    assert.equal(place.textContent, "ben true");
    const before = asked.length;
    // Many come and go at once: the last of them are asked for, a moment later.
    for (const user of ["dora", "eve", "cem"]) {
        root.render(h(StrictMode, null, h(ChatProvider, { chat }, h(Who, { users: [user] }))));
        await until(() => shownTo === user, "shown");
    }
    assert.equal(asked.length, before);
    await until(() => place.textContent === "cem true", "another", step);
    assert.deepEqual(asked.slice(before), [["cem"]]);
    root.unmount();
    await chat.close();
});

test("a server renders it, and outside of a provider it says what is missing", () => {
    const { chat } = scene();
    const html = renderToString(h(ChatProvider, { chat }, h(View)));
    assert.match(html, /disconnected waiting/);
    assert.throws(() => renderToString(h(View)), /there is no ChatProvider above this component/);
});
