// Tabs of one browser over a server, in a world that delivers in random order: whatever opens, closes or dies, each tab has
// each entry once and in order, one has the connection, and each call is answered once. So it is when a tab stands still although it
// has the connection, and when its page is put aside and shown again.

import assert from "node:assert/strict";
import { test } from "node:test";
import { CallError } from "../dist/link.js";
import { sharedLink } from "../dist/shared.js";
import { EVERY_MS, SILENT } from "../dist/pulse.js";
import { Clock, Tabs } from "./tabs.js";

const ROUNDS = Number(process.env.HUBBUB_LONG ? 2_000 : 300);
/** To look at one world alone, or at others. */
const FIRST = Number(process.env.SEED ?? 1);
/** After so many questions without an answer the connection is taken, also by one that was in vain once before. */
const LONGEST = 2 * (2 * SILENT + 2);

let clock;
test.beforeEach(() => (clock = new Clock()));
test.afterEach(() => clock.ends());

class World extends Tabs {
    constructor(seed) {
        super(seed);
        this.log = new Map([["general", []], ["kitchen", []]]);
        this.epoch = "e1";
        this.links = new Set();
        this.keys = new Map();
    }

    say(room) {
        const log = this.log.get(room);
        const entry = { type: "message", seq: log.length + 1, room };
        log.push(entry);
        for (const link of this.links) link.arrives(room, entry);
    }
}

/** A connection to the server of this world. */
class ServerLink {
    constructor(world, tab) {
        Object.assign(this, { world, tab, over: false, follows: new Map() });
        this.way = `server to ${tab.id} ${Math.random()}`;
    }

    later(what) {
        this.world.later(this.way, () => !this.over && what(), this.tab);
    }

    open(listener) {
        this.world.links.add(this);
        this.later(() => {
            listener.welcome({ instance: "1", database: "d", user: "ana", features: [] });
            listener.state("connected", null);
        });
    }

    call(method, data) {
        const { world } = this;
        return new Promise((resolve, reject) => {
            this.later(() => {
                if (data.key !== undefined) world.keys.set(data.key, (world.keys.get(data.key) ?? 0) + 1);
                if (data.refuse) this.later(() => reject(new CallError(103, "no", false)));
                else this.later(() => resolve({ method, ...data }));
            });
        });
    }

    follow(room, since, follower) {
        const one = { follower, live: false };
        this.follows.set(room, one);
        this.later(() => {
            const { world } = this;
            if (this.follows.get(room) !== one) return;
            one.live = true;
            const log = world.log.get(room);
            const from = since && since.epoch === world.epoch ? since.offset : null;
            const at = { epoch: world.epoch, offset: log.length };
            const missed = from === null ? [] : log.slice(from);
            follower.started(at, from === null);
            for (const entry of missed) follower.entry(entry);
        });
        return () => this.follows.delete(room);
    }

    arrives(room, entry) {
        const one = this.follows.get(room);
        this.later(() => one && one.live && this.follows.get(room) === one && !one.had?.has(entry.seq) && this.gives(one, entry));
    }

    gives(one, entry) {
        // What was given with the start does not come again.
        if (entry.seq > (one.last ?? 0)) one.follower.entry(entry);
    }

    close() {
        this.over = true;
        this.world.links.delete(this);
    }
}

class TestTab {
    static made = 0;

    constructor(world) {
        this.id = (TestTab.made += 1);
        this.world = world;
        this.dead = false;
        this.leads = false;
        this.state = null;
        this.calls = [];
        this.follows = [];
        this.link = sharedLink(() => new ServerLink(world, this), "test", world.browser(this));
        const listener = {
            state: (state) => (this.state = state),
            welcome: () => (this.welcomed = true),
            hint: () => {},
            leads: (leads) => (this.leads = leads),
        };
        world.opens(this, () => this.link.open(listener));
    }

    follow(room) {
        if (this.follows.some((one) => one.room === room)) return;
        const one = { room, last: null };
        one.end = this.link.follow(room, null, {
            started: (at, fresh) => {
                if (fresh) one.last = at.offset;
                else assert.notEqual(one.last, null, "goes on from nowhere");
            },
            entry: ({ seq }) => {
                // The start may be told of before the entries up to it.
                if (seq <= one.last && one.fresh) return;
                assert.equal(seq, one.last + 1, `tab ${this.id} in ${room}`);
                one.last = seq;
            },
            signal: () => {},
            ended: () => assert.fail("ended"),
        });
        this.follows.push(one);
    }

    call(data) {
        const one = { data, answers: 0, error: null };
        this.link.call("send", data).then(
            (answer) => {
                one.answers += 1;
                assert.equal(answer.key, data.key);
            },
            (error) => {
                one.answers += 1;
                one.error = error;
            },
        );
        this.calls.push(one);
    }

    closes() {
        this.link.close();
        this.ends();
    }

    dies() {
        this.ends();
    }

    ends() {
        this.world.ends(this);
    }
}

/** What people and their browser may do; of 12 things those below `things`. Returns the tabs that are left. */
async function lives(world, things) {
    const { below } = world;
    let tabs = [new TestTab(world)];
    for (let n = 0; n < 60; n += 1) {
        const tab = tabs[below(tabs.length)];
        const room = below(2) ? "general" : "kitchen";
        // What stands still does nothing of itself; it may end.
        const thing = below(things);
        switch (tab.still && thing > 1 && thing < 10 ? 11 : thing) {
            case 0:
                tabs.push(new TestTab(world));
                break;
            case 1:
                if (tabs.length > 1) {
                    if (below(2)) tab.closes();
                    else tab.dies();
                    tabs = tabs.filter((one) => one !== tab);
                }
                break;
            case 2:
            case 3:
                tab.follow(room);
                break;
            case 4:
                tab.call({ key: `k${n}`, refuse: below(4) === 0 });
                break;
            case 5:
                tab.call({});
                break;
            case 6:
                if (tab.follows.length) tab.follows.pop().end();
                break;
            case 10:
                clock.passes(below(2 * EVERY_MS));
                break;
            case 11:
                if (tab.still) world.goesOn(tab);
                else if (below(2)) world.putsAside(tab);
                else tab.still = true;
                break;
            default:
                world.say(room);
        }
        for (let steps = below(8); steps > 0; steps -= 1) {
            world.step();
            await null;
        }
        if (below(4) === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await world.settled();
    return tabs;
}

async function beats(world, count) {
    for (let n = 0; n < count; n += 1) {
        clock.passes(EVERY_MS);
        await world.settled();
    }
}

/** All is as it should be, without any more time. */
async function isWhole(world, tabs, told) {
    world.say("general");
    world.say("kitchen");
    await world.settled();
    assert.equal(tabs.filter(({ leads }) => leads).length, 1, told);
    assert.equal(world.links.size, 1, told);
    for (const tab of tabs) {
        assert.equal(tab.state, "connected", told);
        assert.ok(tab.welcomed, told);
        for (const { room, last } of tab.follows) assert.equal(last, world.log.get(room).length, `${told}: tab ${tab.id} in ${room}`);
        for (const { data, answers, error } of tab.calls) {
            assert.equal(answers, 1, `${told}: ${JSON.stringify(data)}`);
            // Without a key it may be that nobody knows.
            if (error) assert.ok(data.refuse ? error.code === 103 : data.key === undefined && error.code === 11 && error.temporary, `${told}: ${error}`);
        }
    }
    // What nobody follows any more, the connection does not follow.
    const [link] = world.links;
    const wanted = new Set(tabs.flatMap(({ follows }) => follows.map(({ room }) => room)));
    assert.deepEqual([...link.follows.keys()].sort(), [...wanted].sort(), told);
    for (const tab of tabs) tab.closes();
}

test("tabs that open, close and die have everything once and in order", async () => {
    for (let seed = FIRST; seed < FIRST + ROUNDS; seed += 1) {
        const world = new World(seed);
        await isWhole(world, await lives(world, 10), `seed ${seed}`);
    }
});

test("tabs that stand still or are put aside hold up nobody, and have everything when they go on", async () => {
    for (let seed = FIRST; seed < FIRST + ROUNDS / 3; seed += 1) {
        const world = new World(seed);
        const told = `seed ${seed}`;
        const tabs = await lives(world, 12);
        const awake = tabs.filter(({ still }) => !still);
        await beats(world, LONGEST);
        assert.equal(awake.filter(({ leads }) => leads).length, Math.min(awake.length, 1), told);
        for (const { state } of awake) assert.equal(state, "connected", told);
        for (const tab of tabs) if (tab.still) world.goesOn(tab);
        await world.settled();
        await isWhole(world, tabs, told);
    }
});

test("what is lost between tabs is asked for again", async () => {
    for (let seed = FIRST; seed < FIRST + ROUNDS / 3; seed += 1) {
        const world = new World(seed);
        world.loses = 8;
        const tabs = await lives(world, 11);
        world.loses = 0;
        await beats(world, LONGEST);
        await isWhole(world, tabs, `seed ${seed}`);
    }
});

test("a tab that hears nobody takes the connection ever more seldom", async () => {
    const world = new World(1);
    const [one, deaf] = [new TestTab(world), new TestTab(world)];
    deaf.deaf = true;
    await world.settled();
    let before = one.leads;
    let changes = 0;
    for (let n = 0; n < 720; n += 1) {
        await beats(world, 1);
        changes += before === one.leads ? 0 : 1;
        before = one.leads;
        assert.equal(one.leads, !deaf.leads);
    }
    // In an hour; with the same patience each time it would be ninety.
    assert.ok(changes > 4 && changes < 24, `${changes} changes`);
    for (const tab of [one, deaf]) tab.closes();
});

test("a tab that answers keeps the connection, and who believes in another comes back to it within a beat", async () => {
    const world = new World(2);
    const tabs = [new TestTab(world), new TestTab(world)];
    await world.settled();
    const [first] = tabs.filter(({ leads }) => leads);
    const follower = tabs.find((tab) => tab !== first);
    for (let n = 0; n < 20; n += 1) {
        await beats(world, 1);
        assert.deepEqual([first.leads, follower.leads, follower.state], [true, false, "connected"]);
    }
    // A late word of one that has ended, and what is asked then is lost.
    world.browser({ id: "late" }).channel([...world.channels][0].name).postMessage({ to: "all", leader: "ended" });
    world.loses = 1;
    await world.settled();
    world.loses = 0;
    await beats(world, 1);
    assert.deepEqual([first.leads, follower.leads, follower.state], [true, false, "connected"]);
    for (const tab of tabs) tab.closes();
});

test("a tab that was robbed while it stood still is connected through the other at once", async () => {
    for (let seed = 1; seed <= 20; seed += 1) {
        const world = new World(seed);
        const tabs = [new TestTab(world), new TestTab(world)];
        await world.settled();
        const [first] = tabs.filter(({ leads }) => leads);
        first.still = true;
        await beats(world, LONGEST);
        world.goesOn(first);
        await world.settled();
        assert.deepEqual([first.leads, first.state], [false, "connected"], `seed ${seed}`);
        for (const tab of tabs) tab.closes();
    }
});

test("a room that is not followed any more is let go within a beat, also where the word of it was lost", async () => {
    const world = new World(3);
    const tabs = [new TestTab(world), new TestTab(world)];
    await world.settled();
    const follower = tabs.find(({ leads }) => !leads);
    follower.follow("general");
    await world.settled();
    const [link] = world.links;
    assert.equal(link.follows.size, 1);
    world.loses = 1;
    follower.follows.pop().end();
    world.loses = 0;
    await world.settled();
    assert.equal(link.follows.size, 1);
    await beats(world, 1);
    assert.equal(link.follows.size, 0);
    for (const tab of tabs) tab.closes();
});

test("where the browser has no locks, a tab has a connection of its own", () => {
    const own = {};
    assert.equal(sharedLink(() => own, "test", {}), own);
});

test("what is asked before any tab has the connection is asked once one has it", async () => {
    const world = new World(1);
    const tab = new TestTab(world);
    tab.call({});
    await world.settled();
    assert.deepEqual([tab.calls[0].answers, tab.calls[0].error], [1, null]);
});

test("where locks are refused, the tab has a connection of its own", async () => {
    const world = new World(1);
    const { browser } = world;
    world.browser = (tab) => ({ ...browser.call(world, tab), locks: { request: () => Promise.reject(new Error("refused")) } });
    const tab = new TestTab(world);
    tab.follow("general");
    await world.settled();
    assert.deepEqual([tab.leads, tab.state, tab.follows[0].last], [true, "connected", 0]);
    tab.closes();
    // Whoever shows it still asks nothing of it any more, and is told so.
    assert.equal(typeof tab.link.follow("kitchen", null, {}), "function");
    await assert.rejects(tab.link.call("send", { key: "k" }), /the chat was closed/);
});
