// A connection of one's own: the official client, and what Hubbub adds to it.

import { Centrifuge, type Options, State, type Subscription, UnauthorizedError } from "centrifuge";
import type { Entry } from "./fold.ts";
import { CallError, type Follower, type Hint, type Link, type LinkListener, type Position, type Signal } from "./link.ts";
import { ending, unsubscription } from "./words.ts";

export interface Access {
    /** Where the server is: `wss://chat.example.com/connection/websocket`. */
    server: string;
    /** Who the tokens are of. */
    user: string;
    /**
     * A token for this user, from your own backend. Throw `UnauthorizedError` where there is none to be had: then nothing is tried any
     * more. Where it fails otherwise, or returns none, it is called again after a pause.
     */
    getToken: () => Promise<string>;
    /** A WebSocket, where there is none built in: Node before 22. */
    websocket?: unknown;
}

/** The close code for a token that is not accepted. */
const INVALID_TOKEN = 3500;
const USER = "user:";
const ROOM = "room:";

export function directLink(access: Access): Link {
    return new DirectLink(access);
}

class DirectLink implements Link {
    private readonly client: Centrifuge;
    private listener: LinkListener | null = null;
    private data: { features?: string[]; database?: string; instance?: string } = {};
    private welcomed = false;

    constructor(private readonly access: Access) {
        const options: Partial<Options> = {
            name: "hubbub-sdk",
            // The official client takes an empty one for a final no, which the answer of a backend that has just started is not.
            getToken: async () => {
                const token: unknown = await access.getToken();
                if (typeof token !== "string" || !token) throw new Error("getToken returned no token");
                return token;
            },
            data: { activity: true, signals: true },
            ...(access.websocket !== undefined && { websocket: access.websocket as never }),
        };
        this.client = new Centrifuge(access.server, options);
        // What the official client calls the reason is no word for people.
        this.client.on("connecting", ({ code }) => this.listener?.state("connecting", code === 0 ? null : away("The connection was lost")));
        this.client.on("connected", ({ data }) => {
            this.data = (data ?? {}) as typeof this.data;
        });
        // Who the server takes us for: it subscribes the connection to its user's own channel.
        this.client.on("subscribed", ({ channel }) => {
            if (channel.startsWith(USER)) this.welcome(channel.slice(USER.length));
        });
        this.client.on("publication", ({ data }) => this.listener?.hint(data as Hint));
        this.client.on("disconnected", ({ code, reason }) => {
            // The secret that tokens are signed with may be another since: once more, with a new one.
            if (code === INVALID_TOKEN && this.welcomed) {
                this.welcomed = false;
                this.client.setToken("");
                this.client.connect();
            } else {
                this.listener?.state("disconnected", ending(code, reason));
            }
        });
        this.client.on("error", ({ type, error }) => {
            const words = { connectToken: "There is no token", transport: "The server does not answer", connect: error.message }[type];
            if (words) this.listener?.state("connecting", away(words));
        });
    }

    open(listener: LinkListener): void {
        this.listener = listener;
        listener.leads(true);
        // It has ended for good before: not with the same token again.
        if (this.client.state === State.Disconnected) this.client.setToken("");
        this.client.connect();
    }

    async call(method: string, data: unknown): Promise<unknown> {
        try {
            return (await this.client.rpc(method, data)).data;
        } catch (problem) {
            throw CallError.of(problem);
        }
    }

    follow(room: string, since: Position | null, follower: Follower): () => void {
        const channel = ROOM + room;
        const subscription: Subscription = this.client.newSubscription(channel, since ? { since } : {});
        subscription.on("subscribed", ({ recovered, streamPosition }) => {
            const { epoch = "", offset = 0 } = streamPosition ?? {};
            follower.started({ epoch, offset }, !recovered);
        });
        subscription.on("publication", ({ data, offset }) => {
            if (offset) follower.entry(data as Entry);
            else follower.signal(data as Signal);
        });
        let over = false;
        subscription.on("unsubscribed", ({ code, reason }) => {
            if (over) return;
            // The client knows no two of one channel, also where one has ended.
            end();
            follower.ended(code, unsubscription(code, reason));
        });
        const end = () => {
            if (over) return;
            over = true;
            subscription.unsubscribe();
            this.client.removeSubscription(subscription);
        };
        subscription.subscribe();
        return end;
    }

    close(): void {
        this.listener = null;
        this.client.disconnect();
    }

    private welcome(user: string): void {
        const { listener } = this;
        if (!listener) return;
        if (user !== this.access.user) {
            this.close();
            listener.state("disconnected", `The token is of ${user}, and this chat is for ${this.access.user}.`);
            return;
        }
        this.welcomed = true;
        const { features = [], database = "", instance = "" } = this.data;
        listener.welcome({ instance, database, user, features });
        listener.state("connected", null);
    }
}

/** What is said while there is no connection. */
function away(words: string): string {
    const offline = typeof navigator !== "undefined" && navigator.onLine === false;
    return offline ? "You are offline." : `${words}. Trying again …`;
}

export { UnauthorizedError };
