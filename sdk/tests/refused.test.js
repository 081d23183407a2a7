// Tabs whose connection is refused for good: another one has it then, and nobody tries in a circle.

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { sharedLink } from "../dist/shared.js";
import { Tabs } from "./tabs.js";
import { random } from "./world.js";

const ROUNDS = Number(process.env.HUBBUB_LONG ? 1_000 : 60);
const MINUTE = 60_000;

/** A link that is accepted or refused as its tab is then. */
class Refusable {
    constructor(tabs, tab) {
        Object.assign(this, { tabs, tab, over: false });
    }

    open(listener) {
        this.listener = listener;
        this.tabs.attempts.push(this.tab.id);
        assert.ok(this.tabs.attempts.length < 500, "they try in a circle");
        this.tabs.links.add(this);
        this.later(() => {
            if (!this.tab.good) return this.ends();
            listener.welcome({ instance: "1", database: "d", user: "ana", features: [] });
            listener.state("connected", null);
            this.up = true;
            if (this.tabs.kicks) setTimeout(() => this.ends(), 4_000);
        });
    }

    later(what) {
        this.tabs.later(`server to ${this.tab.id}`, () => !this.over && what(), this.tab);
    }

    ends() {
        if (this.over) return;
        this.tabs.links.delete(this);
        this.listener.state("disconnected", `refused: ${this.tab.id}`);
    }

    call(method, data) {
        return new Promise((resolve) => this.later(() => this.up && resolve(data)));
    }

    follow() {
        return () => {};
    }

    close() {
        this.over = true;
        this.tabs.links.delete(this);
    }
}

class Scene extends Tabs {
    links = new Set();
    attempts = [];
    made = 0;

    opens(good) {
        const tab = { id: (this.made += 1), good, state: null, why: null, leads: false };
        tab.link = sharedLink(() => new Refusable(this, tab), "test", this.browser(tab));
        tab.open = () =>
            tab.link.open({
                state: (state, why) => Object.assign(tab, { state, why }),
                welcome: () => {},
                hint: () => {},
                leads: (leads) => (tab.leads = leads),
            });
        super.opens(tab, tab.open);
        return tab;
    }

    /** All there is to happen, within these milliseconds. */
    async passes(ms = 0) {
        await this.settled();
        for (let step = 0; step < ms; step += 2_000) {
            mock.timers.tick(2_000);
            await this.settled();
        }
    }
}

test.beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "Date"] }));
test.afterEach(() => mock.timers.reset());

test("a tab that is refused gives the connection to one that is not, and stands behind it", async () => {
    const scene = new Scene(1);
    const bad = scene.opens(false);
    // It is the first to have the connection.
    while (!scene.attempts.length) scene.step();
    const good = scene.opens(true);
    await scene.passes();
    assert.deepEqual([bad.state, bad.leads, good.state, good.leads], ["connected", false, "connected", true]);
    assert.deepEqual(scene.attempts, [1, 2]);
    const answer = bad.link.call("send", { key: "k" });
    await scene.passes();
    assert.deepEqual(await answer, { key: "k" });
    // Its turn comes again once the other has gone.
    bad.good = true;
    await scene.passes(MINUTE);
    scene.ends(good);
    await scene.passes();
    assert.deepEqual([bad.state, bad.leads, scene.attempts], ["connected", true, [1, 2, 1]]);
    bad.link.close();
});

test("where all are refused each has tried once, all say so, and one that is opened again tries for all", async () => {
    const scene = new Scene(2);
    const tabs = [1, 2, 3].map(() => scene.opens(false));
    await scene.passes(10 * MINUTE);
    assert.deepEqual(scene.attempts.toSorted(), [1, 2, 3]);
    for (const { state, why, leads } of tabs) assert.deepEqual([state, /^refused/.test(why), leads], ["disconnected", true, false]);
    tabs[1].open();
    await scene.passes(MINUTE);
    assert.deepEqual(scene.attempts.slice(3), [2]);
    for (const { state } of tabs) assert.equal(state, "disconnected");
    const answer = tabs[0].link.call("send", { key: "k" });
    tabs[2].good = true;
    tabs[2].open();
    await scene.passes();
    for (const { state } of tabs) assert.equal(state, "connected");
    assert.deepEqual(await answer, { key: "k" });
    assert.deepEqual(scene.attempts.slice(3), [2, 3]);
    for (const { link } of tabs) link.close();
});

test("a call under way when the connection ends for good is refused where nobody knows whether it was done", async () => {
    const scene = new Scene(3);
    const [other, one] = [scene.opens(false), scene.opens(true)];
    await scene.passes();
    const [link] = scene.links;
    const asked = [one, other].map((tab) => tab.link.call("send", {}).then(() => "answered", ({ code }) => code));
    link.ends();
    await scene.passes();
    assert.deepEqual(await Promise.all(asked), [11, 11]);
    for (const { link } of [one, other]) link.close();
});

test("what makes a room with an id, or the room of two, is asked again of the next tab", async () => {
    const scene = new Scene(5);
    const [one, other] = [scene.opens(true), scene.opens(true)];
    await scene.passes();
    const room = { id: "r", kind: "open" };
    const pair = { kind: "direct", with: ["ben"] };
    const asked = [room, pair].map((data) => other.link.call("create_room", data));
    const nameless = other.link.call("create_room", { kind: "open" }).catch(({ code }) => code);
    for (const link of scene.links) link.ends();
    await scene.passes();
    assert.deepEqual(await Promise.all([...asked, nameless]), [room, pair, 11]);
    for (const { link } of [one, other]) link.close();
});

test("one that has taken the connection from a tab that stands still, and is refused, tries once like all", async () => {
    const scene = new Scene(7);
    const one = scene.opens(true);
    await scene.passes();
    const other = scene.opens(true);
    await scene.passes();
    one.still = true;
    await scene.passes(MINUTE);
    assert.deepEqual([other.leads, other.state, scene.attempts], [true, "connected", [1, 2]]);
    for (const link of scene.links) if (link.tab === other) link.ends();
    await scene.passes(5 * MINUTE);
    assert.deepEqual([other.leads, other.state, scene.attempts], [false, "disconnected", [1, 2]]);
    for (const { link } of [one, other]) link.close();
});

test("tabs whose connections come up and are ended for good again take turns ever more slowly", async () => {
    const scene = new Scene(4);
    scene.kicks = true;
    const tabs = [scene.opens(true), scene.opens(true)];
    await scene.passes(10 * MINUTE);
    // With the same pause each time it would be more than a hundred.
    const { length } = scene.attempts;
    assert.ok(length > 6 && length <= 36, `${length} attempts`);
    for (const { link } of tabs) link.close();
});

test("whatever opens, closes, dies and is refused, one good tab has the connection for all", async () => {
    for (let seed = 1; seed <= ROUNDS; seed += 1) {
        const scene = new Scene(seed);
        const below = random(seed + 7);
        let tabs = [scene.opens(below(2) === 0)];
        for (let n = 0; n < 40; n += 1) {
            const tab = tabs[below(tabs.length)];
            switch (below(8)) {
                case 0:
                    tabs.push(scene.opens(below(2) === 0));
                    break;
                case 1:
                    if (tabs.length === 1) break;
                    if (below(2)) tab.link.close();
                    scene.ends(tab);
                    tabs = tabs.filter((one) => one !== tab);
                    break;
                case 2:
                    tab.good = !tab.good;
                    break;
                case 3:
                    for (const link of scene.links) if (!link.tab.good) link.ends();
                    break;
                case 4:
                    if (tab.state === "disconnected") tab.open();
                    break;
                default:
                    mock.timers.tick(below(3_000));
            }
            for (let steps = below(8); steps; steps -= 1) {
                scene.step();
                await null;
            }
            if (below(3) === 0) await new Promise((resolve) => setImmediate(resolve));
        }
        await scene.passes(2 * MINUTE);
        const before = scene.attempts.length;
        await scene.passes(2 * MINUTE);
        assert.equal(scene.attempts.length, before, `seed ${seed}: somebody tries on`);
        const told = () => `seed ${seed}: ${tabs.map(({ id, good, state, leads }) => `${id} ${good} ${state} ${leads}`)}`;
        const states = new Set(tabs.map(({ state }) => state));
        assert.equal(states.size, 1, told());
        const one = tabs[below(tabs.length)];
        one.good = true;
        if (!states.has("connected")) one.open();
        await scene.passes(2 * MINUTE);
        for (const { state } of tabs) assert.equal(state, "connected", told());
        assert.equal(tabs.filter(({ leads }) => leads).length, 1, told());
        assert.equal(scene.links.size, 1, told());
        for (const { link } of tabs) link.close();
    }
});

test("a tab whose page a browser puts aside gives the connection up, and stands behind when it is shown again", async () => {
    const scene = new Scene(6);
    const one = scene.opens(true);
    const other = scene.opens(true);
    await scene.passes();
    assert.deepEqual([one.leads, other.leads], [true, false]);
    const happens = (type, persisted) => one.page.dispatchEvent(Object.assign(new Event(type), { persisted }));
    // A page that goes for good frees the lock by itself.
    happens("pagehide", false);
    await scene.passes();
    assert.deepEqual([one.leads, other.leads], [true, false]);
    happens("pagehide", true);
    await scene.passes();
    assert.deepEqual([other.leads, other.state, scene.links.size], [true, "connected", 1]);
    happens("pageshow", true);
    await scene.passes();
    assert.deepEqual([one.leads, one.state, scene.links.size], [false, "connected", 1]);
    other.link.close();
    await scene.passes();
    assert.deepEqual([one.leads, one.state], [true, "connected"]);
    one.link.close();
});
