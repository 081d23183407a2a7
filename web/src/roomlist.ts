// The list of one's rooms on the page. On a narrow page it lies over the room, and is opened by a button.

import { bdi, element, heard, part } from "./element.ts";
import { morph } from "./morph.ts";
import { isolated } from "./names.ts";
import { long, short, sorted, titled, total, type Counted, type Room, type Rooms } from "../../sdk/src/unread.ts";

export interface RoomActions {
    /** A room is made, or the one with these people found, and opened. */
    make(kind: string, words: string): void;
    /** These rooms are in sight now. */
    shown(rooms: readonly Room[]): void;
}

export interface RoomsShown {
    rooms: Rooms;
    /** Whether all of them are known. */
    known: boolean;
    /** The room that is open, and whether it is being read at its end. */
    open: string;
    reading: boolean;
    others: ReadonlyMap<string, readonly string[]>;
}

const PAGE = 50;

export class RoomsPanel {
    private readonly panel = part("rooms");
    private readonly list = part("rooms-list");
    private readonly more = part<HTMLButtonElement>("rooms-more");
    private readonly opener = document.querySelector<HTMLButtonElement>("header [data-do=rooms]")!;
    private most = PAGE;
    private now: RoomsShown | null = null;
    /** What was drawn last. */
    private drawn: readonly unknown[] = [];
    private mentioned: ReadonlyMap<string, number> | null = null;

    constructor(private readonly actions: RoomActions) {
        heard(this.panel, (what) => {
            if (what === "close rooms") this.toggle(false);
            if (what !== "more rooms") return;
            this.most += PAGE;
            if (this.now) this.show(this.now);
        });
        this.opener.addEventListener("click", () => this.toggle(!this.panel.classList.contains("open")));
        this.panel.addEventListener("keydown", (event) => {
            if (event.key === "Escape") this.toggle(false);
            const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
            if (!step || !this.list.contains(document.activeElement)) return;
            event.preventDefault();
            const all = [...this.list.querySelectorAll<HTMLElement>("a")];
            all[all.indexOf(document.activeElement as HTMLElement) + step]?.focus();
        });
        const form = part<HTMLFormElement>("rooms-new");
        form.addEventListener("submit", (event) => {
            event.preventDefault();
            const words = form.querySelector("input")!.value.trim();
            if (words) this.actions.make(form.querySelector("select")!.value, words);
        });
        form.querySelector("select")!.addEventListener("change", ({ target }) => {
            const direct = (target as HTMLSelectElement).value === "direct";
            form.querySelector("input")!.placeholder = direct ? "Somebody’s id" : "Its name";
        });
    }

    /** Whether it lies over the room. */
    covers(): boolean {
        return getComputedStyle(this.panel).position === "absolute" && this.panel.classList.contains("open");
    }

    show(now: RoomsShown): void {
        const is = [now.rooms.all, now.known, now.reading, now.others.size, this.most];
        if (this.now && is.every((one, nth) => one === this.drawn[nth])) return;
        this.now = now;
        this.drawn = is;
        const all = sorted(now.rooms);
        const some = all.slice(0, this.most);
        this.actions.shown(some);
        const fresh = element("ol", "log", ...some.map((room) => this.row(room, now)));
        fresh.id = this.list.id;
        this.put(fresh);
        this.more.hidden = all.length <= this.most;
        part("rooms-note").textContent = now.known ? (all.length ? "" : "You are in no rooms yet.") : "Loading …";
        const sum = total(now.rooms, now.reading ? now.open : undefined);
        this.opener.textContent = sum.count ? `Rooms (${short(sum)})` : "Rooms";
        this.opener.setAttribute("aria-label", sum.count ? `Rooms: ${long(sum, "unread message", "unread messages")}` : "Rooms");
        this.announce(all, now);
    }

    /** What has the focus keeps it where it moves to. */
    private put(fresh: HTMLElement): void {
        const focused = this.list.contains(document.activeElement) ? (document.activeElement as HTMLElement).dataset["room"] : undefined;
        morph(this.list, fresh);
        if (focused === undefined) return;
        const now = [...this.list.querySelectorAll<HTMLElement>("a")].find((one) => one.dataset["room"] === focused);
        if (now !== document.activeElement) now?.focus({ preventScroll: true });
    }

    /** Only that one was mentioned is said aloud. */
    private announce(all: readonly Room[], now: RoomsShown): void {
        if (!now.known) return;
        const before = this.mentioned;
        this.mentioned = new Map(all.map((room) => [room.id, this.counts(room, now).mentions.count]));
        const fresh = before && all.filter(({ id }) => (this.mentioned?.get(id) ?? 0) > (before.get(id) ?? 0));
        if (!fresh?.length) return;
        const names = fresh.map((room) => isolated(titled(room, now.others.get(room.id))));
        part("rooms-news").textContent = `You were mentioned in ${names.join(", ")}.`;
    }

    private counts({ id, unread = NONE, mentions = NONE }: Room, { open, reading }: RoomsShown): Counts {
        return id === open && reading ? { unread: NONE, mentions: NONE } : { unread, mentions };
    }

    private row(room: Room, now: RoomsShown): HTMLElement {
        const { id, kind, topic, settings } = room;
        const title = titled(room, now.others.get(id));
        const { unread, mentions } = this.counts(room, now);
        const link = element("a", "room", element("span", `title ${kind}`, bdi(title))) as HTMLAnchorElement;
        const address = new URL(location.href);
        address.searchParams.set("room", id);
        link.href = address.href;
        link.dataset["room"] = id;
        link.title = title;
        if (id === now.open) link.setAttribute("aria-current", "page");
        if (mentions.count) link.append(badge("mentions", `@${short(mentions)}`, long(mentions, "mention of you", "mentions of you")));
        if (unread.count) link.append(badge("unread", short(unread), long(unread, "unread message", "unread messages")));
        if (settings?.archived) link.append(element("span", "about", "archived"));
        if (topic && topic !== title) link.append(element("span", "about topic", bdi(topic)));
        const item = element("li", "", link);
        item.dataset["room"] = id;
        item.classList.toggle("some", unread.count > 0);
        return item;
    }

    private toggle(open: boolean): void {
        this.panel.classList.toggle("open", open);
        this.opener.setAttribute("aria-expanded", String(open));
        if (open) (this.list.querySelector<HTMLElement>("[aria-current]") ?? part("rooms-title")).focus();
        else if (this.panel.contains(document.activeElement)) this.opener.focus();
    }
}

interface Counts {
    unread: Counted;
    mentions: Counted;
}

const NONE: Counted = { count: 0 };

/** What is seen, and what is heard. */
function badge(name: string, seen: string, heard: string): HTMLElement {
    const shown = element("span", "", seen);
    shown.setAttribute("aria-hidden", "true");
    const made = element("span", `badge ${name}`, shown, element("span", "hidden", `, ${heard}`));
    made.title = heard;
    return made;
}
