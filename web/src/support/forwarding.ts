// How far a support session's messages have got on their way to the portal. Pure: every change is a step.

import type { Hint, Methods } from "hubbub-sdk";

/** Whether a room is a conversation with a portal's agents. */
export function isSession(room: string): boolean {
    return room.startsWith("session.");
}

/** What such a conversation is called. */
export function supportTitle(portal: string | null): string {
    return portal === null ? "Support" : `Support · ${portal}`;
}

/** What `open_session` and `session` answer, as far as the page needs it. */
export type Session = Pick<Methods["session"]["answer"], "id" | "portal" | "state" | "forwarded" | "delayed" | "failed">;

export interface Forwarding {
    /** The portal has everything up to this seq, but for `failed`. */
    forwarded: number;
    /** This seq was not taken at the first try. */
    delayed: number | null;
    /** These were given up on. */
    failed: readonly number[];
}

export type Way = "forwarded" | "delayed" | "failed" | "waiting";

export const nothing: Forwarding = { forwarded: 0, delayed: null, failed: [] };

/** As the server says it is: hints may have been lost. */
export function told({ forwarded, delayed, failed }: Session): Forwarding {
    return { forwarded, delayed: delayed ? forwarded + 1 : null, failed };
}

/** After a hint about this room; the same where it is about something else. */
export function hinted(now: Forwarding, room: string, { type, room: of, seq }: Hint): Forwarding {
    if (of !== room || seq === undefined) return now;
    switch (type) {
        case "forwarded":
            return {
                forwarded: Math.max(now.forwarded, seq),
                delayed: now.delayed !== null && now.delayed <= seq ? null : now.delayed,
                // A dead letter that was sent again and taken.
                failed: now.failed.filter((one) => one !== seq),
            };
        case "forward_delayed":
            return { ...now, delayed: seq };
        case "forward_failed":
            return { ...now, delayed: null, failed: [...now.failed.filter((one) => one !== seq), seq] };
        default:
            return now;
    }
}

/** Where a message of one's own is. */
export function way(now: Forwarding, seq: number): Way {
    if (now.failed.includes(seq)) return "failed";
    if (seq <= now.forwarded) return "forwarded";
    return now.delayed !== null && seq >= now.delayed ? "delayed" : "waiting";
}

export const ways: Record<Way, string> = {
    waiting: "✓ stored",
    forwarded: "✓✓ with the agents",
    delayed: "not with the agents yet, trying again …",
    failed: "could not be forwarded",
};

/** An agent's own name: `portal:desk/Ada` is Ada. */
export function named(user: string): string {
    if (user.startsWith("hubbub:")) return "The team";
    const [portal, ...agent] = user.split("/");
    return portal?.startsWith("portal:") ? agent.join("/") || portal.slice("portal:".length) : user;
}
