// Chats over a fake server, whose pages may die.

import { Chat } from "../dist/index.js";

/** A storage that outlives pages; one that has died writes nothing more. */
function page(kept) {
    const state = { dead: false };
    const storage = Object.fromEntries(
        ["drafts", "putDraft", "dropDraft", "database", "putDatabase", "room", "putRoom", "wipe", "watch", "close"].map((name) => [
            name,
            (...args) => (state.dead ? new Promise(() => {}) : kept[name](...args)),
        ]),
    );
    return { state, storage };
}

export function opens(world, kept, rooms = ["general"], user = "ana") {
    const { state, storage } = page(kept);
    const link = world.link(user);
    const chat = new Chat({ server: "ws://fake", user, getToken: async () => "", storage, link });
    chat.connect();
    for (const room of rooms) chat.room(room).subscribe(() => {});
    const dies = async () => {
        link.dies();
        state.dead = true;
        // Only so that no timer of it is left.
        void chat.close();
    };
    return { chat, link, dies };
}

export const textsOf = (room) =>
    room.snapshot().rows.map((row) => (row.kind === "draft" ? `${row.draft.text} (${row.draft.state})` : row.entry.text));
export const live = (chat, room) => () => chat.room(room).snapshot().state === "live" && !chat.room(room).snapshot().loading;
