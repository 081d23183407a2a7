// The list of names above the box while somebody writes `@`.

import { useState, type RefObject } from "react";
import type { CalledBy } from "../people/called.ts";
import { stepped } from "../ui/beside.ts";
import { Avatar } from "../ui/Avatar.tsx";
import { asked, completed, offers, type Asked, type Offer } from "./complete.ts";

export interface Completion {
    all: readonly Offer[];
    active: number;
    take(offer: Offer): void;
    /** Whether the key was for the list. */
    pressed(event: KeyboardEvent): boolean;
    /** Looks again at what is asked for. */
    look(): void;
    close(): void;
    aria(id: string): { "aria-controls"?: string; "aria-activedescendant"?: string };
}

export function useCompletion(
    box: RefObject<HTMLTextAreaElement | null>, text: string, put: (text: string) => void, people: readonly string[], called: CalledBy,
): Completion {
    const [ask, setAsk] = useState<Asked | null>(null);
    const [active, setActive] = useState(0);
    const all = ask ? offers(ask.prefix, people, called, true) : [];
    const take = (offer: Offer) => {
        if (!ask) return;
        const done = completed(text, ask, offer);
        put(done.text);
        setAsk(null);
        requestAnimationFrame(() => {
            box.current?.focus();
            box.current?.setSelectionRange(done.caret, done.caret);
        });
    };
    const look = () => {
        if (!box.current) return;
        const { value, selectionStart, selectionEnd } = box.current;
        setAsk(selectionStart === selectionEnd ? asked(value, selectionStart) : null);
        setActive(0);
    };
    return {
        all,
        active,
        take,
        look,
        close: () => setAsk(null),
        pressed(event) {
            if (event.key.startsWith("Arrow") && !all.length) requestAnimationFrame(look);
            if (!all.length) return false;
            const to = event.key.startsWith("Arrow") ? stepped(event.key, active, all.length) : null;
            const taken = event.key === "Tab" || (event.key === "Enter" && !event.shiftKey);
            if (to !== null) setActive(to);
            else if (taken) take(all[active]!);
            else if (event.key === "Escape") setAsk(null);
            else return false;
            event.preventDefault();
            event.stopPropagation();
            return true;
        },
        aria: (id) => (all.length ? { "aria-controls": `${id}names`, "aria-activedescendant": `${id}name${active}` } : {}),
    };
}

export function Offers({ completion: { all, active, take }, id }: { completion: Completion; id: string }) {
    if (!all.length) return null;
    return (
        <ul className="offers" role="listbox" id={`${id}names`} aria-label="People to mention">
            {all.map((offer, nth) => (
                <li
                    key={offer.id} id={`${id}name${nth}`} role="option" aria-selected={nth === active}
                    onMouseDown={(event) => {
                        event.preventDefault();
                        take(offer);
                    }}
                >
                    <Avatar user={offer.id} name={offer.name} small /> <bdi>{offer.name}</bdi> <span className="soft">@{offer.id}</span>
                </li>
            ))}
        </ul>
    );
}
