// What rooms are called: direct ones by the others in them, who are asked for.

import { useEffect, useMemo, useState } from "react";
import { Others, titled, type Chat, type RoomRow } from "hubbub-sdk";
import { useChat, useConnection } from "hubbub-sdk/react";
import { isSession, named, supportTitle } from "../support/forwarding.ts";

export type TitleOf = (room: RoomRow) => string;

/** Titles of these rooms. The people of direct ones are known a little later. */
export function useTitles(shown: readonly RoomRow[]): TitleOf {
    const chat = useChat();
    const [, again] = useState(0);
    const others = useMemo(
        () =>
            new Others({
                me: chat.user,
                members: async (room) => ({ members: await calledAfter(chat, room) }),
                changed: () => again((n) => n + 1),
            }),
        [chat],
    );
    const nameless = shown.filter(({ id, kind, name }) => !name && (kind === "direct" || isSession(id))).map(({ id }) => id);
    // Once more when the connection is back: who was asked for while it went is not known.
    const { state } = useConnection();
    useEffect(() => void others.want(nameless), [others, nameless.join(" "), state]);
    return (room) => titleAs(room, others.of.get(room.id));
}

/** `people`: whom it is called after, once that is known. A conversation with agents is one before it is known with whom. */
export function titleAs(room: RoomRow, people: readonly string[] | undefined): string {
    return titled(room, people?.map(named) ?? (isSession(room.id) ? [supportTitle(null)] : []));
}

/** What a room without a name is called after: the people of a direct one, the portal of a conversation with agents. */
async function calledAfter(chat: Chat, room: string): Promise<{ user: string }[]> {
    if (isSession(room)) return [{ user: supportTitle((await chat.call("session", { room })).portal) }];
    return [...(await chat.call("members", { room })).members];
}

/** The rooms whose title, topic or id has these words, in their order. */
export function found(rooms: readonly RoomRow[], sought: string, titleOf: TitleOf): RoomRow[] {
    const words = sought.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) return [...rooms];
    return rooms.filter((room) => {
        const text = [titleOf(room), room.topic ?? "", room.id].join(" ").toLocaleLowerCase();
        return words.every((word) => text.includes(word));
    });
}
