// One row of a list: a message, what is on its way, or a line between.

import { bdi, button, element, spoken } from "./element.ts";
import type { Reaction, Replies, Shown } from "../../sdk/src/fold.ts";
import { named, ways, type Way } from "./forwarding.ts";
import { moment } from "../../sdk/src/words.ts";
import { said } from "./lines.ts";
import { alsoMentioned, mentionsMe, parts } from "./mentions.ts";
import { isolated, type Words } from "./names.ts";
import type { Pending } from "./pending.ts";
import type { Draft, Row } from "../../sdk/src/timeline.ts";

export interface Look {
    me: string;
    /** Where a message of one's own is on its way to a portal. */
    way: ((seq: number) => Way) | null;
    /** Whether anything may be done to this message. */
    offers(message: Shown): boolean;
    /** Whether reactions are buttons. */
    reacts(message: Shown): boolean;
    /** What is on its way for this message. */
    pending(message: Shown): Pending | null;
    /** Who has seen this message and none after it, in words. */
    seen(seq: number): Words;
    /** Whether a refused draft can be sent again. */
    again(draft: Draft): boolean;
    /** Where the list stands: a thread's own list does not tell of the thread. */
    place: "room" | "thread" | "pins";
}

export function drawn(row: Row, follows: boolean, look: Look): HTMLElement {
    if (row.kind === "new") return element("li", "line new", element("span", "", "New messages"));
    const node = row.kind === "draft" ? draft(row.draft, look) : row.entry.type === "message" ? message(row.entry, look) : line(row.entry);
    node.classList.toggle("follows", follows);
    return node;
}

function line(entry: Shown): HTMLElement {
    return element("li", "line", element("span", "", ...spoken(said(entry))), stamp(entry.at), element("span", "seq", `#${entry.seq}`));
}

function message(entry: Shown, look: Look): HTMLElement {
    const { me } = look;
    const mine = entry.from === me;
    const item = bubble(entry.from, mine, entry.at);
    item.dataset["seq"] = String(entry.seq);
    item.classList.toggle("gone", entry.gone === true);
    item.classList.toggle("calls", mentionsMe(entry, me));
    const inside = item.querySelector(".bubble")!;
    const pending = look.pending(entry);
    item.classList.toggle("sending", pending !== null);
    if (entry.reply_to !== undefined) {
        const to = `#${entry.reply_to}`;
        const find = button(`answers ${to}`, "answered", { class: "link", "data-target": String(entry.reply_to), "aria-label": `Answers ${to}: go to it` });
        inside.append(element("p", "answers", find));
    }
    if (entry.gone) {
        inside.append(element("p", "tombstone", "This message was deleted."));
    } else if (pending?.text !== undefined) {
        inside.append(element("p", "text", pending.text));
    } else if (entry.text) {
        const text = element("p", "text");
        for (const { text: words, who } of parts(entry, me)) text.append(who ? element("mark", who, words) : words);
        inside.append(text);
    }
    const others = alsoMentioned(entry);
    if (others.length) {
        const names = others.flatMap((name, nth) => [nth ? ", " : "", bdi(name)]);
        inside.append(element("p", "answers", "mentions ", ...names));
    }
    if (entry.data !== undefined) inside.append(element("pre", "data", JSON.stringify(entry.data, null, 2)));

    if (entry.reactions?.length) inside.after(reactions(entry.reactions, look.reacts(entry)));
    const foot = item.querySelector(".foot")!;
    foot.append(element("span", "seq", `#${entry.seq}`));
    if (entry.edited_at) {
        const edited = element("span", "edited", "edited");
        edited.title = entry.edited_at;
        foot.append(edited);
    }
    if (entry.pinned) foot.append(element("span", "pinned", "📌 pinned"));
    if (look.way && mine) {
        const way = look.way(entry.seq);
        foot.append(element("span", way === "failed" ? "error" : "way", ways[way]));
    }
    for (const { does, what } of pending?.words ?? [])
        foot.append(what === undefined ? element("span", "pending", does) : element("span", "pending", `${does} `, bdi(what), " …"));
    if (pending?.refused) {
        const { key, why } = pending.refused;
        foot.append(
            element("span", "error", `Not saved. ${why}`),
            button("Try again", "edit again", { "data-key": key }),
            button("Discard", "edit discard", { "data-key": key }),
        );
    }
    if (look.place === "pins") foot.append(button("go to it", "find", { class: "link", "aria-label": `Go to #${entry.seq} in the room` }));
    if (look.place !== "thread") {
        if (entry.replies) foot.append(thread(entry.replies, entry));
        if (entry.thread !== undefined) {
            const root = String(entry.thread);
            foot.append(button(`from the thread of #${root}`, "thread", { class: "link", "data-root": root }));
        }
    } else if (entry.in_room) {
        foot.append(element("span", "in-room", "also in the room"));
    }
    if (look.offers(entry)) {
        const which = entry.gone ? "deleted" : (entry.text ?? "").slice(0, 40);
        const label = `Actions for the message of ${isolated(named(entry.from))}: ${isolated(which)}`;
        foot.append(button("⋯", "menu", { "aria-label": label, "aria-haspopup": "dialog", class: "more" }));
    }
    const seen = look.seen(entry.seq);
    if (seen.length) {
        const line = element("p", "seen", ...spoken(seen));
        // It comes and goes all the time; whoever hears the page is not told each time.
        line.setAttribute("aria-live", "off");
        item.append(line);
    }
    return item;
}

function thread({ count, last_at }: Replies, { seq }: Shown): HTMLElement {
    const many = count === 1 ? "1 reply" : `${count} replies`;
    const label = `${many}, the last ${moment(last_at)}`;
    return button(label, "thread", { class: "link", "data-root": String(seq), "aria-label": `Open the thread of #${seq}: ${label}` });
}

function reactions(all: readonly Reaction[], may: boolean): HTMLElement {
    const list = element("div", "reactions");
    for (const { reaction, count, me, users } of all) {
        const people = count === 1 ? "1 person" : `${count} people`;
        const others = count > users.length ? ", …" : "";
        const chip = button("", "react", {
            class: me ? "reaction me" : "reaction",
            "data-reaction": reaction,
            "aria-pressed": String(me),
            "aria-label": `${isolated(reaction)}: ${people}${me ? ", you too" : ""}`,
            title: users.map((user) => isolated(named(user))).join(", ") + others,
        });
        chip.append(bdi(reaction), ` ${count}`);
        chip.disabled = !may;
        list.append(chip);
    }
    list.append(button("who?", "who", { class: "link", "aria-label": "Who reacted", "aria-haspopup": "dialog" }));
    return list;
}

function draft(draft: Draft, { me, again }: Look): HTMLElement {
    const item = bubble(me, true, draft.at);
    item.dataset["key"] = draft.key;
    const inside = item.querySelector(".bubble")!;
    if (draft.reply_to !== undefined) inside.append(element("p", "answers", `answers #${draft.reply_to}`));
    inside.append(element("p", "text", draft.text));
    const foot = item.querySelector(".foot")!;
    if (draft.state === "stored") {
        foot.append(element("span", "seq", `#${draft.seq}`));
        return item;
    }
    item.classList.add(draft.state);
    if (draft.state === "sending") {
        foot.append(element("span", "pending", "sending…"));
        return item;
    }
    foot.append(element("span", "error", `Not sent. ${draft.error ?? ""}`));
    if (again(draft)) foot.append(button("Try again", "again"));
    foot.append(button("Discard", "discard"));
    return item;
}

function bubble(from: string, mine: boolean, at: string): HTMLElement {
    const head = element("p", "from", bdi(named(from)));
    head.style.setProperty("--hue", String(hue(from)));
    return element("li", mine ? "message mine" : "message", element("div", "bubble", head), element("p", "foot", stamp(at)));
}

function stamp(at: string): HTMLElement {
    const time = document.createElement("time");
    time.dateTime = at;
    time.title = at;
    time.textContent = moment(at, true);
    return time;
}

function hue(name: string): number {
    let sum = 0;
    for (const char of name) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) % 360;
    return sum;
}
