// Tells of mentions and direct messages by the system's own notifications, while nobody looks at the page.

import { useEffect, useMemo } from "react";
import type { Chat, Entry } from "hubbub-sdk";
import { Looked } from "../app/looked.ts";
import { serverOf } from "../app/place.ts";
import { useVisible } from "../app/visible.ts";
import { blocksOf } from "../people/blocks.ts";
import { settings } from "./settings.ts";
import { toldAs, toldOf } from "./told.ts";

export function useNotifications(chat: Chat, goTo: (room: string) => void): void {
    const looked = useMemo(() => new Looked(`hubbub looked at ${serverOf(location.href, chat.user)}`, navigator.locks), [chat]);
    const sees = useVisible();
    // From the beginning: whom one has blocked is known before they say something.
    useMemo(() => blocksOf(chat), [chat]);
    useEffect(() => {
        looked.look(sees);
        return () => looked.look(false);
    }, [looked, sees]);
    useEffect(
        () =>
            chat.onHint((hint) => {
                const { preferences } = chat.rooms.snapshot().rooms.find(({ id }) => id === hint.room) ?? {};
                const about = toldOf(hint, preferences?.notify);
                if (!about || !settings.snapshot().notify || typeof Notification === "undefined") return;
                void looked.at().then((is) => (is ? undefined : tell(chat, about, goTo)));
            }),
        [chat, goTo, looked],
    );
}

async function tell(chat: Chat, { room, seq }: { room: string; seq: number }, goTo: (room: string) => void): Promise<void> {
    try {
        const [message] = (await chat.call("message", { room, seq })).entries;
        const body = toldAs(message as Entry | undefined, chat.user, blocksOf(chat).snapshot());
        if (!message || body === null) return;
        const name = chat.rooms.snapshot().rooms.find(({ id }) => id === room)?.name || message.from;
        // Of several for the same room the newest is shown.
        const shown = new Notification(name, { body, tag: room });
        shown.onclick = () => {
            window.focus();
            goTo(room);
        };
    } catch {
        // It is unread in the list all the same.
    }
}
