// The tabs of one browser, as far as the SDK sees it: Web Locks and channels, in a world that delivers one thing at a time, in
// random order: only what takes the same way keeps its order.

import { setMaxListeners } from "node:events";
import { random } from "./world.js";

export class Tabs {
    constructor(seed) {
        this.below = random(seed);
        /** What is on its way, each in its own order: by who says it to whom. */
        this.ways = new Map();
        this.locks = new Map();
        this.channels = new Set();
    }

    later(way, what) {
        if (!this.ways.has(way)) this.ways.set(way, []);
        this.ways.get(way).push(what);
    }

    /** Delivers one thing. */
    step() {
        const ways = [...this.ways.keys()];
        if (!ways.length) return false;
        const way = ways[this.below(ways.length)];
        const waiting = this.ways.get(way);
        const next = waiting.shift();
        if (!waiting.length) this.ways.delete(way);
        next();
        return true;
    }

    browser(tab) {
        const world = this;
        return {
            locks: {
                request(name, { signal }, held) {
                    // What is dead asks for nothing, though its timers run here.
                    if (tab.dead) return new Promise(() => {});
                    if (!world.locks.has(name)) world.locks.set(name, []);
                    const queue = world.locks.get(name);
                    return new Promise((resolve, reject) => {
                        const one = { tab, held, resolve, holding: false };
                        queue.push(one);
                        const aborted = () => {
                            queue.splice(queue.indexOf(one), 1);
                            reject(new Error("aborted"));
                        };
                        if (signal) setMaxListeners(0, signal);
                        signal?.addEventListener("abort", aborted);
                        one.granted = () => signal?.removeEventListener("abort", aborted);
                        world.grant(name);
                    });
                },
            },
            channel: (name) => {
                const mine = { name, tab, onmessage: null };
                mine.postMessage = (data) => {
                    if (tab.dead) return;
                    for (const other of world.channels) {
                        if (other === mine || other.name !== name) continue;
                        const copy = structuredClone(data);
                        world.later(`${tab.id} to ${other.tab.id}`, () => !other.tab.dead && other.onmessage?.({ data: copy }));
                    }
                };
                mine.close = () => world.channels.delete(mine);
                world.channels.add(mine);
                return mine;
            },
        };
    }

    grant(name) {
        const queue = this.locks.get(name);
        const [first] = queue;
        if (!first || first.holding) return;
        first.holding = true;
        first.granted();
        this.later(`lock ${name}`, () => {
            if (first.tab.dead) return;
            const over = () => {
                if (queue[0] === first) queue.shift();
                this.grant(name);
                first.resolve();
            };
            Promise.resolve(first.held()).then(over);
        });
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
