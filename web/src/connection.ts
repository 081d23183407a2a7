// The official SDK, and what Hubbub adds to it by rpc.

import { Centrifuge, UnauthorizedError, type Subscription } from "centrifuge";
import type { Hint, Signal } from "../../sdk/src/link.ts";
import type { Session } from "./forwarding.ts";
import type { Outgoing, Sent } from "../../sdk/src/outbox.ts";
import type { Member } from "./people.ts";
import type { Reactors } from "./reactors.ts";
import type { Seen } from "../../sdk/src/presence.ts";
import type { Entry, Page } from "../../sdk/src/timeline.ts";
import { before, type Room } from "../../sdk/src/unread.ts";
import { ending, unsubscription } from "../../sdk/src/words.ts";

/** The close code for a token that is not accepted. */
const INVALID_TOKEN = 3500;

export type State = "connecting" | "connected" | "disconnected";

export interface Listener {
    state(state: State, why: string | null): void;
    instance(label: string): void;
    /** The subscription runs. `fresh`: what was loaded before does not continue; the log's end is `head`. */
    subscribed(fresh: boolean, epoch: string, head: number): void;
    entry(entry: Entry): void;
    /** Something about the user that no log keeps. */
    hint(hint: Hint): void;
    /** Something that is said in the room and that no log keeps. */
    signal(signal: Signal): void;
    /** The subscription ended for good; `code` says why. */
    unsubscribed(why: string, code: number): void;
}

export interface Place {
    /** Where the WebSocket is. */
    server: string;
    user: string;
    room: string;
}

export class Connection {
    private readonly client: Centrifuge;
    private readonly subscription: Subscription;

    constructor(
        private readonly place: Place,
        listener: Listener,
    ) {
        this.client = new Centrifuge(place.server, {
            name: "hubbub-web",
            getToken: () => token(place.user),
            websocket: listening((label) => listener.instance(label)),
            data: { activity: true, signals: true },
        });
        this.client.on("connecting", ({ code, reason }) =>
            listener.state("connecting", code === 0 ? null : `Connection lost (${reason}). Coming back …`),
        );
        let welcome = false;
        this.client.on("connected", () => {
            welcome = true;
            listener.state("connected", null);
        });
        this.client.on("disconnected", ({ code, reason }) => {
            // A server for trying out makes its secret up anew with each start: a token that was good is not any more.
            if (code === INVALID_TOKEN && welcome) {
                welcome = false;
                this.client.setToken("");
                this.client.connect();
            } else {
                listener.state("disconnected", ending(code, reason));
            }
        });
        this.client.on("error", ({ type, error }) => {
            if (type === "connectToken") listener.state("connecting", "The server is not there yet. Trying again …");
            else if (type === "transport") listener.state("connecting", "The server does not answer. Trying again …");
            else if (type === "connect") listener.state("connecting", `${error.message}. Trying again …`);
        });

        this.client.on("publication", ({ data }) => listener.hint(data as Hint));

        this.subscription = this.client.newSubscription(`room:${place.room}`);
        this.subscription.on("subscribed", ({ recovered, streamPosition }) =>
            listener.subscribed(!recovered, streamPosition?.epoch ?? "", streamPosition?.offset ?? 0),
        );
        this.subscription.on("publication", ({ data, offset }) => {
            if (offset) listener.entry(data as Entry);
            else listener.signal(data as Signal);
        });
        this.subscription.on("unsubscribed", ({ code, reason }) => {
            if (code !== 0) listener.unsubscribed(unsubscription(code, reason), code);
        });
    }

    open(): void {
        this.subscription.subscribe();
        this.client.connect();
    }

    /** Asks for the subscription again, after it ended. */
    follow(): void {
        this.subscription.subscribe();
    }

    send(draft: Outgoing): Promise<Sent> {
        return this.rpc("send", { room: this.place.room, ...draft });
    }

    /** `messages`, `message`, `thread` or `pins`. */
    page(method: string, what: object): Promise<Page> {
        return this.rpc(method, { room: this.place.room, ...what });
    }

    /** Whatever is done to the room under a key. */
    act(method: string, key: string, what: object): Promise<unknown> {
        return this.rpc(method, { room: this.place.room, key, ...what });
    }

    members(after: string | undefined): Promise<{ members: Member[]; next?: string }> {
        return this.rpc("members", { room: this.place.room, ...(after !== undefined && { after }), limit: 1000 });
    }

    /** The people of a direct room. */
    people(room: string): Promise<{ members: Member[] }> {
        return this.rpc("members", { room });
    }

    /** Those that one is a member of, with what is unread. */
    rooms(after: string | undefined): Promise<{ rooms: Room[]; next?: string }> {
        return this.rpc("rooms", { ...(after !== undefined && { after }), unread: true });
    }

    /** One of these; undefined: one is no member. */
    async row(id: string): Promise<Room | undefined> {
        const after = before(id);
        const page = { ...(after !== undefined && { after }), limit: 1, unread: true };
        const { rooms } = await this.rpc<{ rooms: Room[] }>("rooms", page);
        return rooms.find((room) => room.id === id);
    }

    /** This room was read up to here. */
    read(seq: number): Promise<unknown> {
        return this.rpc("read", { room: this.place.room, seq });
    }

    /** How far each has read it. */
    reads(): Promise<{ reads: { user: string; seq: number }[] }> {
        return this.rpc("reads", { room: this.place.room });
    }

    typing(thread: number | undefined): Promise<unknown> {
        return this.rpc("typing", { room: this.place.room, ...(thread !== undefined && { thread }) });
    }

    online(users: readonly string[]): Promise<{ users: Seen[] }> {
        return this.rpc("online", { users });
    }

    /** A room with a name, or the one with these people. */
    make(what: object): Promise<{ id: string }> {
        return this.rpc("create_room", what);
    }

    /** Some of those who reacted to a message. */
    reactions(target: number): Promise<Reactors> {
        return this.rpc("reactions", { room: this.place.room, target, limit: 200 });
    }

    join(): Promise<unknown> {
        return this.rpc("join", { room: this.place.room });
    }

    /** What we call a room is our own name for it: its id is in the answer. */
    create(): Promise<{ id: string }> {
        return this.rpc("create_room", { id: this.place.room, kind: "open", name: this.place.room });
    }

    session(): Promise<Session> {
        return this.rpc("session", { room: this.place.room });
    }

    closeSession(): Promise<Session> {
        return this.rpc("close_session", { room: this.place.room });
    }

    openSession(portal: string): Promise<Session> {
        return this.rpc("open_session", { portal, id: this.place.room });
    }

    private async rpc<Answer>(method: string, data: unknown): Promise<Answer> {
        const { data: answer } = await this.client.rpc(method, data);
        return answer as Answer;
    }
}

/** The one session of this user with a portal: opened, or as it was left. */
export async function support(server: string, user: string, portal: string): Promise<Session> {
    const client = new Centrifuge(server, { name: "hubbub-web", getToken: () => token(user) });
    client.connect();
    try {
        return (await client.rpc("open_session", { portal })).data as Session;
    } finally {
        client.disconnect();
    }
}

/** Asks the server that gave us the page; only with --dev does it know this. */
async function token(user: string): Promise<string> {
    const answer = await fetch(`./dev/token?user=${encodeURIComponent(user)}`, { cache: "no-store" });
    if (answer.status === 404 || answer.status === 422) throw new UnauthorizedError("no tokens here, or none for this name");
    if (!answer.ok) throw new Error(`no token: HTTP ${answer.status}`);
    return ((await answer.json()) as { token: string }).token;
}

/** The connect reply names the instance; the SDK keeps that to itself, so a listener beside it reads it. */
function listening(instance: (label: string) => void): typeof WebSocket {
    return class extends WebSocket {
        constructor(url: string | URL, protocols?: string | string[]) {
            super(url, protocols);
            const first = ({ data }: MessageEvent<string>) => {
                this.removeEventListener("message", first);
                const [line = ""] = data.split("\n");
                const reply = JSON.parse(line) as { connect?: { node?: string } };
                if (reply.connect) instance(reply.connect.node ?? "");
            };
            this.addEventListener("message", first);
        }
    };
}
