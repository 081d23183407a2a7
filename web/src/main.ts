import { Connection, support, type State } from "./connection.ts";
import { Deeds } from "./deeds.ts";
import { hinted, nothing, told, way, type Session } from "./forwarding.ts";
import { mentioned } from "./mentions.ts";
import { Outbox } from "./outbox.ts";
import { Pages } from "./pages.ts";
import { followed, rules, type Member, type Members, type Standing, type Told } from "./people.ts";
import type { Panel } from "./side.ts";
import { empty, entries, older, shownAs, step, unsent, type Draft, type Step } from "./timeline.ts";
import { View, type Notice } from "./view.ts";
import { failure, refusal } from "./words.ts";

const asked = new URLSearchParams(location.search);
const me = asked.get("user") || "ana";
const portal = asked.get("portal");
const server = ownServer();
const session = portal ? await opened(portal) : null;
const room = session?.id ?? asked.get("room") ?? "general";

let timeline = empty(me);
let state: State = "connecting";
let instance = "";
let panel: Panel | null = null;
let members: Members = new Map();
let held: Told = { settings: {}, muted: new Map(), asOf: 0 };
let forwarding = session ? told(session) : nothing;
let sessionState = session?.state ?? "";

// Several things may be wrong at once; the gravest is told.
const troubles: Record<"connection" | "sending" | "doing" | "loading", string | null> & { end: Notice | null } = {
    end: null,
    connection: null,
    sending: null,
    doing: null,
    loading: null,
};
let remedy: (() => Promise<unknown>) | null = null;

const deeds = new Deeds({
    act: (method, key, what) => connection.act(method, key, what),
    newKey,
    trouble(why) {
        troubles.doing = why;
        draw();
    },
});

const view = new View(me, {
    ...deeds.actions(),
    written({ text, edits, in_room }, thread) {
        const before = edits === undefined ? undefined : shownAs(timeline, edits);
        // Who was mentioned before may have left since.
        const content = { text, ...mentioned(text, [...members.keys(), ...(before?.mentions ?? [])]) };
        if (edits !== undefined) return deeds.do("edit", { target: edits, ...content, ...defined({ data: before?.data }) });
        const where = thread === undefined ? {} : { thread, ...(in_room && { in_room }) };
        take({ do: "draft", key: newKey(), at: new Date().toISOString(), ...content, ...where });
        void outbox.flush();
    },
    panel(to, root) {
        panel = to;
        take(to === "thread" && root !== undefined ? { do: "open thread", root } : { do: "close thread" });
        if (to === "thread") void pages.thread();
        if (to === "pins") void pages.pins();
        if (to === "people") void loadPeople();
    },
    find: (seq) => void pages.find(seq),
    earlier: () => void pages.replies(),
    again(key) {
        take({ do: "again", key });
        void outbox.flush();
    },
    discard: (key) => take({ do: "discard", key }),
    older: () => void pages.older(),
    session() {
        const asked = sessionState === "closed" ? connection.openSession(portal ?? "") : connection.closeSession();
        asked.then(stands, (error: unknown) => {
            troubles.sending = refusal(failure(error));
            draw();
        });
    },
    remedy: () => void help(),
});

const pages = new Pages({
    page: (method, what) => connection.page(method, what),
    timeline: () => timeline,
    take(action) {
        take(action);
        return drawn ?? Promise.resolve();
    },
    nearTop: () => view.nearTop(),
    find: (seq) => view.find(seq),
    trouble(why) {
        troubles.loading = why;
        draw();
    },
});

const connection = new Connection(
    { server, user: me, room },
    {
        state(now, why) {
            state = now;
            troubles.connection = why;
            if (now === "connected") {
                wake();
                void loadPeople();
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
            if (fresh || view.nearTop()) void pages.older();
            if (fresh) void pages.pins().then(() => pages.thread());
            void outbox.flush();
            draw();
        },
        entry(entry) {
            const after = { opened: "open", waiting: "waiting", closed: "closed" }[entry.type];
            if (after) sessionState = after;
            members = followed(members, entry);
            take({ do: "live", entry });
            // A page does not know the message that was pinned.
            if (entry.type === "pinned") void pages.pins();
        },
        hint(hint) {
            if (hint.type === "missed" || (hint.type === "added" && hint.room === room)) void loadPeople();
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
    send: ({ key, text, mentions, mention_all, thread, in_room }) =>
        connection.send({ key, text, ...defined({ mentions, mention_all, thread, in_room }) }),
    stored: ({ key }, { seq, epoch }) => take({ do: "stored", key, seq, epoch }),
    refused({ key }, why, { code }) {
        take({ do: "refused", key, error: why });
        // Of the reasons for 103 this is the one that can be helped.
        if (code === 103 && !members.has(me)) {
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

async function loadPeople(): Promise<void> {
    try {
        const all: Member[] = [];
        let after: string | undefined;
        // Before the members: what happens meanwhile is in the lines after this head.
        const { head = 0, settings = {} } = (await connection.own()) ?? {};
        do {
            const page = await connection.members(after);
            all.push(...page.members);
            after = page.next;
        } while (after !== undefined);
        const muted = all.flatMap(({ user, muted_until }) => (muted_until ? [[user, muted_until] as const] : []));
        held = { settings, muted: new Map(muted), asOf: head };
        // Some of it may have changed while it was read.
        members = timeline.recent.reduce(followed, new Map(all.map((one) => [one.user, one])));
        draw();
    } catch {
        // Nothing is offered then; whoever may not read the room is told so by the subscription.
    }
}

/** Without what is undefined. */
function defined<T extends object>(all: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as never;
}

async function help(): Promise<void> {
    if (troubles.end === null && troubles.doing !== null) {
        troubles.doing = null;
        return draw();
    }
    try {
        await remedy?.();
        troubles.end = null;
        connection.follow();
    } catch (error) {
        troubles.end = { text: refusal(failure(error)), remedy: "Try again" };
    }
    draw();
}

function standing(): Standing {
    const role = members.get(me)?.role;
    return { me, role, direct: room.startsWith("direct."), ...rules(held, entries(timeline)) };
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
        view.show({
            timeline,
            complete: timeline.epoch !== null && older(timeline) === null,
            panel,
            members,
            standing: standing(),
            way: portal ? (seq) => way(forwarding, seq) : null,
        });
        const passing = troubles.connection ?? troubles.sending ?? troubles.loading;
        const undone = troubles.doing === null ? null : { text: troubles.doing, remedy: "Close" };
        view.tell(troubles.end ?? undone ?? (passing ? { text: passing } : null));
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
    const { state: _, error: _error, ...said } = draft;
    timeline = step(timeline, { do: "draft", ...said });
}

view.heading(room, me === "ana" ? "ben" : "ana");
draw();
connection.open();
