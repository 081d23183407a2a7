// What can be done to a message: a small box beside its button. Escape, or a click elsewhere, closes it.

import { bdi, button, element, heard, part } from "./element.ts";
import type { Shown } from "../../sdk/src/fold.ts";
import { named } from "./forwarding.ts";
import { isolated } from "./names.ts";
import type { Act } from "./people.ts";
import { byReaction, type Reactors } from "./reactors.ts";
import { failure, refusal } from "../../sdk/src/words.ts";

export type Chosen =
    | { do: "react"; reaction: string }
    | { do: "thread" | "answer" | "edit" | "pin" | "unpin" | "delete" };

const QUICK: [string, string][] = [
    ["👍", "thumbs up"],
    ["❤️", "heart"],
    ["😂", "laughing"],
    ["🎉", "party"],
    ["👀", "eyes"],
    ["✅", "done"],
];
const GAP_PX = 4;

export class Menu {
    private readonly box = part("menu");
    private at: HTMLElement | null = null;
    private message: Shown | null = null;
    private chosen: (what: Chosen) => void = () => {};

    constructor() {
        heard(this.box, (what, at) => this.pressed(what, at));
        this.box.addEventListener("submit", (event) => {
            event.preventDefault();
            const reaction = this.box.querySelector("input")?.value.trim();
            if (reaction) this.choose({ do: "react", reaction });
        });
        this.box.addEventListener("keydown", (event) => {
            const step = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 }[event.key];
            const writes = event.target instanceof HTMLInputElement && !event.key.endsWith("Up") && !event.key.endsWith("Down");
            if (!step || writes) return;
            event.preventDefault();
            const all = [...this.box.querySelectorAll<HTMLElement>("button, input")];
            const now = all.indexOf(document.activeElement as HTMLElement);
            all[(now + step + all.length) % all.length]?.focus();
        });
        // Where it was opened has the focus again, unless that went elsewhere by itself.
        this.box.addEventListener("toggle", (event) => {
            if ((event as ToggleEvent).newState === "closed" && document.activeElement === document.body) this.at?.focus();
        });
    }

    open(at: HTMLElement, message: Shown, acts: Set<Act>, chosen: (what: Chosen) => void): void {
        at.focus();
        this.at = at;
        this.message = message;
        this.chosen = chosen;
        const rows: HTMLElement[] = [];
        if (acts.has("react")) rows.push(quick(message), other());
        if (acts.has("answer")) rows.push(item("Answer", "answer"));
        if (acts.has("thread")) rows.push(item(acts.has("reply") ? "Reply in thread" : "Open the thread", "thread"));
        if (acts.has("edit")) rows.push(item("Edit", "edit"));
        if (acts.has("pin")) rows.push(item(message.pinned ? "Unpin" : "Pin", message.pinned ? "unpin" : "pin"));
        if (acts.has("delete")) rows.push(item("Delete …", "ask"));
        this.fill(rows);
    }

    /** Who reacted to it, once that is here. */
    async who(at: HTMLElement, message: Shown, answer: Promise<Reactors>): Promise<void> {
        at.focus();
        this.at = at;
        this.message = message;
        this.chosen = () => {};
        this.fill([element("p", "question", "Loading …")]);
        const note = (text: string) => [element("p", "question", text)];
        const rows = await answer.then(
            (all) => (all.reactions.length ? reacted(all) : note("Nobody reacts to this any more.")),
            (error: unknown) => note(refusal(failure(error))),
        );
        // Something else may be open by now.
        if (this.at === at && this.box.matches(":popover-open")) this.fill(rows);
    }

    private fill(rows: HTMLElement[]): void {
        this.box.setAttribute("aria-label", `Message of ${isolated(named(this.message?.from ?? ""))}`);
        this.box.replaceChildren(...rows);
        this.box.showPopover();
        this.place();
        (this.box.querySelector<HTMLElement>("button") ?? this.box).focus();
    }

    private place(): void {
        const { left, right, top, bottom } = this.at!.getBoundingClientRect();
        const { width, height } = this.box.getBoundingClientRect();
        const below = bottom + GAP_PX + height <= innerHeight;
        const x = left + width <= innerWidth - GAP_PX ? left : right - width;
        this.box.style.left = `${Math.max(GAP_PX, x)}px`;
        this.box.style.top = `${Math.max(GAP_PX, below ? bottom + GAP_PX : top - GAP_PX - height)}px`;
    }

    private pressed(what: string, at: HTMLElement): void {
        if (what === "react") return this.choose({ do: "react", reaction: at.dataset["reaction"] ?? "" });
        if (what === "ask") {
            const question = element("p", "question", "Delete this message for everybody? It cannot be brought back.");
            this.fill([question, item("Delete it", "delete"), item("Keep it", "keep")]);
            return this.box.querySelector<HTMLElement>("[data-do=keep]")?.focus();
        }
        if (what === "keep") return this.box.hidePopover();
        this.choose({ do: what } as Chosen);
    }

    private choose(what: Chosen): void {
        this.at?.focus();
        this.box.hidePopover();
        this.chosen(what);
    }
}

function item(label: string, does: string): HTMLElement {
    return button(label, does, { class: "item" });
}

function reacted(all: Reactors): HTMLElement[] {
    const rows = byReaction(all).map(([reaction, users]) => {
        const names = users.flatMap((user, nth) => [nth ? ", " : "", bdi(named(user))]);
        return element("p", "question", bdi(reaction), " ", ...names);
    });
    return all.next === undefined ? rows : [...rows, element("p", "question", "… and more")];
}

function quick({ reactions = [] }: Shown): HTMLElement {
    const row = element("div", "quick");
    for (const [reaction, name] of QUICK) {
        const mine = reactions.some((one) => one.reaction === reaction && one.me);
        const label = mine ? `Take back ${name}` : `React with ${name}`;
        row.append(
            button(reaction, "react", {
                class: mine ? "reaction me" : "reaction",
                "data-reaction": reaction,
                "aria-label": label,
                "aria-pressed": String(mine),
                title: label,
            }),
        );
    }
    return row;
}

function other(): HTMLElement {
    const input = element("input", "") as HTMLInputElement;
    input.placeholder = "Another emoji or word";
    input.setAttribute("aria-label", "Another emoji or word as a reaction");
    const add = element("button", "small", "React") as HTMLButtonElement;
    return element("form", "another", input, add);
}
