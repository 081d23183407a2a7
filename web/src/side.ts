// The panel at the side: a thread, the pins, or the people.

import { Compose, type Written } from "./compose.ts";
import { element, heard, part, type Does } from "./element.ts";
import { List } from "./list.ts";
import { MembersPanel, type MemberActions } from "./members.ts";
import type { Look } from "./message.ts";
import { silenced, unanswered, type Members, type Standing } from "./people.ts";
import type { Seen } from "../../sdk/src/presence.ts";
import { pinnedNow, replies, shownAs, type Row, type Timeline } from "../../sdk/src/timeline.ts";

export type Panel = "thread" | "pins" | "people";

export class Side {
    readonly compose: Compose;
    private readonly side = part("side");
    private readonly title = part("side-title");
    private readonly note = part("side-note");
    private readonly scroller = part("side-scroller");
    private readonly root = new List(part("side-root"), element("div", ""));
    private readonly list = new List(part("side-log"), this.scroller);
    private readonly members: MembersPanel;
    private open: string | null = null;
    private from: Element | null = null;
    private seeks: number | null = null;

    constructor(does: Does, written: (what: Written) => void, writes: (text: string) => void, actions: MemberActions) {
        this.compose = new Compose(part<HTMLFormElement>("reply"), written, writes);
        this.members = new MembersPanel(actions);
        // The forms in it have ears of their own.
        for (const id of ["side-root", "side-log", "earlier"]) heard(part(id), does);
        heard(this.side.querySelector<HTMLElement>(".top")!, does);
        this.side.addEventListener("keydown", (event) => {
            if (event.key === "Escape") does("close", this.side);
        });
        new ResizeObserver(() => {
            if (this.open?.startsWith("thread") && this.list.atBottom()) this.list.toBottom();
        }).observe(this.scroller);
    }

    show(panel: Panel | null, timeline: Timeline, look: Look, members: Members, standing: Standing, seen: ReadonlyMap<string, Seen>): void {
        const which = panel && `${panel} ${panel === "thread" ? timeline.thread?.root : ""}`;
        const other = which !== this.open;
        if (other) this.turn(which);
        this.open = which;
        for (const to of document.querySelectorAll<HTMLElement>("header [aria-controls=side]"))
            to.setAttribute("aria-expanded", String(to.dataset["do"] === panel));
        const { thread } = timeline;
        if (panel === "thread" && thread) {
            const earlier = part("earlier");
            this.title.textContent = `Thread of #${thread.root}`;
            const root = thread.message?.entries[0];
            // What is seen is told of the room alone.
            const inThread: Look = { ...look, seen: () => [], place: "thread" };
            this.root.show(root ? [{ kind: "entry", key: "root", entry: root }] : [], inThread);
            earlier.hidden = thread.complete || !thread.pages.length;
            const count = root?.replies?.count ?? 0;
            const many = count === 1 ? "1 reply" : `${count} replies`;
            this.note.textContent = !thread.pages.length ? "Loading …" : count ? many : "No replies yet.";
            this.compose.closed(silenced(standing, Date.now()) ?? unanswered(shownAs(timeline, thread.root)));
            const stays = this.list.show(replies(timeline), inThread);
            if (other || stays) this.list.toBottom();
            if (this.seeks !== null && this.list.find(this.seeks)) this.seeks = null;
        } else if (panel === "pins") {
            const pins = pinnedNow(timeline);
            this.title.textContent = "Pinned messages";
            this.note.textContent = !timeline.pins ? "Loading …" : pins.length ? "" : "Nothing is pinned here.";
            const rows = pins.map((entry): Row => ({ kind: "entry", key: `pin ${entry.seq}`, entry }));
            this.list.show(rows, { ...look, seen: () => [], place: "pins" });
        } else if (panel === "people") {
            this.title.textContent = members.size === 1 ? "1 member" : `${members.size} members`;
            this.members.show(members, standing, seen);
        }
    }

    /** Whether the room is not to be seen beside it. */
    covers(): boolean {
        return !this.side.hidden && getComputedStyle(this.side).position === "absolute";
    }

    /** This reply is to be brought into sight, once its thread is open. */
    seek(seq: number): void {
        this.seeks = seq;
    }

    private turn(which: string | null): void {
        const hadFocus = this.side.contains(document.activeElement);
        if (this.open === null) this.from = document.activeElement;
        const no = () => false;
        const nothing: Look = { me: "", way: null, offers: no, reacts: no, pending: () => null, seen: () => [], again: no, place: "room" };
        this.root.show([], nothing);
        this.list.show([], nothing);
        this.members.clear();
        this.compose.clear();
        this.note.textContent = "";
        part("earlier").hidden = true;
        part("reply").hidden = !which?.startsWith("thread");
        this.side.hidden = which === null;
        if (which) this.title.focus();
        if (which?.startsWith("thread")) this.compose.focus();
        else if (hadFocus && this.from instanceof HTMLElement && this.from.isConnected) this.from.focus();
    }
}
