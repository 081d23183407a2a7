// What stands in the boxes and was not sent: it survives a reload, for each room and thread, and each message that is edited.

import type { Shown } from "hubbub-sdk";
import type { Shelf } from "../ui/store.ts";

export class Boxes {
    constructor(
        private readonly name: string,
        private readonly shelf: Shelf,
    ) {}

    read(room: string, thread?: number): string {
        return this.shelf.getItem(this.key(room, thread)) ?? "";
    }

    write(text: string, room: string, thread?: number): void {
        this.put(this.key(room, thread), text);
    }

    /** The new text of a message that still says what it did when that was written; null: there is none. */
    readEdit({ seq, text = "" }: Shown, room: string): string | null {
        try {
            const [before, now] = JSON.parse(this.shelf.getItem(this.editKey(room, seq)) ?? "[]") as unknown[];
            return before === text && typeof now === "string" ? now : null;
        } catch {
            return null;
        }
    }

    /** Null: it is saved, or not wanted any more. */
    writeEdit(now: string | null, { seq, text = "" }: Shown, room: string): void {
        this.put(this.editKey(room, seq), now === null || now === text ? "" : JSON.stringify([text, now]));
    }

    private put(key: string, text: string): void {
        try {
            if (text) this.shelf.setItem(key, text);
            else this.shelf.removeItem(key);
        } catch {
            // The browser keeps nothing more; what is in the box stays there.
        }
    }

    private editKey(room: string, seq: number): string {
        return `hubbub edit ${this.name} ${JSON.stringify([room, seq])}`;
    }

    private key(room: string, thread: number | undefined): string {
        return `hubbub box ${this.name} ${JSON.stringify(thread === undefined ? [room] : [room, thread])}`;
    }
}
