// What stands in the boxes and was not sent: it survives a reload, for each room and thread.

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
        try {
            if (text) this.shelf.setItem(this.key(room, thread), text);
            else this.shelf.removeItem(this.key(room, thread));
        } catch {
            // The browser keeps nothing more; what is in the box stays there.
        }
    }

    private key(room: string, thread: number | undefined): string {
        return `hubbub box ${this.name} ${JSON.stringify(thread === undefined ? [room] : [room, thread])}`;
    }
}
