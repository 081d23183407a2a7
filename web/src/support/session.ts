// A conversation with a portal's agents: opened when the page is, and followed by what the server says of it.

import { useEffect, useState } from "react";
import { failure, mayRetry, refusal, type Chat, type Failure } from "hubbub-sdk";
import { isolated } from "../ui/names.ts";
import { hinted, isSession, nothing, told, type Forwarding, type Session } from "./forwarding.ts";

export interface Support {
    /** Null: not known yet. */
    portal: string | null;
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

type Standing = Pick<Support, "portal" | "room" | "state" | "forwarding" | "problem">;
const unopened: Standing = { portal: null, room: null, state: "", forwarding: nothing, problem: null };
const stands = (session: Session): Standing => ({
    portal: session.portal, room: session.id, state: session.state, forwarding: told(session), problem: null,
});

/** The conversation with `asked`, a portal; without that, the one in the `open` room. Null: it is a room of people. */
export function useSupport(chat: Chat, asked: string | null, open: string): Support | null {
    const [held, put] = useState(unopened);
    useEffect(() => (asked === null ? undefined : opening(chat, asked, put)), [chat, asked]);
    const room = asked !== null ? held.room : isSession(open) ? open : null;
    useEffect(() => (room === null ? undefined : following(chat, room, put)), [chat, room]);
    if (asked === null && room === null) return null;
    const now = held.room === room ? held : { ...unopened, room };
    const { portal } = now;
    const closed = now.state === "closed";
    const turn = () => {
        if (room === null || portal === null) return;
        const turned = closed ? chat.call("open_session", { portal, id: room }) : chat.call("close_session", { room });
        turned.then((session) => put(stands(session)), failed(put));
    };
    return { ...now, portal: portal ?? asked, ended: closed ? "This conversation has ended. Open it again to write." : null, turn };
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

/** As the server says it is, and what hints and the log say since; once more whenever the connection is back: hints may have been lost. */
export function following(chat: Pick<Chat, "call" | "connection" | "onHint" | "room">, room: string, put: Put): () => void {
    let over = false;
    const here = (change: (before: Standing) => Partial<Standing>) => put((before) => (before.room === room ? { ...before, ...change(before) } : before));
    // What is answered once another is open is nobody's.
    const ask = () => void chat.call("session", { room }).then((session) => over || put(stands(session)), () => {});
    let was = chat.connection.snapshot().state;
    if (was === "connected") ask();
    const ends = [
        chat.onHint((hint) => here(({ forwarding }) => ({ forwarding: hinted(forwarding, room, hint) }))),
        chat.room(room).onEntry(({ type }) => {
            const state = STATES[type];
            if (state !== undefined) here(() => ({ state }));
        }),
        chat.connection.subscribe(() => {
            const { state } = chat.connection.snapshot();
            if (state === "connected" && was !== state) ask();
            was = state;
        }),
    ];
    return () => {
        over = true;
        ends.forEach((end) => end());
    };
}
