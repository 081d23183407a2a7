// What waits to be sent, where the storage tells of it while it is being written.

import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryStorage } from "../dist/index.js";
import { live, opens, textsOf } from "./chats.js";
import { settled, until, World } from "./world.js";

/** A storage that other tabs change, too; what is put in it waits while `gate` is there. */
class Shared extends MemoryStorage {
    gate = null;

    watch(changed) {
        this.changed = changed;
        return () => {};
    }

    async putDraft(draft) {
        await this.gate;
        await super.putDraft(draft);
    }

    waits() {
        let open;
        this.gate = new Promise((resolve) => (open = resolve));
        return () => ((this.gate = null), open());
    }
}

test("a draft that is sent again does not stand there as refused while that is being written", async () => {
    const world = new World();
    const kept = new Shared();
    const ana = opens(world, kept);
    const room = ana.chat.room("general");
    ana.link.connect();
    await until(live(ana.chat, "general"), "live", world.all);
    const { key } = room.send({ text: "refuse me" });
    await until(() => textsOf(room)[0] === "refuse me (refused)", "refused", world.all);
    await settled();
    const open = kept.waits();
    ana.link.cut();
    room.again(key);
    assert.deepEqual(textsOf(room), ["refuse me (sending)"]);
    // Another tab has written something else; the storage still has this one as it was.
    kept.changed(false);
    await settled();
    assert.deepEqual(textsOf(room), ["refuse me (sending)"]);
    // Asked before it is written, answered afterwards.
    const { drafts } = kept;
    let answer;
    kept.drafts = async () => {
        const before = await drafts.call(kept);
        await new Promise((resolve) => (answer = resolve));
        return before;
    };
    kept.changed(false);
    await until(() => answer, "the question");
    open();
    await settled();
    answer();
    await settled();
    assert.deepEqual(textsOf(room), ["refuse me (sending)"]);
    // What the storage says later holds.
    kept.drafts = async () => (await drafts.call(kept)).map((one) => ({ ...one, draft: { ...one.draft, state: "refused" } }));
    kept.changed(false);
    await settled();
    assert.deepEqual(textsOf(room), ["refuse me (refused)"]);
    await ana.chat.close();
});
