// What is being done to a message and is not in the log yet. Pure.

import type { Shown } from "hubbub-sdk";

/** Something that is being done, under its key until it is answered. */
export interface Doing {
    key: string;
    method: string;
    what: { target?: number; reaction?: string; text?: string };
    /** Why it was refused, in words. */
    error?: string;
}

export interface Pending {
    /** What it is going to say. */
    text?: string;
    /** What is on its way: a word in front of what was written by people, if anything. */
    words: readonly { does: string; what?: string }[];
    /** An edit that was refused: its text is above. */
    refused?: { key: string; why: string };
}

const does: Record<string, string> = {
    edit: "saving …",
    react: "reacting",
    unreact: "taking back",
    pin: "pinning …",
    unpin: "taking the pin away …",
    delete: "deleting …",
};

/** Null: nothing is. */
export function pendingOn(message: Shown, doing: readonly Doing[]): Pending | null {
    const here = doing.filter(({ what }) => what.target === message.seq);
    if (!here.length || message.gone || message.type !== "message") return null;
    const edit = here.findLast(({ method }) => method === "edit");
    return {
        ...(edit?.what.text !== undefined && { text: edit.what.text }),
        words: here
            .filter(({ error }) => error === undefined)
            .map(({ method, what }) => ({ does: does[method] ?? `${method} …`, ...(what.reaction && { what: what.reaction }) })),
        ...(edit?.error !== undefined && { refused: { key: edit.key, why: edit.error } }),
    };
}

/** Whether a reaction is one's own, once all is done that is on its way. */
export function reacts({ seq, reactions = [] }: Shown, reaction: string, doing: readonly Doing[]): boolean {
    const last = doing.findLast(
        ({ method, what }) => what.target === seq && what.reaction === reaction && ["react", "unreact"].includes(method),
    );
    return last ? last.method === "react" : reactions.some((one) => one.reaction === reaction && one.me);
}
