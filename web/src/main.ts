import { Connection, type State } from "./connection.ts";
import { Outbox } from "./outbox.ts";
import { empty, older, step, unsent, type Draft, type Step } from "./timeline.ts";
import { View, type Notice } from "./view.ts";
import { failure, refusal } from "./words.ts";

const PAGE = 50;

const asked = new URLSearchParams(location.search);
const me = asked.get("user") || "ana";
const room = asked.get("room") || "general";
const server = asked.get("server") || ownServer();

let timeline = empty(me);
let state: State = "connecting";
let instance = "";
let loading = false;

// Several things may be wrong at once; the gravest is told.
const troubles: Record<"connection" | "sending" | "loading", string | null> & { end: Notice | null } = {
    end: null,
    connection: null,
    sending: null,
    loading: null,
};
let remedy: (() => Promise<unknown>) | null = null;

const view = new View(me, {
    say(text) {
        take({ do: "draft", key: newKey(), text, at: new Date().toISOString() });
        void outbox.flush();
    },
    again(key) {
        take({ do: "again", key });
        void outbox.flush();
    },
    discard: (key) => take({ do: "discard", key }),
    older: () => void load(),
    remedy: () => void help(),
});

const connection = new Connection(
    { server, user: me, room },
    {
        state(now, why) {
            state = now;
            troubles.connection = why;
            if (now === "connected") wake();
            draw();
        },
        instance(label) {
            instance = label;
            draw();
        },
        subscribed(fresh, epoch, head) {
            troubles.end = null;
            if (fresh) take({ do: "start", epoch, head });
            if (fresh || view.nearTop()) void load();
            void outbox.flush();
            draw();
        },
        entry: (entry) => take({ do: "live", entry }),
        unsubscribed(why, code) {
            remedy = null;
            if (code === 102) remedy = () => connection.create();
            if (code === 103 || code === 2000) remedy = () => connection.join();
            const label = code === 102 ? `Create “${room}”` : "Join";
            troubles.end = { text: why, ...(remedy ? { remedy: label } : {}) };
            draw();
        },
    },
);

/** Where the page came from. The person stands in the address for balancers that keep one on one instance. */
function ownServer(): string {
    const address = new URL("./connection/websocket", location.href);
    address.protocol = address.protocol.replace("http", "ws");
    address.search = new URLSearchParams({ user: me }).toString();
    return address.href;
}

/** Made once per draft. Away from localhost and https the browser has no randomUUID. */
function newKey(): string {
    if (crypto.randomUUID) return crypto.randomUUID();
    return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

// A pause ends early when the connection is back.
let wake = () => {};
const outbox = new Outbox({
    next: () => unsent(timeline)[0],
    send: ({ key, text }) => connection.send(key, text),
    stored: ({ key }, { seq, epoch }) => take({ do: "stored", key, seq, epoch }),
    refused({ key }, why, { code }) {
        take({ do: "refused", key, error: why });
        if (code === 103) {
            remedy = () => connection.join();
            troubles.end = { text: why, remedy: "Join" };
            draw();
        }
    },
    trouble(why) {
        troubles.sending = why;
        draw();
    },
    pause: (ms) =>
        new Promise((resolve) => {
            wake = resolve;
            setTimeout(resolve, ms);
        }),
});

/** Loads the next older page, unless one is on its way or there is none. */
async function load(): Promise<void> {
    const before = older(timeline);
    if (before === null || loading || state !== "connected") return;
    loading = true;
    const { epoch } = timeline;
    try {
        const page = await connection.before(before, PAGE);
        troubles.loading = null;
        take({ do: "page", page });
        await drawn;
    } catch (error) {
        troubles.loading = `Older messages could not be loaded: ${refusal(failure(error))}`;
        draw();
        return;
    } finally {
        loading = false;
    }
    // Either the window is taller than the page, or the history was replaced meanwhile and its newest page is to come.
    if (view.nearTop() || timeline.epoch !== epoch) void load();
}

async function help(): Promise<void> {
    try {
        await remedy?.();
        troubles.end = null;
        connection.follow();
    } catch (error) {
        troubles.end = { text: refusal(failure(error)), remedy: "Try again" };
    }
    draw();
}

function take(action: Step): void {
    timeline = step(timeline, action);
    keep();
    draw();
}

let drawn: Promise<void> | null = null;
function draw(): void {
    // Many entries may arrive in one turn; they are drawn once.
    drawn ??= Promise.resolve().then(() => {
        drawn = null;
        view.state(state, instance, timeline.head);
        view.show(timeline, timeline.epoch !== null && older(timeline) === null);
        const passing = troubles.connection ?? troubles.sending ?? troubles.loading;
        view.tell(troubles.end ?? (passing ? { text: passing } : null));
    });
}

// What is not acknowledged yet survives a reload of the page, with its key.
const shelf = `hubbub drafts ${JSON.stringify([server, me, room])}`;
let shelved = "";
function keep(): void {
    const drafts = timeline.drafts.filter((draft) => draft.state !== "stored");
    const text = drafts.length ? JSON.stringify(drafts) : "";
    if (text === shelved) return;
    shelved = text;
    if (text) sessionStorage.setItem(shelf, text);
    else sessionStorage.removeItem(shelf);
}
for (const draft of JSON.parse(sessionStorage.getItem(shelf) ?? "[]") as Draft[]) {
    timeline = step(timeline, { do: "draft", key: draft.key, text: draft.text, at: draft.at });
}

view.heading(room, me === "ana" ? "ben" : "ana");
draw();
connection.open();
