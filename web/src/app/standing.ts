// How the connection stands, in words for people. Pure.

import type { ConnectionSnapshot } from "hubbub-sdk";

export interface Connection {
    kind: "fine" | "beginning" | "offline" | "away" | "over";
    /** Empty: nothing is to be said. */
    text: string;
}

export function standingOf({ state, problem }: Pick<ConnectionSnapshot, "state" | "problem">, online: boolean): Connection {
    if (state === "disconnected" && problem) return { kind: "over", text: problem };
    if (!online) return { kind: "offline", text: "You are offline. What you write is kept, and sent once you are back." };
    if (state === "connected") return { kind: "fine", text: "" };
    return problem ? { kind: "away", text: problem } : { kind: "beginning", text: "" };
}
