// Tells of mentions and direct messages by the system's own notifications, while nobody looks at the page.

import { useEffect } from "react";
import type { Chat } from "hubbub-sdk";
import { visible } from "../app/visible.ts";
import { settings } from "./settings.ts";
import { toldOf } from "./told.ts";

const LONGEST = 140;

export function useNotifications(chat: Chat, goTo: (room: string) => void): void {
    useEffect(
        () =>
            chat.onHint((hint) => {
                const { preferences } = chat.rooms.snapshot().rooms.find(({ id }) => id === hint.room) ?? {};
                const about = toldOf(hint, preferences?.notify);
                if (about && !visible() && settings.snapshot().notify && typeof Notification !== "undefined") void tell(chat, about, goTo);
            }),
        [chat, goTo],
    );
}

async function tell(chat: Chat, { room, seq }: { room: string; seq: number }, goTo: (room: string) => void): Promise<void> {
    try {
        const [message] = (await chat.call("message", { room, seq })).entries;
        if (message?.type !== "message" || message.from === chat.user) return;
        const name = chat.rooms.snapshot().rooms.find(({ id }) => id === room)?.name || message.from;
        const text = "text" in message && typeof message.text === "string" ? message.text : "";
        // Of several for the same room the newest is shown.
        const shown = new Notification(name, { body: `${message.from}: ${text.slice(0, LONGEST)}`, tag: room });
        shown.onclick = () => {
            window.focus();
            goTo(room);
        };
    } catch {
        // It is unread in the list all the same.
    }
}
