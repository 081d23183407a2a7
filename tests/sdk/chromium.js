// A real Chromium without a window, driven by its DevTools protocol over a pipe: messages that end in a zero byte.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PATIENCE = 60_000;
const FLAGS = [
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
    "--disable-component-update", "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
    "--disable-backgrounding-occluded-windows", "--remote-debugging-pipe", "--window-size=1280,800",
];

export class Chromium {
    static async start() {
        const profile = await mkdtemp(join(tmpdir(), "hubbub-chromium-"));
        const child = spawn("chromium", [...FLAGS, `--user-data-dir=${profile}`, "about:blank"], {
            stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"],
        });
        await once(child, "spawn");
        return new Chromium(child, profile);
    }

    constructor(child, profile) {
        Object.assign(this, { child, profile, last: 0, asked: new Map(), listeners: new Set() });
        let rest = Buffer.alloc(0);
        child.stdio[4].on("data", (data) => {
            rest = Buffer.concat([rest, data]);
            for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0)) {
                this.hears(JSON.parse(rest.subarray(0, end)));
                rest = rest.subarray(end + 1);
            }
        });
        child.stdio[3].on("error", () => {});
        child.on("exit", () => {
            for (const { not } of this.asked.values()) not(new Error("chromium has ended"));
        });
    }

    hears({ id, result, error, method, params, sessionId }) {
        if (id === undefined) {
            for (const listener of this.listeners) listener(method, params, sessionId);
            return;
        }
        const { is, not } = this.asked.get(id);
        this.asked.delete(id);
        if (error) not(new Error(`${error.message} (${error.code})`));
        else is(result);
    }

    does(method, params = {}, sessionId = undefined) {
        const id = (this.last += 1);
        return new Promise((is, not) => {
            this.asked.set(id, { is, not });
            this.child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
        });
    }

    /** A new window with this page. */
    async opens(url) {
        const { targetId } = await this.does("Target.createTarget", { url: "about:blank" });
        const { sessionId } = await this.does("Target.attachToTarget", { targetId, flatten: true });
        const page = new Page(this, targetId, sessionId);
        for (const domain of ["Page", "Runtime", "Network"]) await page.does(`${domain}.enable`);
        await page.does("Emulation.setFocusEmulationEnabled", { enabled: true });
        await page.does("Page.navigate", { url });
        return page;
    }

    async ends() {
        const gone = once(this.child, "exit");
        this.child.kill("SIGKILL");
        await gone;
        await rm(this.profile, { recursive: true, force: true, maxRetries: 10 });
    }
}

export class Page {
    /** What went wrong in the page, in its own words. */
    faults = [];
    /** Sockets that are open. */
    sockets = new Set();

    constructor(browser, target, session) {
        Object.assign(this, { browser, target, session });
        browser.listeners.add((method, params, sessionId) => {
            if (sessionId !== session) return;
            if (method === "Runtime.exceptionThrown") {
                const { text, exception } = params.exceptionDetails;
                this.faults.push(`${text} ${exception?.description ?? ""}`);
            }
            if (method === "Network.webSocketCreated") this.sockets.add(params.requestId);
            if (method === "Network.webSocketClosed") this.sockets.delete(params.requestId);
        });
    }

    does(method, params) {
        return this.browser.does(method, params, this.session);
    }

    /** What an expression is in the page; undefined while another page is being opened. */
    async is(expression) {
        const asked = this.does("Runtime.evaluate", { expression, returnByValue: true, awaitPromise: true });
        const answer = await asked.catch(() => ({}));
        if (answer.exceptionDetails) this.last = answer.exceptionDetails.exception?.description;
        return answer.result?.value;
    }

    /** Waits until an expression is so, and returns what it is. */
    async sees(expression) {
        const end = Date.now() + PATIENCE;
        for (;;) {
            const value = await this.is(expression);
            if (value) return value;
            if (Date.now() > end) {
                const text = await this.is("`${location.href}\\n${document.body.innerText}\\n${JSON.stringify(window.standing?.())}`");
                throw new Error(`not so: ${expression}\n${text}\n${this.last ?? ""}\n${this.faults.join("\n")}`);
            }
            await new Promise((is) => setTimeout(is, 20));
        }
    }

    /** Writes into what is found, and presses Enter. */
    async says(selector, text) {
        await this.sees(`(() => { const box = document.querySelector(${JSON.stringify(selector)}); box?.focus(); return Boolean(box); })()`);
        await this.does("Input.insertText", { text });
        const key = { key: "Enter", code: "Enter", text: "\r", windowsVirtualKeyCode: 13 };
        await this.does("Input.dispatchKeyEvent", { type: "keyDown", ...key });
        await this.does("Input.dispatchKeyEvent", { type: "keyUp", ...key });
    }

    async writes(selector, text) {
        await this.sees(`(() => { const box = document.querySelector(${JSON.stringify(selector)}); box?.focus(); return Boolean(box); })()`);
        await this.does("Input.insertText", { text });
    }

    /** Loads the page anew, and waits until that is there. */
    async reloads() {
        await this.is("window.isOld = true");
        await this.does("Page.reload");
        await this.sees("window.isOld === undefined && document.readyState === 'complete'");
    }

    async closes() {
        await this.browser.does("Target.closeTarget", { targetId: this.target });
    }
}
