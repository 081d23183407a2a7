// Where something is written: a new message, or the new text of one that was said.

import { element, heard } from "./element.ts";

/** The server refuses more, too. */
const TEXT_BYTES = 8 * 1024;
const HIGHEST_PX = 180;

export interface Written {
    text: string;
    /** The message that says this now. */
    edits?: number;
    /** Of a thread's reply. */
    in_room: boolean;
}

export class Compose {
    private readonly text: HTMLTextAreaElement;
    private readonly over: HTMLElement;
    private readonly mode: HTMLElement;
    private edits: { seq: number; before: string } | null = null;

    constructor(
        private readonly form: HTMLFormElement,
        private readonly written: (what: Written) => void,
    ) {
        this.text = form.querySelector("textarea")!;
        this.over = form.querySelector(".over")!;
        this.mode = form.querySelector(".mode")!;
        form.addEventListener("submit", (event) => {
            event.preventDefault();
            this.submit();
        });
        this.text.addEventListener("keydown", (event) => {
            if (event.key === "Escape" && this.edits) {
                event.stopPropagation();
                return this.end();
            }
            if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            this.submit();
        });
        this.text.addEventListener("input", () => this.fit());
        heard(form, (what) => {
            if (what === "cancel") this.end();
        });
    }

    hint(placeholder: string): void {
        this.text.placeholder = placeholder;
    }

    focus(): void {
        this.text.focus();
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
        this.put(text);
        this.mode.querySelector("span")!.textContent = `Editing #${seq}`;
        this.mode.hidden = false;
        this.send().textContent = "Save";
        this.text.focus();
    }

    private end(): void {
        if (!this.edits) return;
        this.put(this.edits.before);
        this.edits = null;
        this.mode.hidden = true;
        this.over.hidden = true;
        this.send().textContent = "Send";
        this.text.focus();
    }

    private submit(): void {
        const text = this.text.value.trim();
        if (!text) return;
        const bytes = new TextEncoder().encode(text).length;
        this.over.hidden = bytes <= TEXT_BYTES;
        this.over.textContent = `This text has ${bytes} bytes; a message has at most ${TEXT_BYTES}.`;
        if (bytes > TEXT_BYTES) return;
        const in_room = this.form.querySelector<HTMLInputElement>("[name=in_room]")?.checked === true;
        const { edits } = this;
        if (edits) this.end();
        else this.put("");
        this.written({ text, in_room, ...(edits && { edits: edits.seq }) });
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
