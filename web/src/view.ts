// Puts a timeline on the page. Knows the document, nothing of the network.

import { Compose, type Written } from "./compose.ts";
import type { End } from "./door.ts";
import { bdi, heard, part, spoken } from "./element.ts";
import type { Way } from "./forwarding.ts";
import { jump } from "./jump.ts";
import { List } from "./list.ts";
import type { MemberActions } from "./members.ts";
import { RoomsPanel, type RoomActions, type RoomsShown } from "./roomlist.ts";
import { Menu, type Chosen } from "./menu.ts";
import type { Look } from "./message.ts";
import { isolated, type Words } from "./names.ts";
import { pendingOn, type Doing } from "./pending.ts";
import { offered, silenced, type Members, type Standing } from "./people.ts";
import type { Seen } from "../../sdk/src/presence.ts";
import { divided } from "../../sdk/src/reading.ts";
import { Side, type Panel } from "./side.ts";
import { typingWords } from "./who.ts";
import type { Reactors } from "./reactors.ts";
import { entries, mayGoAgain, pinnedNow, rows, shownAs, type Shown, type Timeline } from "../../sdk/src/timeline.ts";

export interface Actions extends MemberActions, RoomActions {
    /** Something new, in a thread where that is said, or the new text of an older message. */
    written(what: Written, thread: number | undefined): void;
    /** Something new is being written there. */
    writes(text: string, thread: number | undefined): void;
    /** What is in sight may be other than before. */
    looks(): void;
    again(key: string): void;
    discard(key: string): void;
    /** The same for an edit that was refused. */
    editAgain(key: string): void;
    editDiscard(key: string): void;
    /** What was chosen for a message; `edit` is begun here and comes as `written`. */
    chosen(message: Shown, what: Chosen): void;
    panel(panel: Panel | null, root?: number): void;
    /** Who reacted to a message. */
    reactors(seq: number): Promise<Reactors>;
    /** A message is to be brought into sight. */
    find(seq: number): void;
    /** The reader is near the top. */
    older(): void;
    /** Earlier replies are wanted. */
    earlier(): void;
    /** The button that ends the conversation, or opens it again. */
    session(): void;
    /** The button of the notice. */
    remedy(): void;
}

export interface Shows {
    timeline: Timeline;
    /** Whether the room's beginning is loaded. */
    complete: boolean;
    panel: Panel | null;
    members: Members;
    standing: Standing;
    /** What is on its way. */
    doing: readonly Doing[];
    way: ((seq: number) => Way) | null;
    /** What is new in the room begins behind this entry. */
    since: number | null;
    /** Who has seen which message. */
    seen: ReadonlyMap<number, Words>;
    /** Who types in the room, and in the thread that is open. */
    typing: { room: readonly string[]; thread: readonly string[] };
    presence: ReadonlyMap<string, Seen>;
    /** None where one talks to a portal's agents. */
    rooms: RoomsShown | null;
}

export class View {
    private readonly scroller = part("scroller");
    private readonly down = part<HTMLButtonElement>("down");
    private readonly notice = part("notice");
    private readonly remedy = part<HTMLButtonElement>("remedy");
    private readonly list = new List(part("log"), this.scroller);
    private readonly compose: Compose;
    private readonly side: Side;
    private readonly menu = new Menu();
    private readonly rooms: RoomsPanel;
    private now: Shows | null = null;
    private last = 0;
    private stays = true;

    constructor(
        private readonly me: string,
        private readonly actions: Actions,
    ) {
        const does = (what: string, at: HTMLElement) => this.does(what, at);
        this.compose = new Compose(part<HTMLFormElement>("compose"), (what) => {
            if (what.edits === undefined) this.toBottom();
            actions.written(what, undefined);
        }, (text) => actions.writes(text, undefined));
        this.rooms = new RoomsPanel(actions);
        const thread = () => this.now?.timeline.thread?.root;
        this.side = new Side(does, (what) => actions.written(what, thread()), (text) => actions.writes(text, thread()), actions);
        heard(part("log"), does);
        heard(document.querySelector<HTMLElement>("header nav")!, does);
        this.down.addEventListener("click", () => this.toBottom());
        this.remedy.addEventListener("click", () => actions.remedy());
        part("session").addEventListener("click", () => actions.session());
        this.scroller.addEventListener("scroll", () => {
            if (this.nearTop()) actions.older();
            if (this.list.atBottom()) this.down.hidden = true;
            actions.looks();
        });
        document.addEventListener("visibilitychange", () => actions.looks());
        new ResizeObserver(() => {
            if (this.down.hidden && this.stays) this.list.toBottom();
        }).observe(this.scroller);
    }

    heading(other: string): void {
        part("me").textContent = this.me;
        const link = part<HTMLAnchorElement>("second");
        const address = new URL(location.href);
        address.searchParams.set("user", other);
        link.href = address.href;
        link.replaceChildren("open a second window as ", bdi(other));
        this.side.compose.hint("Reply in the thread");
    }

    /** What the room is called, what is to be said of it, and how much is unread in all rooms. */
    room(name: string, about: string, unread: string): void {
        part("room").textContent = name;
        part("about").textContent = about;
        document.title = `${unread && `(${unread}) `}${isolated(this.me)} · ${isolated(name)} · Hubbub`;
        this.compose.hint(`Message ${isolated(name)}`);
    }

    /** A conversation with a portal's agents: what it is called, and the button that ends it or opens it again. */
    session(portal: string, state: string): void {
        part("room").textContent = `Support · ${portal} · ${state}`;
        document.title = `${isolated(this.me)} · support · Hubbub`;
        this.compose.hint(state === "closed" ? "This conversation has ended" : "Write to the agents");
        const button = part("session");
        button.hidden = false;
        button.textContent = state === "closed" ? "Open it again" : "End the conversation";
    }

    state(state: string, instance: string, last: number): void {
        const light = part("state");
        light.textContent = state;
        light.dataset["state"] = state;
        part("instance").textContent = instance || "–";
        part("last").textContent = last ? String(last) : "–";
    }

    tell(notice: End | null): void {
        this.notice.hidden = notice === null;
        part("notice-text").textContent = notice?.text ?? "";
        this.remedy.hidden = notice?.remedy === undefined;
        this.remedy.textContent = notice?.remedy ?? "";
    }

    /** Shows it all. Whoever reads the end stays at the end; whoever reads above stays where they are. */
    show(now: Shows): void {
        this.now = now;
        const { timeline, standing } = now;
        const offers = (message: Shown) => offered(message, standing, Date.now());
        const look: Look = {
            me: this.me,
            way: now.way,
            offers: (message) => offers(message).size > 0,
            reacts: (message) => offers(message).has("react"),
            pending: (message) => pendingOn(message, now.doing),
            seen: (seq) => now.seen.get(seq) ?? [],
            again: (draft) => mayGoAgain(timeline, draft),
            place: "room",
        };
        part("start").hidden = !now.complete;
        const silence = silenced(standing, Date.now());
        this.compose.closed(silence);
        part("hint").hidden = silence !== null;
        const gone = (seq: number) => shownAs(timeline, seq)?.gone === true;
        for (const compose of [this.compose, this.side.compose]) compose.follow(gone);
        this.stays = this.list.show(divided(rows(timeline), now.since, this.me), look);
        this.side.show(now.panel, timeline, look, now.members, standing, now.presence);
        types(part("compose-typing"), now.typing.room);
        types(part("reply-typing"), now.typing.thread);
        part("rooms").hidden = now.rooms === null;
        if (now.rooms) this.rooms.show(now.rooms);
        const online = [...now.presence.values()].filter(({ online }) => online).length;
        document.querySelector("header [data-do=people]")!.textContent = online ? `People (${online} online)` : "People";

        const pins = pinnedNow(timeline).length;
        document.querySelector("header [data-do=pins]")!.textContent = pins ? `Pins (${pins})` : "Pins";
        const newest = entries(timeline).at(-1);
        if (!this.stays && newest && newest.seq > this.last && newest.from !== this.me) this.down.hidden = false;
        this.last = newest?.seq ?? this.last;
    }

    /** Whether somebody sees the end of the room. */
    reads(): boolean {
        const covered = this.side.covers() || this.rooms.covers();
        return document.visibilityState === "visible" && !covered && this.list.atBottom();
    }

    /** Begins where something new begins; false: nothing does. */
    toNew(): boolean {
        if (!this.list.toNew()) return false;
        this.stays = this.list.atBottom();
        this.down.hidden = this.stays;
        return true;
    }

    /** Whether an older page is wanted. */
    nearTop(): boolean {
        return this.list.nearTop();
    }

    /** Brings a message of the room into sight; false: it is not loaded. */
    find(seq: number): boolean {
        return this.list.find(seq);
    }

    private does(what: string, at: HTMLElement): void {
        const { seq, key = "" } = at.closest<HTMLElement>("li")?.dataset ?? {};
        const message = seq && this.now ? shownAs(this.now.timeline, Number(seq)) : undefined;
        if (what === "again") this.actions.again(key);
        else if (what === "discard") this.actions.discard(key);
        else if (what === "edit again") this.actions.editAgain(at.dataset["key"] ?? "");
        else if (what === "edit discard") this.actions.editDiscard(at.dataset["key"] ?? "");
        else if (what === "earlier") this.actions.earlier();
        else if (what === "close") this.actions.panel(null);
        else if (what === "pins" || what === "people") this.actions.panel(at.ariaExpanded === "true" ? null : what);
        else if (what === "thread") this.actions.panel("thread", Number(at.dataset["root"]));
        else if (what === "find" && message) this.jump(message);
        else if (what === "answered") this.jump(this.known(Number(at.dataset["target"])));
        else if (what === "who" && message) void this.menu.who(at, message, this.actions.reactors(message.seq));
        else if (what === "react" && message)
            this.actions.chosen(message, { do: "react", reaction: at.dataset["reaction"] ?? "" });
        else if (what === "menu" && message && this.now)
            this.menu.open(at, message, offered(message, this.now.standing, Date.now()), (chosen) => this.choose(at, message, chosen));
    }

    private choose(at: HTMLElement, { seq }: Shown, what: Chosen): void {
        // It may have changed while the menu was open.
        const message = this.now && shownAs(this.now.timeline, seq);
        if (!message) return;
        if (what.do === "thread") return this.actions.panel("thread", seq);
        const inThread = this.now?.panel === "thread" && part("side").contains(at);
        const compose = inThread ? this.side.compose : this.compose;
        if (what.do !== "edit" && what.do !== "answer") return this.actions.chosen(message, what);
        if (!inThread && this.side.covers()) this.actions.panel(null);
        if (what.do === "answer") compose.answer(seq);
        else if (!message.gone) compose.edit(seq, message.text ?? "");
    }

    private known(seq: number): Pick<Shown, "seq" | "thread" | "in_room"> {
        return (this.now && shownAs(this.now.timeline, seq)) || { seq };
    }

    /** Brings a message into sight where it stands. */
    jump(message: Pick<Shown, "seq" | "thread" | "in_room">): void {
        const { thread, closes } = jump(message, this.side.covers());
        if (closes) this.actions.panel(null);
        if (thread === undefined) return this.actions.find(message.seq);
        this.side.seek(message.seq);
        this.actions.panel("thread", thread);
    }

    private toBottom(): void {
        this.list.toBottom();
        this.down.hidden = true;
    }
}

/** Who types, where nobody's lines move because of it. */
function types(line: HTMLElement, who: readonly string[]): void {
    const words = spoken(typingWords(who));
    const text = words.map((one) => (typeof one === "string" ? one : (one.textContent ?? ""))).join("");
    if (line.textContent !== text) line.replaceChildren(...words);
}
