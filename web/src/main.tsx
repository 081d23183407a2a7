// The web chat: who it is for and where its server is stands in its address.

import { createRoot } from "react-dom/client";
import { Chat, directLink, indexedDbStorage, sharedLink } from "hubbub-sdk";
import { ChatProvider } from "hubbub-sdk/react";
import { App } from "./app/App.tsx";
import { placed, serverOf, token } from "./app/place.ts";
import { opensWithoutNetwork } from "./offline/open.ts";
import { dress, settings } from "./settings/settings.ts";
import "./style/style.css";

const { user, portal } = placed(location.search);
const server = serverOf(location.href, user);
const access = { server, user, getToken: () => token(user) };

dress(settings.snapshot().theme);
const chat = new Chat({
    ...access,
    storage: indexedDbStorage(user, server),
    link: sharedLink(() => directLink(access), `${server} ${user}`),
});
opensWithoutNetwork();
createRoot(document.getElementById("root")!).render(
    <ChatProvider chat={chat}>
        <App portal={portal} />
    </ChatProvider>,
);
