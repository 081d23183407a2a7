import { Company } from "./company.ts";
import { Connection, support, type State } from "./connection.ts";
import { Deeds } from "./deeds.ts";
import { Door } from "./door.ts";
import { hinted, nothing, told, way, type Session } from "./forwarding.ts";
import { defined, newKey } from "../../sdk/src/keys.ts";
import { mentioned } from "./mentions.ts";
import { Outbox } from "../../sdk/src/outbox.ts";
import { Pages } from "../../sdk/src/pages.ts";
import { Pauses } from "../../sdk/src/pauses.ts";
import { nextEnd, NOT_MEMBER, silenced, type Standing } from "./people.ts";
import type { Doing } from "./pending.ts";
import { presenceWords } from "./who.ts";
import { Reading } from "../../sdk/src/reading.ts";
import { Others, RoomList } from "../../sdk/src/rooms.ts";
import { Roster } from "./roster.ts";
import { Shelf } from "./shelf.ts";
import type { Panel } from "./side.ts";
import { empty, entries, followed, older, shownAs, step, unsent, type Draft, type Step } from "../../sdk/src/timeline.ts";
import { short, total } from "../../sdk/src/unread.ts";
import { View } from "./view.ts";
import { deleted, failure, refusal } from "../../sdk/src/words.ts";

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

const pauses = new Pauses();
const { pause } = pauses;

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
    own: () => connection.row(room),
    members: (after) => connection.members(after),
    recent: () => timeline.recent,
    shown: () => entries(timeline),
    read(own) {
        if (own && !portal) reading.told(own, roster.members.get(me)?.since ?? 0, ownNewest());
        void company.load();
        if (roster.members.has(me)) door.member();
        else if (door.end === null && !portal) door.kept(NOT_MEMBER, 103);
        draw();
    },
});

const visible = () => document.visibilityState === "visible";
const clock = () => performance.now();

const company = new Company({
    me,
    members: () => (portal ? new Map() : roster.members),
    mayWrite: () => !portal && roster.members.has(me) && silenced(standing(), Date.now()) === null,
    sayTyping: (thread) => connection.typing(thread),
    reads: () => connection.reads(),
    online: (users) => connection.online(users),
    visible,
    clock,
    changed: () => draw(),
});

const reading = new Reading({
    me,
    send: (seq) => connection.read(seq),
    marked: (seq) => rooms.readTo(room, seq),
    changed: () => draw(),
    pause,
});

const rooms = new RoomList({
    page: (after) => connection.rooms(after),
    row: (id) => connection.row(id),
    reading: () => (sees() ? room : undefined),
    changed: () => draw(),
    pause,
});

const others = new Others({ me, members: (id) => connection.people(id), changed: () => draw() });

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
        company.sent();
        void outbox.flush();
    },
    panel(to, root) {
        panel = to;
        take(to === "thread" && root !== undefined ? { do: "open thread", root } : { do: "close thread" });
        if (to === "thread") void pages.thread();
        if (to === "pins") void pages.pins();
        if (to === "people") void roster.load();
    },
    writes: (text, thread) => company.writes(text, thread),
    looks: look,
    make(kind, words) {
        const what = kind === "direct" ? { with: words.split(/[\s,]+/).filter(Boolean) } : { id: newKey(), name: words };
        trouble("doing")(null);
        connection.make({ kind, ...what }).then(({ id }) => goTo(id), (error: unknown) => trouble("doing")(refusal(failure(error))));
    },
    shown(some) {
        void others.want(some.filter(({ kind, name }) => kind === "direct" && !name).map(({ id }) => id));
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
                pauses.end();
                void roster.load();
                company.presence.forget();
                // What is unread is asked for once the server watches; one that does not say so is asked all the same.
                clearTimeout(watched);
                if (!portal) watched = setTimeout(() => void rooms.again(), WATCHED_WITHIN_MS);
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
            if (fresh && timeline.epoch !== null) {
                // The numbers count in another history.
                reading.forget();
                company.forget();
                void roster.load();
            }
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
            company.entry(entry);
            reading.entry(entry, sees());
            if (entry.type === "message") rooms.spoken(room, entry.at);
            take({ do: "live", entry });
            // A page does not know the message that was pinned.
            if (entry.type === "pinned") void pages.pins();
        },
        hint(hint) {
            if (door.readmits(hint)) void roster.load();
            if (hint.type === "watching") clearTimeout(watched);
            if (hint.type === "read" && hint.room === room) reading.elsewhere(hint.seq ?? 0);
            if (hint.type === "removed" && hint.room === room) reading.forget();
            if (!portal) void rooms.hint(hint);
            door.hint(hint);
            forwarding = hinted(forwarding, room, hint);
            draw();
        },
        signal: (signal) => company.signal(signal),
        unsubscribed: (why, code) => door.unsubscribed(why, code),
    },
);

const WATCHED_WITHIN_MS = 2_000;
let watched: ReturnType<typeof setTimeout> | undefined;

/** Whether the end of the open room is there, and seen. */
function sees(): boolean {
    return (entries(timeline).length > 0 || older(timeline) === null) && !begins && view.reads();
}

/** What is on the screen was seen. */
function look(): void {
    if (sees()) reading.seen(followed(timeline));
    company.look();
}

/** One's own newest message that is loaded. */
function ownNewest(): number {
    return entries(timeline).findLast(({ type, from }) => type === "message" && from === me)?.seq ?? 0;
}

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

function standing(): Standing {
    const direct = room.startsWith("direct.");
    const { members, known } = roster;
    const closed = portal && sessionState === "closed" ? "This conversation has ended. Open it again to write." : null;
    const ended = door.end?.text ?? closed;
    return { me, role: members.get(me)?.role, known: known && !portal, ended, direct, ...roster.rules() };
}

/** What the room is called; a direct one by the others. */
function called({ name, direct }: Standing): string {
    const people = [...roster.members.keys()].filter((user) => user !== me);
    return name || (direct && people.join(", ")) || room;
}

function take(action: Step): void {
    timeline = step(timeline, action);
    keep();
    draw();
}

/** What is said of the room beside its name: what it is about, or whether the other is there. */
function about({ topic, direct }: Standing): string {
    const two = direct && roster.members.size === 2;
    return topic || (two ? presenceWords([...company.presence.seen.values()][0], Date.now()) : "");
}

function unread(): string {
    const sum = total(rooms.now, sees() ? room : undefined);
    return sum.count ? short(sum) : "";
}

// The first page begins where something new begins.
let begins = !portal;

let drawn: Promise<void> | null = null;
function draw(): void {
    // Many entries may arrive in one turn; they are drawn once.
    drawn ??= Promise.resolve().then(() => {
        drawn = null;
        const stands = standing();
        view.state(state, instance, timeline.head);
        if (portal) view.session(portal, sessionState);
        else view.room(called(stands), about(stands), unread());
        view.show({
            timeline,
            complete: timeline.epoch !== null && older(timeline) === null,
            panel,
            members: roster.members,
            standing: stands,
            doing: deeds.doing,
            way: portal ? (seq) => way(forwarding, seq) : null,
            since: reading.since,
            seen: company.seen(entries(timeline)),
            typing: { room: company.types(), thread: timeline.thread ? company.types(timeline.thread.root) : [] },
            presence: company.presence.seen,
            rooms: portal ? null : { rooms: rooms.now, known: rooms.known, open: room, reading: sees(), others: others.of },
        });
        // Once both are known: what is there, and how far one has read.
        if (begins && reading.known && timeline.epoch !== null && (entries(timeline).length > 0 || older(timeline) === null)) {
            begins = false;
            view.toNew();
        }
        look();
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

setInterval(() => company.look(), 5_000);
view.heading(me === "ana" ? "ben" : "ana");
draw();
connection.open();
deeds.resume(edits.read());
