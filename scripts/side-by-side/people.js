// The two windows: who is on which instance, what has come to whom, and somebody who writes for them. The windows are the
// web chat as it is served to everybody, from the same origin: what is said of them is read from what stands in them.

const ROOM = "general";

export class Person {
    /** Seqs of what has stood in this window, by who wrote it. */
    #stood = new Map();
    #ready = false;

    constructor(section) {
        this.id = section.dataset.person;
        this.name = section.querySelector(`#${this.id}`).textContent;
        this.where = section.querySelector(".where");
        this.count = section.querySelector(".count");
        this.frame = section.querySelector("iframe");
        this.#look();
    }

    /** Its document; null: it shows none of ours. */
    get page() {
        return this.frame.contentDocument;
    }

    #look() {
        const page = this.page;
        const state = page?.querySelector("#state");
        const inRoom = page && (new URLSearchParams(page.location.search).get("room") ?? ROOM) === ROOM;
        const find = (selector) => (inRoom ? [...page.querySelectorAll(`.room-main .log ${selector}`)] : []);
        /** The port of its instance, as that calls itself; null: it is not connected, or the window does not say it. */
        this.instance = (state?.dataset.state === "connected" && page.querySelector("#instance")?.textContent) || null;
        /** Whether the window says at all where it is connected: a setting of the chat. */
        this.says = Boolean(state);
        this.inRoom = find(".row-of-log").length > 0;
        this.messages = find(".message[data-seq]").map(({ dataset }) => ({ seq: Number(dataset.seq), from: dataset.from }));
        this.drafts = find(".message.draft").length;
    }

    /** Looks at the window again. */
    looks() {
        this.#look();
        for (const { seq, from } of this.messages) {
            if (!this.#stood.has(from)) this.#stood.set(from, new Set());
            this.#stood.get(from).add(seq);
        }
        // The box for writing takes the focus as it appears, and the browser would scroll down to it. What is not drawn takes
        // none: a window is shown one look after that.
        const ready = Boolean(this.page?.querySelector("[data-composer] textarea, #banner p"));
        if (ready && this.#ready) this.frame.hidden = false;
        this.#ready = ready;
    }

    /** What of this person's has stood here, after a seq. */
    stood(from, since) {
        return new Set([...(this.#stood.get(from) ?? [])].filter((seq) => seq > since));
    }

    /** Writes as somebody does who sits there, unless they are writing. */
    writes(text) {
        const box = this.page?.querySelector("[data-composer=room] textarea");
        if (!box || box.disabled || box.value) return false;
        box.value = text;
        box.dispatchEvent(new Event("input", { bubbles: true }));
        // The chat takes it up with its next drawing.
        setTimeout(() => box.form?.requestSubmit(), 50);
        return true;
    }
}

/** What each wrote since both windows were there, and how much of it has come to the other. */
export class Tally {
    #since = null;

    constructor(people) {
        this.people = people;
    }

    looks() {
        if (this.#since !== null || !this.people.every(({ inRoom, instance }) => inRoom && instance)) return;
        this.#since = Math.max(0, ...this.people.flatMap(({ messages }) => messages.map(({ seq }) => seq)));
    }

    /** In words, for the window of `reader`. */
    words(writer, reader) {
        if (this.#since === null) return "";
        const came = reader.stood(writer.id, this.#since);
        const own = writer.stood(writer.id, this.#since);
        const wrote = new Set([...came, ...own]).size + writer.drafts;
        if (wrote === 0) return `${writer.name} has not written yet.`;
        const all = came.size === wrote ? "all of them are here" : `${came.size} of them are here so far`;
        return `${writer.name} has written ${wrote}; ${all}.`;
    }
}

const EVERY_MS = 1_000;

/** Has them write in turn, numbered, until it is stopped. */
export class Writers {
    #timer = null;
    #next = 0;

    constructor(people) {
        this.turns = people.map((person) => ({ person, number: 0 }));
    }

    get write() {
        return this.#timer !== null;
    }

    turn(on) {
        clearInterval(this.#timer);
        this.#timer = on ? setInterval(() => this.#one(), EVERY_MS / this.turns.length) : null;
    }

    #one() {
        const turn = this.turns[this.#next++ % this.turns.length];
        if (turn.person.writes(`${turn.person.name}’s number ${turn.number + 1}`)) turn.number += 1;
    }
}
