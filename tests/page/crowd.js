// People who talk in a room, over REST.
import { KEY } from "../readme/tools.js";

const PEOPLE = ["ana", "ben", "cem", "dora", "eva"];
/** Of different lengths and kinds, as people write them. */
const TEXTS = [
    "ok",
    "The soup is ready, come when you like.",
    "Has anybody seen the **release notes** of last week? I cannot find them in `docs/`.",
    "See https://example.com/a/page?with=a&query=1 for the whole list",
    "- first\n- second\n- third",
    "> as you said\n\nYes, and that is why I would rather wait until everybody is back from the long weekend before we decide anything.",
    "🎉",
    "```\nlet x = 1;\nlet y = 2;\n```",
];

export class Crowd {
    /** A room with some people in it, of a server that serves on `port`. */
    static async gathers(port, room) {
        const crowd = new Crowd(port, room);
        await crowd.asks("POST", "/v1/rooms", { id: room, kind: "open", name: room });
        for (const user of PEOPLE) await crowd.asks("PUT", `/v1/rooms/${room}/members/${user}`, { role: "member" });
        return crowd;
    }

    constructor(port, room) {
        Object.assign(this, { port, room, said: 0 });
    }

    async asks(method, path, body) {
        const headers = { Authorization: `Bearer ${KEY}`, "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() };
        const answer = await fetch(`http://127.0.0.1:${this.port}${path}`, { method, headers, body: JSON.stringify(body) });
        if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
        return answer.json();
    }

    /** What the newest message says at its end. */
    get last() {
        return `no. ${this.said}`;
    }

    async say() {
        this.said += 1;
        const nth = this.said;
        // Never by whoever reads: their own messages are shown before they are in the log.
        const from = PEOPLE[2 + (nth % 3)];
        await this.asks("POST", `/v1/rooms/${this.room}/messages`, { from, text: `${TEXTS[nth % TEXTS.length]}\n\nno. ${nth}` });
    }

    /** So many messages as fast as they are taken. */
    async says(count) {
        for (let left = count; left > 0; left -= 1) await this.say();
    }

    /** So many messages a second, each at its time, however long the ones before take. */
    async talks(rate, seconds) {
        const began = performance.now();
        const all = [];
        for (let nth = 0; nth < rate * seconds; nth += 1) {
            const at = began + (nth * 1000) / rate;
            await new Promise((is) => setTimeout(is, Math.max(0, at - performance.now())));
            all.push(this.say());
        }
        await Promise.all(all);
    }
}
