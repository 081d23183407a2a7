// Puts a timeline on the page. Knows the document, nothing of the network.

import { named, ways, type Way } from "./forwarding.ts";
import { rows, type Draft, type Entry, type Row, type Timeline } from "./timeline.ts";

export interface Actions {
    say(text: string): void;
    again(key: string): void;
    discard(key: string): void;
    /** The reader is near the top. */
    older(): void;
    /** The button that ends the conversation, or opens it again. */
    session(): void;
    /** The button of the notice. */
    remedy(): void;
}

export interface Notice {
    text: string;
    /** What the button says, where something can be done. */
    remedy?: string;
}

const TEXT_BYTES = 8 * 1024;
const NEAR_PX = 120;

function part<T extends HTMLElement>(id: string): T {
    const found = document.getElementById(id);
    if (!found) throw new Error(`index.html has no #${id}`);
    return found as T;
}

function element(tag: string, className: string, text?: string): HTMLElement {
    const made = document.createElement(tag);
    made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
}

export class View {
    private readonly log = part<HTMLOListElement>("log");
    private readonly scroller = part("scroller");
    private readonly compose = part<HTMLFormElement>("compose");
    private readonly text = part<HTMLTextAreaElement>("text");
    private readonly down = part<HTMLButtonElement>("down");
    private readonly notice = part("notice");
    private readonly remedy = part<HTMLButtonElement>("remedy");
    private readonly shown = new Map<string, { mark: string; node: HTMLElement }>();
    private last = 0;
    private way: ((seq: number) => Way) | null = null;

    constructor(
        private readonly me: string,
        private readonly actions: Actions,
    ) {
        this.compose.addEventListener("submit", (event) => {
            event.preventDefault();
            this.submit();
        });
        this.text.addEventListener("keydown", (event) => {
            if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            this.submit();
        });
        this.text.addEventListener("input", () => this.fit());
        this.down.addEventListener("click", () => this.toBottom());
        this.remedy.addEventListener("click", () => this.actions.remedy());
        part("session").addEventListener("click", () => this.actions.session());
        this.scroller.addEventListener("scroll", () => {
            if (this.nearTop()) this.actions.older();
            if (this.atBottom()) this.down.hidden = true;
        });
        new ResizeObserver(() => {
            if (this.down.hidden) this.toBottom();
        }).observe(this.scroller);
    }

    heading(room: string, other: string): void {
        part("room").textContent = room;
        part("me").textContent = this.me;
        const link = part<HTMLAnchorElement>("second");
        const address = new URL(location.href);
        address.searchParams.set("user", other);
        link.href = address.href;
        link.textContent = `open a second window as ${other}`;
        document.title = `${this.me} · ${room} · Hubbub`;
        this.text.placeholder = `Message ${room}`;
    }

    /** A conversation with a portal's agents: what it is called, and the button that ends it or opens it again. */
    session(portal: string, state: string): void {
        part("room").textContent = `Support · ${portal} · ${state}`;
        document.title = `${this.me} · support · Hubbub`;
        this.text.placeholder = state === "closed" ? "This conversation has ended" : "Write to the agents";
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

    tell(notice: Notice | null): void {
        this.notice.hidden = notice === null;
        part("notice-text").textContent = notice?.text ?? "";
        this.remedy.hidden = notice?.remedy === undefined;
        this.remedy.textContent = notice?.remedy ?? "";
    }

    /** Shows the timeline. Whoever reads the end stays at the end; whoever reads above stays where they are. */
    show(timeline: Timeline, complete: boolean, way: ((seq: number) => Way) | null): void {
        this.way = way;
        const stay = this.atBottom();
        const heightBelow = this.scroller.scrollHeight - this.scroller.scrollTop;
        const list = rows(timeline);
        const firstBefore = this.log.firstElementChild;

        const wanted = new Set(list.map((row) => row.key));
        for (const [key, { node }] of this.shown) {
            if (wanted.has(key)) continue;
            node.remove();
            this.shown.delete(key);
        }
        let previous: Row | undefined;
        let above: HTMLElement | null = null;
        for (const row of list) {
            const node = this.node(row, previous);
            const here: Element | null = above ? above.nextElementSibling : this.log.firstElementChild;
            if (node !== here) this.log.insertBefore(node, here);
            above = node;
            previous = row;
        }

        part("start").hidden = !complete;
        const newest = timeline.entries.at(-1);
        const grewAbove = firstBefore !== null && this.log.firstElementChild !== firstBefore;
        if (stay) this.toBottom();
        else if (grewAbove) this.scroller.scrollTop = this.scroller.scrollHeight - heightBelow;
        if (!stay && newest && newest.seq > this.last && newest.from !== this.me) this.down.hidden = false;
        this.last = newest?.seq ?? this.last;
    }

    /** Whether an older page is wanted. */
    nearTop(): boolean {
        return this.scroller.scrollTop < NEAR_PX;
    }

    private node(row: Row, previous: Row | undefined): HTMLElement {
        const follows = previous !== undefined && continues(previous, row, this.me);
        const seq = row.kind === "entry" && row.entry.from === this.me ? row.entry.seq : undefined;
        const way = seq === undefined ? null : this.way?.(seq);
        const mark = JSON.stringify([follows, way, row.kind === "entry" ? row.entry : row.draft]);
        const old = this.shown.get(row.key);
        if (old?.mark === mark) return old.node;
        const node = row.kind === "entry" ? this.entry(row.entry) : this.draft(row.draft);
        node.classList.toggle("follows", follows);
        old?.node.replaceWith(node);
        this.shown.set(row.key, { mark, node });
        return node;
    }

    private entry(entry: Entry): HTMLElement {
        if (entry.type !== "message") {
            const line = element("li", "line", said(entry));
            line.append(stamp(entry.at), element("span", "seq", `#${entry.seq}`));
            return line;
        }
        const item = this.bubble(entry.from, entry.text ?? "", entry.at);
        if (entry.data !== undefined) {
            item.querySelector(".bubble")?.append(element("pre", "data", JSON.stringify(entry.data, null, 2)));
        }
        const foot = item.querySelector(".foot");
        foot?.append(element("span", "seq", `#${entry.seq}`));
        if (this.way && entry.from === this.me) {
            const way = this.way(entry.seq);
            foot?.append(element("span", way === "failed" ? "error" : "way", ways[way]));
        }
        return item;
    }

    private draft(draft: Draft): HTMLElement {
        const item = this.bubble(this.me, draft.text, draft.at);
        const foot = item.querySelector(".foot");
        if (draft.state === "stored") {
            foot?.append(element("span", "seq", `#${draft.seq}`));
            return item;
        }
        item.classList.add(draft.state);
        if (draft.state === "sending") {
            foot?.append(element("span", "pending", "sending…"));
            return item;
        }
        foot?.append(
            element("span", "error", `Not sent. ${draft.error ?? ""}`),
            button("Try again", () => this.actions.again(draft.key)),
            button("Discard", () => this.actions.discard(draft.key)),
        );
        return item;
    }

    private bubble(from: string, text: string, at: string): HTMLElement {
        const item = element("li", from === this.me ? "message mine" : "message");
        const bubble = element("div", "bubble");
        const head = element("p", "from", named(from));
        head.style.setProperty("--hue", String(hue(from)));
        const foot = element("p", "foot");
        foot.append(stamp(at));
        bubble.append(head);
        if (text) bubble.append(element("p", "text", text));
        item.append(bubble, foot);
        return item;
    }

    private submit(): void {
        const text = this.text.value.trim();
        if (!text) return;
        const bytes = new TextEncoder().encode(text).length;
        const over = part("over");
        over.hidden = bytes <= TEXT_BYTES;
        over.textContent = `This text has ${bytes} bytes; a message has at most ${TEXT_BYTES}.`;
        if (bytes > TEXT_BYTES) return;
        this.text.value = "";
        this.fit();
        this.down.hidden = true;
        this.actions.say(text);
        this.toBottom();
        this.text.focus();
    }

    private fit(): void {
        this.text.style.height = "auto";
        const borders = this.text.offsetHeight - this.text.clientHeight;
        this.text.style.height = `${Math.min(this.text.scrollHeight + borders, 180)}px`;
    }

    private atBottom(): boolean {
        const { scrollHeight, scrollTop, clientHeight } = this.scroller;
        return scrollHeight - scrollTop - clientHeight < NEAR_PX;
    }

    private toBottom(): void {
        this.scroller.scrollTop = this.scroller.scrollHeight;
        this.down.hidden = true;
    }
}

const TOGETHER_MS = 5 * 60_000;

function continues(previous: Row, row: Row, me: string): boolean {
    const facts = (of: Row) =>
        of.kind === "draft"
            ? { type: "message", from: me, at: of.draft.at }
            : { type: of.entry.type, from: of.entry.from, at: of.entry.at };
    const one = facts(previous);
    const other = facts(row);
    return (
        one.type === "message" &&
        other.type === "message" &&
        one.from === other.from &&
        Math.abs(Date.parse(other.at) - Date.parse(one.at)) < TOGETHER_MS
    );
}

function said(entry: Entry): string {
    const { type, from, user = from, name } = entry;
    const self = user === from;
    switch (type) {
        case "joined":
            return self ? `${user} joined` : `${from} added ${user}`;
        case "left":
            return self ? `${user} left` : `${from} removed ${user}`;
        case "banned":
            return `${from} banned ${user}`;
        case "opened":
            return `${named(from)} opened the conversation`;
        case "waiting":
            return "Waiting for an agent";
        case "closed":
            return `${named(from)} ended the conversation`;
        case "renamed":
            return name ? `${from} named the room ${name}` : `${from} took the room's name away`;
        default:
            return `${type} (${from})`;
    }
}

function stamp(at: string): HTMLElement {
    const time = document.createElement("time");
    const moment = new Date(at);
    const today = moment.toDateString() === new Date().toDateString();
    time.dateTime = at;
    time.title = at;
    time.textContent = moment.toLocaleString(
        undefined,
        today ? { timeStyle: "medium" } : { dateStyle: "short", timeStyle: "short" },
    );
    return time;
}

function button(label: string, action: () => void): HTMLElement {
    const made = element("button", "small", label) as HTMLButtonElement;
    made.type = "button";
    made.addEventListener("click", action);
    return made;
}

function hue(name: string): number {
    let sum = 0;
    for (const char of name) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) % 360;
    return sum;
}
