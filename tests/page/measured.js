// A page whose work is watched from outside, on a CPU that is made slower.
import { writeFile } from "node:fs/promises";

/** Both are kept: a frame may be late without a long task, and a task may end before a frame begins. */
const WATCH = `
window.long = [];
new PerformanceObserver((list) => long.push(...list.getEntries().map(({ entryType, startTime, duration }) => ({ entryType, startTime, duration }))))
    .observe({ type: "longtask", buffered: true });
new PerformanceObserver((list) => long.push(...list.getEntries().map(({ entryType, startTime, duration, blockingDuration, renderStart, scripts }) =>
    ({ entryType, startTime, duration, blockingDuration, renderStart, scripts: scripts.map(({ invoker, duration, forcedStyleAndLayoutDuration }) => [invoker, duration, forcedStyleAndLayoutDuration]) }))))
    .observe({ type: "long-animation-frame", buffered: true });
`;

/** For so long nothing long has to have happened: then it is quiet. */
const QUIET_MS = 500;

export class Measured {
    /** A window without a page, `throttle` times slower than the machine. */
    static async opens(chromium, throttle) {
        const page = await chromium.opens("about:blank");
        await page.does("Page.addScriptToEvaluateOnNewDocument", { source: WATCH });
        await page.does("Performance.enable", { timeDomain: "threadTicks" });
        await page.does("HeapProfiler.enable");
        await page.does("Emulation.setCPUThrottlingRate", { rate: throttle });
        return new Measured(page);
    }

    constructor(page) {
        this.page = page;
    }

    /** Goes there. Returns after how many ms since the navigation began it was `ready` and no long task was left. */
    async shows(url, ready) {
        await this.page.does("Page.navigate", { url });
        const is = `new Promise((is) => { const look = () => (${ready}) ? is(performance.now()) : requestAnimationFrame(look); look(); })`;
        let at;
        while (at === undefined) at = (await this.page.is("location.href")) === url || (await this.page.is(`location.href.includes("${new URL(url).host}")`)) ? await this.page.is(is) : undefined;
        await this.rests();
        const tasks = await this.page.is("long.filter(({ entryType }) => entryType === 'longtask')");
        return Math.max(at, ...tasks.map(({ startTime, duration }) => startTime + duration));
    }

    /** To the end of the log, which says this: the chat begins where something new begins. A bare page has no more than its end. */
    async toEnd(last) {
        if (await this.page.is("document.querySelector('.log') === null")) return;
        await this.page.sees(`(document.querySelector('.to-end')?.click(), document.body.textContent.includes(${JSON.stringify(last)}))`);
    }

    /** Waits until no long task has been for a while, and forgets those that were. */
    async rests() {
        await this.page.sees(`performance.now() - Math.max(0, ...long.map(({ startTime, duration }) => startTime + duration)) > ${QUIET_MS}`);
    }

    /** What is there once all that is not needed is gone. */
    async counts() {
        await this.page.does("HeapProfiler.collectGarbage");
        await this.page.is("window.long.length = 0");
        const { usedSize } = await this.page.does("Runtime.getHeapUsage");
        this.busyBefore = await this.busy();
        return { heap: usedSize, nodes: await this.page.is("document.querySelectorAll('*').length") };
    }

    async busy() {
        const { metrics } = await this.page.does("Performance.getMetrics");
        return metrics.find(({ name }) => name === "TaskDuration").value * 1000;
    }

    /** What took longer than 50 ms since `counts`, and how long it worked. */
    async frames() {
        const all = await this.page.is("long");
        const busy = (await this.busy()) - this.busyBefore;
        if (process.env.HUBBUB_VERBOSE) console.error(JSON.stringify(all, null, 1));
        return { busy, long: all.filter(({ entryType, blockingDuration }) => entryType === "longtask").map(({ duration }) => duration) };
    }

    async sees(text) {
        await this.page.sees(`document.body.textContent.includes(${JSON.stringify(text)})`);
    }

    async unthrottled() {
        await this.page.does("Emulation.setCPUThrottlingRate", { rate: 1 });
    }

    async profiles() {
        await this.page.does("Profiler.enable");
        await this.page.does("Profiler.setSamplingInterval", { interval: 500 });
        await this.page.does("Profiler.start");
    }

    async profiled(file) {
        const { profile } = await this.page.does("Profiler.stop");
        await writeFile(file, JSON.stringify(profile));
    }
}
