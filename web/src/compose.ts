// Where something is written: a new message, an answer, or the new text of one that was said.

import { element, heard } from "./element.ts";

/** The server refuses more, too. */
const TEXT_BYTES = 8 * 1024;
const HIGHEST_PX = 180;

export interface Written {
    text: string;
    /** The message that says this now. */
    edits?: number;
    /** The message that this answers. */
    reply_to?: number;
    /** Of a thread's reply. */
    in_room: boolean;
}

export class Compose {
    private readonly text: HTMLTextAreaElement;
    private readonly over: HTMLElement;
    private readonly mode: HTMLElement;
    private readonly why: HTMLElement;
    private edits: { seq: number; before: string } | null = null;
    private answers: number | null = null;

    constructor(
        private readonly form: HTMLFormElement,
        private readonly written: (what: Written) => void,
        /** Something new is being written, and this stands there. */
        private readonly writes: (text: string) => void = () => {},
    ) {
        this.text = form.querySelector("textarea")!;
        this.over = form.querySelector(".over")!;
        this.mode = form.querySelector(".mode")!;
        this.why = form.querySelector(".why")!;
        form.addEventListener("submit", (event) => {
            event.preventDefault();
            this.submit();
        });
        this.text.addEventListener("keydown", (event) => {
            if (event.key === "Escape" && (this.edits || this.answers !== null)) {
                event.stopPropagation();
                this.end();
                return this.text.focus();
            }
            if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            this.submit();
        });
        this.text.addEventListener("input", () => {
            this.over.hidden = true;
            this.fit();
            if (!this.edits) this.writes(this.text.value);
        });
        heard(form, (what) => {
            if (what !== "cancel") return;
            this.end();
            this.text.focus();
        });
    }

    hint(placeholder: string): void {
        this.text.placeholder = placeholder;
    }

    /** False: nothing can be written here now. */
    focus(): boolean {
        this.text.focus();
        return !this.text.disabled;
    }

    /** Nothing is written here now, and why; null: something is. What was being written stays. */
    closed(why: string | null): void {
        this.why.hidden = why === null;
        this.why.textContent = why ?? "";
        if (this.text.disabled === (why !== null)) return;
        for (const one of this.form.querySelectorAll<HTMLTextAreaElement | HTMLInputElement | HTMLButtonElement>("textarea, input, button[type=submit]"))
            one.disabled = why !== null;
    }

    /** What is written to a message that was deleted meanwhile is written no more. */
    follow(gone: (seq: number) => boolean): void {
        if (this.edits && gone(this.edits.seq)) {
            const { seq } = this.edits;
            this.end();
            this.say(`#${seq} was deleted while you were editing it.`);
        }
    }

    /** Forgets what is being written: it is somewhere else now. */
    clear(): void {
        this.end();
        this.text.value = "";
        this.fit();
    }

    /** The text of a message of one's own is changed here; what was being written comes back afterwards. */
    edit(seq: number, text: string): void {
        const before = this.edits?.before ?? this.text.value;
        this.edits = { seq, before };
        this.answers = null;
        this.put(text);
        this.turn(`Editing #${seq}`, "Save");
    }

    /** What is being written answers a message. */
    answer(seq: number): void {
        if (this.edits) this.end();
        this.answers = seq;
        this.turn(`Answering #${seq}`, "Send");
    }

    private turn(mode: string, send: string): void {
        this.mode.querySelector("span")!.textContent = mode;
        this.mode.hidden = false;
        this.over.hidden = true;
        this.send().textContent = send;
        this.text.focus();
    }

    private end(): void {
        if (this.edits) this.put(this.edits.before);
        this.edits = null;
        this.answers = null;
        this.mode.hidden = true;
        this.over.hidden = true;
        this.send().textContent = "Send";
    }

    private say(what: string): void {
        this.over.textContent = what;
        this.over.hidden = false;
    }

    private submit(): void {
        const text = this.text.value.trim();
        if (!text) return;
        const bytes = new TextEncoder().encode(text).length;
        if (bytes > TEXT_BYTES) return this.say(`This text has ${bytes} bytes; a message has at most ${TEXT_BYTES}.`);
        const in_room = this.form.querySelector<HTMLInputElement>("[name=in_room]")?.checked === true;
        const { edits, answers } = this;
        if (!edits) this.put("");
        this.end();
        this.written({ text, in_room, ...(edits && { edits: edits.seq }), ...(answers !== null && { reply_to: answers }) });
        this.text.focus();
    }

    private put(text: string): void {
        this.text.value = text;
        this.fit();
    }

    private send(): HTMLElement {
        return this.form.querySelector("button[type=submit]") ?? element("button", "");
    }

    private fit(): void {
        this.text.style.height = "auto";
        // Where it is hidden it has no height yet.
        if (this.text.scrollHeight === 0) return;
        const borders = this.text.offsetHeight - this.text.clientHeight;
        this.text.style.height = `${Math.min(this.text.scrollHeight + borders, HIGHEST_PX)}px`;
    }
}
