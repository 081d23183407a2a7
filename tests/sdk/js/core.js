// Two people with our own SDK, on two instances. Says on its output what it waits for, and goes on with a line of input.
// node tests/sdk/js/core.js ADDRESS-OF-ANA TOKEN-OF-ANA ADDRESS-OF-BEN TOKEN-OF-BEN

import assert from "node:assert/strict";
import { createInterface } from "node:readline";
import WebSocket from "ws";
import { Chat, MemoryStorage } from "../../../sdk/dist/index.js";

const [atAna, tokenOfAna, atBen, tokenOfBen, kitchenId = "kitchen"] = process.argv.slice(2);
const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

const opens = (user, at, token, storage) => {
    const server = `ws://${at}/connection/websocket`;
    const chat = new Chat({ server, user, getToken: async () => token, websocket: WebSocket, storage });
    chat.connect();
    const room = chat.room("general");
    room.subscribe(() => {});
    return { chat, room };
};

async function until(level, what) {
    for (const end = Date.now() + 20_000; ; ) {
        const value = level();
        if (value) return value;
        assert.ok(Date.now() < end, `not in time: ${what}`);
        await new Promise((resolve) => setTimeout(resolve, 5));
    }
}

async function waits(what) {
    console.log(what);
    await input.next();
}

const shown = ({ room }) => room.snapshot().rows.filter((row) => row.draft ?? row.entry.type === "message");
const texts = (one) => shown(one).map(({ draft, entry }) => (draft ? `draft ${draft.text}` : entry.text));
const same = (all) => (one) => JSON.stringify(texts(one)) === JSON.stringify(all);
const message = ({ room }, seq) => room.snapshot().rows.find(({ entry }) => entry?.seq === seq)?.entry;

const kept = new MemoryStorage();
const ana = opens("ana", atAna, tokenOfAna);
let ben = opens("ben", atBen, tokenOfBen, kept);

// They talk.
const { seq } = await ana.room.send({ text: "The soup" }).stored;
await until(() => same(["The soup"])(ben), "he hears her");
await ben.room.react(seq, "👍");
await until(() => message(ana, seq).reactions?.[0].count === 1, "she sees his reaction");
await ana.room.edit(seq, { text: "The soup is ready" });
await until(() => message(ben, seq).text === "The soup is ready", "he sees her edit");
await ben.room.send({ text: "Which soup?", thread: seq }).stored;
await ana.room.openThread(seq);
await until(() => ana.room.snapshot().thread?.rows[0]?.entry?.text === "Which soup?", "she sees his reply");
ben.room.types("I");
await until(() => ana.room.snapshot().typing.includes("ben"), "she sees him type");

// What is unread.
const unread = () => {
    const kitchen = ben.chat.rooms.snapshot().rooms.find(({ id }) => id === kitchenId);
    return kitchen && (kitchen.unread?.count ?? 0);
};
await until(() => unread() === 0, "nothing is unread");
await ana.chat.room(kitchenId).send({ text: "Here" }).stored;
await until(() => unread() === 1, "one message is unread");

// His instance dies. He writes three messages, and reloads the page.
await until(() => ben.chat.connection.snapshot().state === "connected", "he is connected");
await waits("kill");
await until(() => ben.chat.connection.snapshot().state === "connecting", "he notices");
for (const text of ["one", "two", "three"]) await ben.room.send({ text }).kept;
await ana.room.send({ text: "Where are you?" }).stored;
await ben.chat.close();
ben = opens("ben", atBen, tokenOfBen, kept);
await until(() => same(["The soup is ready", "draft one", "draft two", "draft three"])(ben), "he sees what he saw");
await waits("restart");
const all = ["The soup is ready", "Where are you?", "one", "two", "three"];
for (const one of [ana, ben]) await until(() => same(all)(one), `${one.chat.user} sees ${all}, and not ${texts(one)}`);
assert.deepEqual(await kept.drafts(), []);
await until(() => unread() === 1, "one message is still unread");
await Promise.all([ana.chat.close(), ben.chat.close()]);
console.log("done");
process.exit(0);
