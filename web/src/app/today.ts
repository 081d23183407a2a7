// Which day it is: a page that is open overnight says something else of yesterday from midnight on.

import { useSyncExternalStore } from "react";

/** The time, and what wakes somebody after some milliseconds; returns what calls that off. */
export interface Clock {
    now(): Date;
    after(ms: number, wake: () => void): () => void;
    /** Calls it whenever somebody comes back to the page: a computer that slept has woken nobody. */
    back(wake: () => void): () => void;
}

export class Today {
    private day: string;
    private readonly listeners = new Set<() => void>();
    private end: (() => void) | null = null;

    constructor(private readonly clock: Clock) {
        this.day = clock.now().toDateString();
    }

    /** The same text for as long as it is the same day. */
    readonly snapshot = (): string => this.day;

    readonly subscribe = (changed: () => void): (() => void) => {
        const listener = () => changed();
        this.listeners.add(listener);
        if (!this.end) this.begin();
        return () => {
            this.listeners.delete(listener);
            if (this.listeners.size) return;
            this.end?.();
            this.end = null;
        };
    };

    private begin(): void {
        let off = () => {};
        const waits = () => {
            off();
            off = this.clock.after(untilMidnight(this.clock.now()), look);
        };
        const look = () => {
            this.look();
            waits();
        };
        const back = this.clock.back(look);
        this.end = () => {
            off();
            back();
        };
        look();
    }

    private look(): void {
        const day = this.clock.now().toDateString();
        if (day === this.day) return;
        this.day = day;
        for (const listener of [...this.listeners]) listener();
    }
}

/** In milliseconds, and a little more: no clock is that precise. */
export function untilMidnight(now: Date): number {
    return new Date(now.getFullYear(), now.getMonth(), now.getDate() + 1).getTime() - now.getTime() + 50;
}

const today = new Today({
    now: () => new Date(),
    after(ms, wake) {
        const timer = setTimeout(wake, ms);
        return () => clearTimeout(timer);
    },
    back(wake) {
        document.addEventListener("visibilitychange", wake);
        return () => document.removeEventListener("visibilitychange", wake);
    },
});

/** Has what says a day, or leaves it out as today's, drawn again when another begins. */
export function useToday(): void {
    useSyncExternalStore(today.subscribe, today.snapshot, today.snapshot);
}
