import { Connection, support, type State } from "./connection.ts";
import { Deeds } from "./deeds.ts";
import { Door } from "./door.ts";
import { hinted, nothing, told, way, type Session } from "./forwarding.ts";
import { mentioned } from "./mentions.ts";
import { Outbox } from "./outbox.ts";
import { Pages } from "./pages.ts";
import { nextEnd, NOT_MEMBER, type Standing } from "./people.ts";
import type { Doing } from "./pending.ts";
import { Roster } from "./roster.ts";
import { Shelf } from "./shelf.ts";
import type { Panel } from "./side.ts";
import { empty, entries, older, shownAs, step, unsent, type Draft, type Step } from "./timeline.ts";
import { View } from "./view.ts";
import { deleted, failure, refusal } from "./words.ts";

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
let forwarding = session ? told(session) : nothing;
let sessionState = session?.state ?? "";

const shelf = (what: string) => `hubbub ${what} ${JSON.stringify([server, me, room])}`;
const drafts = new Shelf<Draft>(shelf("drafts"), sessionStorage);
const edits = new Shelf<Doing>(shelf("edits"), sessionStorage);

// Several things may be wrong at once; the gravest is told.
const troubles: Record<"connection" | "sending" | "waiting" | "doing" | "loading", string | null> = {
    connection: null,
    sending: null,
    waiting: null,
    doing: null,
    loading: null,
};
function trouble(what: keyof typeof troubles): (why: string | null) => void {
    return (why) => {
        troubles[what] = why;
        draw();
    };
}

// Pauses end early when the connection is back.
const pauses = new Set<() => void>();
function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
        const over = () => {
            pauses.delete(over);
            clearTimeout(timer);
            resolve();
        };
        const timer = setTimeout(over, ms);
        pauses.add(over);
    });
}

const deeds = new Deeds({
    act: (method, key, what) => connection.act(method, key, what),
    newKey,
    trouble: trouble("doing"),
    waits: trouble("waiting"),
    changed() {
        keep();
        draw();
    },
    pause,
});

const roster = new Roster({
    rooms: (after) => connection.rooms(after),
    members: (after) => connection.members(after),
    room,
    recent: () => timeline.recent,
    shown: () => entries(timeline),
    read() {
        if (roster.members.has(me)) door.member();
        else if (door.end === null && !portal) door.kept(NOT_MEMBER, 103);
        draw();
    },
});

const door = new Door({
    me,
    room,
    follow: () => connection.follow(),
    join: () => connection.join(),
    create: async () => goTo((await connection.create()).id),
    kind: () => roster.kind,
    changed: () => draw(),
});

const view = new View(me, {
    ...deeds.actions(),
    written({ text, edits, reply_to, in_room }, thread) {
        const before = edits === undefined ? undefined : shownAs(timeline, edits);
        // Who was mentioned before may have left since.
        const content = { text, ...mentioned(text, [...roster.members.keys(), ...(before?.mentions ?? [])]) };
        if (edits !== undefined) return deeds.do("edit", { target: edits, ...content, ...defined({ data: before?.data }) });
        const where = thread === undefined ? {} : { thread, ...(in_room && { in_room }) };
        const said = { ...content, ...where, ...defined({ reply_to }) };
        take({ do: "draft", key: newKey(), at: new Date().toISOString(), ...said });
        void outbox.flush();
    },
    panel(to, root) {
        panel = to;
        take(to === "thread" && root !== undefined ? { do: "open thread", root } : { do: "close thread" });
        if (to === "thread") void pages.thread();
        if (to === "pins") void pages.pins();
        if (to === "people") void roster.load();
    },
    editAgain: (key) => deeds.again(key),
    editDiscard: (key) => deeds.discard(key),
    reactors: (seq) => connection.reactions(seq),
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
    remedy() {
        if (door.end) return void door.remedy();
        trouble("doing")(null);
    },
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
    trouble: trouble("loading"),
    lost: trouble("doing"),
    inThread: (seq, root) => view.jump({ seq, thread: root }),
});

const connection = new Connection(
    { server, user: me, room },
    {
        state(now, why) {
            state = now;
            troubles.connection = why;
            if (now === "connected") {
                for (const over of pauses) over();
                void roster.load();
                door.again();
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
            door.subscribed();
            if (fresh) take({ do: "start", epoch, head });
            if (fresh || view.nearTop()) void pages.older();
            if (fresh) void pages.pins().then(() => pages.thread());
            void outbox.flush();
            draw();
        },
        entry(entry) {
            const after = { opened: "open", waiting: "waiting", closed: "closed" }[entry.type];
            if (after) sessionState = after;
            roster.follow(entry);
            door.entry(entry);
            take({ do: "live", entry });
            // A page does not know the message that was pinned.
            if (entry.type === "pinned") void pages.pins();
        },
        hint(hint) {
            if (door.readmits(hint)) void roster.load();
            door.hint(hint);
            forwarding = hinted(forwarding, room, hint);
            draw();
        },
        unsubscribed: (why, code) => door.unsubscribed(why, code),
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

const outbox = new Outbox({
    next: () => unsent(timeline)[0],
    send: ({ key, text, mentions, mention_all, thread, in_room, reply_to }) =>
        connection.send({ key, text, ...defined({ mentions, mention_all, thread, in_room, reply_to }) }),
    stored: ({ key }, { seq, epoch }) => take({ do: "stored", key, seq, epoch }),
    refused({ key }, why, problem) {
        take({ do: "refused", key, error: why, final: deleted(problem) });
        // Of the reasons for 103 this is the one that can be helped.
        if (problem.code === 103 && !roster.members.has(me)) door.kept(why, problem.code);
    },
    trouble: trouble("sending"),
    pause,
});

/** Without what is undefined. */
function defined<T extends object>(all: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
    return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as never;
}

function standing(): Standing {
    const direct = room.startsWith("direct.");
    const { members, known } = roster;
    const closed = portal && sessionState === "closed" ? "This conversation has ended. Open it again to write." : null;
    const ended = door.end?.text ?? closed;
    return { me, role: members.get(me)?.role, known: known && !portal, ended, direct, ...roster.rules() };
}

/** What the room is called; that of two people by the other. */
function called({ name, direct }: Standing): string {
    const other = [...roster.members.keys()].find((user) => user !== me);
    return name || (direct && other) || room;
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
        const stands = standing();
        view.state(state, instance, timeline.head);
        if (portal) view.session(portal, sessionState);
        else view.room(called(stands));
        view.show({
            timeline,
            complete: timeline.epoch !== null && older(timeline) === null,
            panel,
            members: roster.members,
            standing: stands,
            doing: deeds.doing,
            way: portal ? (seq) => way(forwarding, seq) : null,
        });
        const passing = troubles.connection ?? troubles.sending ?? troubles.waiting ?? troubles.loading;
        const undone = troubles.doing === null ? null : { text: troubles.doing, remedy: "Close" };
        view.tell(door.end ?? undone ?? (passing ? { text: passing } : null));
        drawAgain(nextEnd(stands, Date.now()));
    });
}

// A mute ends without an entry.
let later = 0;
function drawAgain(at: number | null): void {
    clearTimeout(later);
    if (at !== null) later = setTimeout(draw, Math.min(at - Date.now() + 50, 2 ** 31 - 1));
}

function keep(): void {
    drafts.keep(timeline.drafts.filter((draft) => draft.state !== "stored"));
    // What is done to people and to the room is not done later than its button was pressed.
    edits.keep(deeds.doing.filter(({ what }) => what.target !== undefined));
}
for (const draft of drafts.read()) {
    const { state: _, error: _error, final: _final, ...said } = draft;
    timeline = step(timeline, { do: "draft", ...said });
}

view.heading(me === "ana" ? "ben" : "ana");
draw();
connection.open();
deeds.resume(edits.read());
