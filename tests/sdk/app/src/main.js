// A chat app as small as one can be, on what the packed SDK exports.

import { Chat, directLink, indexedDbStorage, sharedLink } from "hubbub-sdk";

const asked = new URLSearchParams(location.search);
const [user, server] = [asked.get("user"), asked.get("server")];
const access = {
    server: `ws://${server}/connection/websocket`,
    user,
    getToken: async () => {
        const answer = await fetch(`http://${server}/dev/token?user=${user}`);
        return (await answer.json()).token;
    },
};
const chat = new Chat({
    ...access,
    storage: indexedDbStorage(user, access.server),
    link: sharedLink(() => directLink(access), `${access.server} ${user}`),
});
const room = chat.room("kitchen");

const find = (id) => document.querySelector(`#${id}`);

/** What a row says: `…` where it waits to be sent. */
function words(row) {
    if (row.kind === "entry") return row.entry.type === "message" ? row.entry.text : null;
    return row.draft ? `${row.draft.text}…` : null;
}

function show() {
    find("state").textContent = chat.connection.snapshot().state;
    const items = room.snapshot().rows.map(words).filter((text) => text !== null);
    find("rows").replaceChildren(
        ...items.map((text) => {
            const item = document.createElement("li");
            item.textContent = text;
            return item;
        }),
    );
}

chat.connection.subscribe(show);
room.subscribe(show);
find("form").addEventListener("submit", (event) => {
    event.preventDefault();
    room.send({ text: find("text").value });
    find("text").value = "";
});
find("out").addEventListener("click", async () => {
    await chat.logOut();
    document.body.dataset.out = "yes";
});
chat.connect();
show();
