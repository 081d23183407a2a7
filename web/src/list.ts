// A list of rows that scrolls. What has not changed stays as it is; nothing that is being read jumps.

import { drawn, type Look } from "./message.ts";
import { morph } from "./morph.ts";
import type { Row } from "../../sdk/src/timeline.ts";

const NEAR_PX = 120;
/** So much of what was read before stands above what is new. */
const NEW_PX = 60;
const TOGETHER_MS = 5 * 60_000;

export class List {
    private readonly shown = new Map<string, { mark: string; node: HTMLElement }>();

    constructor(
        private readonly log: HTMLElement,
        private readonly scroller: HTMLElement,
    ) {}

    /** Whoever reads the end stays at the end; whoever reads above keeps the row that they look at. Whether it stays at the end. */
    show(list: readonly Row[], look: Look): boolean {
        const stay = this.atBottom();
        const anchor = stay ? null : this.firstInSight();
        const wanted = new Set(list.map((row) => row.key));
        for (const [key, { node }] of this.shown) {
            if (wanted.has(key)) continue;
            node.remove();
            this.shown.delete(key);
        }
        let previous: Row | undefined;
        let above: Element | null = null;
        for (const row of list) {
            const node = this.node(row, previous, look);
            const here: Element | null = above ? above.nextElementSibling : this.log.firstElementChild;
            if (node !== here) this.log.insertBefore(node, here);
            above = node;
            previous = row;
        }
        if (stay) this.toBottom();
        else if (anchor?.node.isConnected) this.scroller.scrollTop += anchor.node.getBoundingClientRect().top - anchor.top;
        return stay;
    }

    nearTop(): boolean {
        return this.scroller.scrollTop < NEAR_PX;
    }

    atBottom(): boolean {
        const { scrollHeight, scrollTop, clientHeight } = this.scroller;
        return scrollHeight - scrollTop - clientHeight < NEAR_PX;
    }

    toBottom(): void {
        this.scroller.scrollTop = this.scroller.scrollHeight;
    }

    /** Brings a message into sight; false: it is not loaded. */
    find(seq: number): boolean {
        const node = this.log.querySelector(`[data-seq="${seq}"]`);
        node?.scrollIntoView({ block: "center" });
        node?.animate?.([{ backgroundColor: "#f5c04266" }, { backgroundColor: "transparent" }], 1500);
        return node !== null;
    }

    /** Brings what is new into sight, so that it is read from its beginning; false: nothing is. */
    toNew(): boolean {
        const node = this.log.querySelector<HTMLElement>("li.new");
        if (!node) return false;
        this.scroller.scrollTop += node.getBoundingClientRect().top - this.scroller.getBoundingClientRect().top - NEW_PX;
        return true;
    }

    private firstInSight(): { node: Element; top: number } | null {
        const edge = this.scroller.getBoundingClientRect().top;
        for (const node of this.log.children) {
            // What is new begins elsewhere once older pages are there.
            if (node.classList.contains("new")) continue;
            const { top, bottom } = node.getBoundingClientRect();
            if (bottom > edge) return { node, top };
        }
        return null;
    }

    private node(row: Row, previous: Row | undefined, look: Look): HTMLElement {
        const follows = previous !== undefined && continues(previous, row, look.me);
        const entry = row.kind === "entry" ? row.entry : null;
        const way = entry?.from === look.me ? look.way?.(entry.seq) : null;
        const seen = entry && look.seen(entry.seq);
        const may = entry ? [look.offers(entry), look.reacts(entry), look.pending(entry)] : row.kind === "draft" && look.again(row.draft);
        const mark = JSON.stringify([look.place, follows, way, may, seen, row]);
        const old = this.shown.get(row.key);
        if (old?.mark === mark) return old.node;
        const fresh = drawn(row, follows, look);
        const node = old?.node ?? fresh;
        if (old) morph(old.node, fresh);
        this.shown.set(row.key, { mark, node });
        return node;
    }
}

function continues(previous: Row, row: Row, me: string): boolean {
    const facts = (of: Row) => {
        if (of.kind === "new") return { type: "", from: "", at: "" };
        if (of.kind === "draft") return { type: "message", from: me, at: of.draft.at };
        return { type: of.entry.type, from: of.entry.from, at: of.entry.at };
    };
    const one = facts(previous);
    const other = facts(row);
    return (
        one.type === "message" &&
        other.type === "message" &&
        one.from === other.from &&
        Math.abs(Date.parse(other.at) - Date.parse(one.at)) < TOGETHER_MS
    );
}
