// Where the page is: what its address says, and the server that it came from.

import { UnauthorizedError } from "hubbub-sdk";

export interface Place {
    user: string;
    /** The room that is open. */
    room: string;
    /** Talks to the agents of this portal, and has one room. */
    portal: string | null;
}

const ROOM = "general";
const USER = "ana";

export function placed(search: string): Place {
    const asked = new URLSearchParams(search);
    return { user: asked.get("user") || USER, room: asked.get("room") || ROOM, portal: asked.get("portal") || null };
}

/** The address of the same page with something else. */
export function addressed(href: string, change: Partial<Record<"user" | "room", string>>): string {
    const address = new URL(href);
    for (const [name, value] of Object.entries(change)) address.searchParams.set(name, value);
    return address.href;
}

/** The two people that a server for trying out knows: the other one. */
export function otherOf(user: string): string {
    return user === USER ? "ben" : USER;
}

/** The address of a window for the other one. */
export function secondWindow(href: string, user: string): string {
    return addressed(href, { user: otherOf(user) });
}

/** Where the page came from. The person stands in the address for balancers that keep one on one instance. */
export function serverOf(href: string, user: string): string {
    const address = new URL("./connection/websocket", href);
    address.protocol = address.protocol.replace("http", "ws");
    address.search = new URLSearchParams({ user }).toString();
    return address.href;
}

/** Asks the server that gave us the page; only with --dev does it know this. */
export async function token(user: string): Promise<string> {
    const answer = await fetch(`./dev/token?user=${encodeURIComponent(user)}`, { cache: "no-store" });
    if (answer.status === 404 || answer.status === 422) throw new UnauthorizedError("no tokens here, or none for this name");
    if (!answer.ok) throw new Error(`no token: HTTP ${answer.status}`);
    return ((await answer.json()) as { token: string }).token;
}
