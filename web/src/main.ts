import { Connection, support, type State } from "./connection.ts";
import { hinted, nothing, told, way, type Session } from "./forwarding.ts";
import { Outbox } from "./outbox.ts";
import { empty, older, step, unsent, type Draft, type Step } from "./timeline.ts";
import { View, type Notice } from "./view.ts";
import { failure, refusal } from "./words.ts";

const PAGE = 50;

const asked = new URLSearchParams(location.search);
const me = asked.get("user") || "ana";
const portal = asked.get("portal");
const server = ownServer();
const session = portal ? await opened(portal) : null;
const room = session?.id ?? asked.get("room") ?? "general";

let timeline = empty(me);
let state: State = "connecting";
let instance = "";
let loading = false;
let forwarding = session ? told(session) : nothing;
let sessionState = session?.state ?? "";

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
    session() {
        const asked = sessionState === "closed" ? connection.openSession(portal ?? "") : connection.closeSession();
        asked.then(stands, (error: unknown) => {
            troubles.sending = refusal(failure(error));
            draw();
        });
    },
    remedy: () => void help(),
});

const connection = new Connection(
    { server, user: me, room },
    {
        state(now, why) {
            state = now;
            troubles.connection = why;
            if (now === "connected") {
                wake();
                // Hints may have been lost.
                if (portal) connection.session().then(stands, () => {});
            }
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
        entry(entry) {
            const after = { opened: "open", waiting: "waiting", closed: "closed" }[entry.type];
            if (after) sessionState = after;
            take({ do: "live", entry });
        },
        hint(hint) {
            forwarding = hinted(forwarding, room, hint);
            draw();
        },
        unsubscribed(why, code) {
            remedy = null;
            if (code === 102) remedy = async () => goTo((await connection.create()).id);
            if (code === 103 || code === 2000) remedy = () => connection.join();
            const label = code === 102 ? `Create “${room}”` : "Join";
            troubles.end = { text: why, ...(remedy ? { remedy: label } : {}) };
            draw();
        },
    },
);

/** Others come to a room that was made here by this address, which has its id. */
function goTo(id: string): void {
    if (id === room) return;
    const address = new URL(location.href);
    address.searchParams.set("room", id);
    location.assign(address);
}

function stands(session: Session): void {
    forwarding = told(session);
    sessionState = session.state;
    draw();
}

/** The conversation with a portal's agents; asked again until the server is there. */
async function opened(portal: string): Promise<Session> {
    for (;;) {
        try {
            return await support(server, me, portal);
        } catch (error) {
            const why = failure(error);
            const notice = document.getElementById("notice");
            const text = document.getElementById("notice-text");
            if (notice && text) {
                notice.hidden = false;
                text.textContent = `The conversation could not be opened: ${refusal(why)} Trying again …`;
            }
            await new Promise((resolve) => setTimeout(resolve, 2000));
        }
    }
}

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
        if (portal) view.session(portal, sessionState);
        view.show(timeline, timeline.epoch !== null && older(timeline) === null, portal ? (seq) => way(forwarding, seq) : null);
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
