// A conversation with a portal's agents: opened when the page is, and followed by what the server says of it.

import { useEffect, useState } from "react";
import { failure, mayRetry, refusal, type Chat, type Failure } from "hubbub-sdk";
import { isolated } from "../ui/names.ts";
import { hinted, nothing, told, type Forwarding, type Session } from "./forwarding.ts";

export interface Support {
    portal: string;
    /** Its room, once it is open. */
    room: string | null;
    state: string;
    forwarding: Forwarding;
    /** Why nothing is written there now; null: something is. */
    ended: string | null;
    /** Why it is not open, in words. */
    problem: string | null;
    /** Ends it, or opens it again. */
    turn(): void;
}

const AGAIN_MS = 2_000;
const STATES: Record<string, string> = { opened: "open", waiting: "waiting", closed: "closed" };

type Standing = Pick<Support, "room" | "state" | "forwarding" | "problem">;
const unopened: Standing = { room: null, state: "", forwarding: nothing, problem: null };
const stands = (session: Session): Standing => ({ room: session.id, state: session.state, forwarding: told(session), problem: null });

/** Null where no portal is asked for. */
export function useSupport(chat: Chat, portal: string | null): Support | null {
    const [now, put] = useState(unopened);
    useEffect(() => (portal === null ? undefined : opening(chat, portal, put)), [chat, portal]);
    const { room } = now;
    useEffect(() => (room === null ? undefined : following(chat, room, put)), [chat, room]);
    if (portal === null) return null;
    const closed = now.state === "closed";
    const turn = () => {
        if (room === null) return;
        const asked = closed ? chat.call("open_session", { portal, id: room }) : chat.call("close_session", { room });
        asked.then((session) => put(stands(session)), failed(put));
    };
    return { portal, ...now, ended: closed ? "This conversation has ended. Open it again to write." : null, turn };
}

type Put = (how: Standing | ((before: Standing) => Standing)) => void;

function failed(put: Put): (error: unknown) => void {
    return (error) => put((before) => ({ ...before, problem: refusal(failure(error)) }));
}

/** Why there is no conversation, in words. */
export function unopenable(portal: string, why: Failure): string {
    if (/\bportal: unknown/.test(why.message)) return `There is no portal “${isolated(portal)}” on this server.`;
    return `The conversation could not be opened: ${refusal(why)}${mayRetry(why) ? " Trying again …" : ""}`;
}

/** Asks until the server is there. */
function opening(chat: Chat, portal: string, put: Put): () => void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let over = false;
    const ask = () => {
        if (chat.connection.snapshot().state === "disconnected") return void (timer = setTimeout(ask, AGAIN_MS / 4));
        chat.call("open_session", { portal }).then(
            (session) => over || put(stands(session)),
            (error: unknown) => {
                if (over) return;
                const problem = unopenable(portal, failure(error));
                put({ ...unopened, problem });
                if (mayRetry(failure(error))) timer = setTimeout(ask, AGAIN_MS);
            },
        );
    };
    timer = setTimeout(ask);
    return () => {
        over = true;
        clearTimeout(timer);
    };
}

/** What hints and the log say, and once more what holds whenever the connection is back: hints may have been lost. */
function following(chat: Chat, room: string, put: Put): () => void {
    let was = "connected";
    const ends = [
        chat.onHint((hint) => put((before) => ({ ...before, forwarding: hinted(before.forwarding, room, hint) }))),
        chat.room(room).onEntry(({ type }) => {
            const state = STATES[type];
            if (state !== undefined) put((before) => ({ ...before, state }));
        }),
        chat.connection.subscribe(() => {
            const { state } = chat.connection.snapshot();
            if (state === "connected" && was !== state) chat.call("session", { room }).then((session) => put(stands(session)), () => {});
            was = state;
        }),
    ];
    return () => ends.forEach((end) => end());
}
