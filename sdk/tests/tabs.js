// The tabs of one browser, as far as the SDK sees it: Web Locks and channels, in a world that delivers one thing at a time, in
// random order: only what takes the same way keeps its order. A tab may stand still: what is for it waits. It may be put aside
// like a page that one has left: what is for it is lost.

import { AsyncLocalStorage } from "node:async_hooks";
import { setMaxListeners } from "node:events";
import { random } from "./world.js";

/** Which tab runs. */
const running = new AsyncLocalStorage();

/** Timers that go off when the world says so, and not in a tab that stands still. */
export class Clock {
    timers = new Map();
    last = 0;
    now = 0;
    real = [globalThis.setTimeout, globalThis.clearTimeout];

    constructor() {
        globalThis.setTimeout = (what, after = 0) => {
            this.timers.set((this.last += 1), { what, at: this.now + after, tab: running.getStore() });
            return this.last;
        };
        globalThis.clearTimeout = (timer) => void this.timers.delete(timer);
    }

    passes(ms) {
        this.now += ms;
        for (;;) {
            const due = [...this.timers].find(([, { at, tab }]) => at <= this.now && !tab?.still);
            if (!due) return;
            const [timer, { what, tab }] = due;
            this.timers.delete(timer);
            if (!tab?.dead) running.run(tab, what);
        }
    }

    ends() {
        [globalThis.setTimeout, globalThis.clearTimeout] = this.real;
    }
}

export class Tabs {
    constructor(seed) {
        this.below = random(seed);
        /** What is on its way, each in its own order: by who says it to whom. */
        this.ways = new Map();
        this.locks = new Map();
        this.channels = new Set();
        /** One of so many messages between tabs is lost; 0: none. */
        this.loses = 0;
    }

    /** `tab`: who it is for; null: the browser itself. */
    later(way, what, tab = null) {
        if (!this.ways.has(way)) this.ways.set(way, []);
        this.ways.get(way).push({ what, tab });
    }

    /** Delivers one thing. */
    step() {
        const ways = [...this.ways].filter(([, [{ tab }]]) => !tab?.still);
        if (!ways.length) return false;
        const [way, waiting] = ways[this.below(ways.length)];
        const { what, tab } = waiting.shift();
        if (!waiting.length) this.ways.delete(way);
        if (!tab) what();
        else if (!tab.dead) running.run(tab, what);
        return true;
    }

    /** What a tab does of itself. */
    in(tab, what) {
        return running.run(tab, what);
    }

    browser(tab) {
        const world = this;
        return {
            locks: {
                request(name, { signal, steal = false }, held) {
                    // What is dead asks for nothing.
                    if (tab.dead) return new Promise(() => {});
                    return new Promise((resolve, reject) => {
                        const one = { tab, held, resolve, reject, holding: false, asked: false, aborted: false };
                        const aborted = () => {
                            one.aborted = true;
                            if (one.asked) world.leaves(name, one);
                            reject(new DOMException("aborted", "AbortError"));
                        };
                        if (signal) setMaxListeners(0, signal);
                        signal?.addEventListener("abort", aborted);
                        one.granted = () => signal?.removeEventListener("abort", aborted);
                        // The browser itself gets to know of it later, and what another tab asks meanwhile may come first.
                        world.later(`${tab.id} asks for locks`, () => {
                            if (!tab.dead && !one.aborted) world.asks(name, one, steal);
                        });
                    });
                },
            },
            channel: (name) => {
                const mine = { name, tab, onmessage: null };
                mine.postMessage = (data) => {
                    if (tab.dead) return;
                    for (const other of world.channels) {
                        if (other === mine || other.name !== name || other.tab.aside || other.tab.deaf) continue;
                        if (world.loses && world.below(world.loses) === 0) continue;
                        const copy = structuredClone(data);
                        world.later(`${tab.id} to ${other.tab.id}`, () => other.onmessage?.({ data: copy }), other.tab);
                    }
                };
                mine.close = () => world.channels.delete(mine);
                world.channels.add(mine);
                return mine;
            },
        };
    }

    asks(name, one, steal) {
        if (!this.locks.has(name)) this.locks.set(name, []);
        const queue = this.locks.get(name);
        one.asked = true;
        if (!steal) queue.push(one);
        else {
            const [first] = queue;
            if (first?.holding) {
                queue.shift();
                this.later(`lock ${name} of ${first.tab.id}`, () => first.reject(new DOMException("stolen", "AbortError")), first.tab);
            }
            queue.unshift(one);
        }
        this.grant(name);
    }

    leaves(name, one) {
        const queue = this.locks.get(name);
        const at = queue.indexOf(one);
        if (at >= 0) queue.splice(at, 1);
        this.grant(name);
    }

    grant(name) {
        const [first] = this.locks.get(name);
        if (!first || first.holding) return;
        first.holding = true;
        first.granted();
        const given = () => {
            const over = () => {
                this.leaves(name, first);
                first.resolve();
            };
            Promise.resolve(first.held()).then(over);
        };
        this.later(`lock ${name} of ${first.tab.id}`, given, first.tab);
    }

    /** The browser frees what the tab held. */
    frees(tab) {
        for (const [name, queue] of this.locks) {
            const others = queue.filter((one) => one.tab !== tab);
            this.locks.set(name, others);
            queue.length = 0;
            queue.push(...others);
            this.locks.set(name, queue);
            this.grant(name);
        }
    }

    /** The tab is there no more. */
    ends(tab) {
        tab.dead = true;
        for (const link of [...this.links]) if (link.tab === tab) this.links.delete(link);
        for (const channel of [...this.channels]) if (channel.tab === tab) this.channels.delete(channel);
        this.frees(tab);
    }

    /** The browser keeps its page without running it, and says so to the page. */
    putsAside(tab) {
        this.in(tab, () => tab.page.dispatchEvent(Object.assign(new Event("pagehide"), { persisted: true })));
        tab.aside = tab.still = true;
    }

    /** It runs again, as if nothing had been. */
    goesOn(tab) {
        const { aside } = tab;
        tab.aside = tab.still = false;
        if (aside) this.in(tab, () => tab.page.dispatchEvent(Object.assign(new Event("pageshow"), { persisted: true })));
    }

    /** Opens a link in a page of the tab's own. */
    opens(tab, open) {
        tab.page = new EventTarget();
        const around = { document: new EventTarget() };
        for (const name of ["addEventListener", "removeEventListener"]) around[name] = tab.page[name].bind(tab.page);
        Object.assign(globalThis, around);
        this.in(tab, open);
        for (const name of Object.keys(around)) delete globalThis[name];
    }

    /** Delivers all there is. */
    async settled() {
        for (;;) {
            await new Promise((resolve) => setImmediate(resolve));
            if (!this.step()) {
                await new Promise((resolve) => setImmediate(resolve));
                if (!this.step()) return;
            }
        }
    }
}
