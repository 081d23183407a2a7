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
        return new Measured(chromium, page);
    }

    constructor(chromium, page) {
        Object.assign(this, { chromium, page });
    }

    /**
     * Goes there. Returns after how many ms since the navigation began it was `ready` and no long task was left, by the clock,
     * and how many of them its main thread has worked.
     */
    async shows(url, ready) {
        const before = await this.worked();
        await this.page.does("Page.navigate", { url });
        await this.page.sees(`location.href.startsWith(${JSON.stringify(new URL(url).origin)})`);
        const at = await this.page.is(`new Promise((is) => { const look = () => (${ready}) ? is(performance.now()) : requestAnimationFrame(look); look(); })`);
        const worked = (await this.worked()) - before;
        await this.rests();
        const tasks = await this.page.is("long.filter(({ entryType }) => entryType === 'longtask')");
        return { clock: Math.max(at, ...tasks.map(({ startTime, duration }) => startTime + duration)), worked };
    }

    /** To the end of the log, which says this: the chat begins where something new begins. A bare page has no more than its end. */
    async toEnd(last) {
        if (await this.page.is("document.querySelector('.log') === null")) return;
        await this.page.sees(`(document.querySelector('.to-end')?.click(), document.body.textContent.includes(${JSON.stringify(last)}))`);
    }

    /** Waits until no long task has been for a while. */
    async rests() {
        await this.page.sees(`performance.now() - Math.max(0, ...long.map(({ startTime, duration }) => startTime + duration)) > ${QUIET_MS}`);
    }

    /** What is there once all that is not needed is gone: bytes of the heap, and elements. */
    async counts() {
        await this.page.does("HeapProfiler.collectGarbage");
        const { usedSize } = await this.page.does("Runtime.getHeapUsage");
        return { heap: usedSize, nodes: await this.page.is("document.querySelectorAll('*').length") };
    }

    /** How long its main thread has worked since the page began, in ms of the slowed CPU. */
    async worked() {
        const { metrics } = await this.page.does("Performance.getMetrics");
        return metrics.find(({ name }) => name === "TaskDuration").value * 1000;
    }

    /** From here on every task of its main thread is written down. */
    async traces() {
        this.before = await this.worked();
        await this.page.is("window.long.length = 0");
        this.events = [];
        this.listener = (method, { value }) => method === "Tracing.dataCollected" && this.events.push(...value);
        this.chromium.listeners.add(this.listener);
        await this.chromium.does("Tracing.start", { traceConfig: { includedCategories: ["toplevel", "disabled-by-default-devtools.timeline", "__metadata"] } });
    }

    /**
     * How long it has worked since, the longest tasks by what they took of the CPU, in ms, and the longest by the clock. What
     * else the machine does makes the second longer, and not the first.
     */
    async traced() {
        const worked = (await this.worked()) - this.before;
        const clock = await this.page.is("long.filter(({ entryType }) => entryType === 'longtask').map(({ duration }) => duration)");
        const ended = new Promise((is) => this.chromium.listeners.add((method) => method === "Tracing.tracingComplete" && is()));
        await this.chromium.does("Tracing.end");
        await ended;
        this.chromium.listeners.delete(this.listener);
        const mains = this.events.filter(({ name, args }) => name === "thread_name" && args.name === "CrRendererMain");
        const tasks = mains.map(({ pid, tid }) => this.events.filter((one) => one.name === "ThreadControllerImpl::RunTask" && one.pid === pid && one.tid === tid).map(({ tdur = 0 }) => tdur / 1000));
        // Of several windows it is the one that has worked.
        const sum = (all) => all.reduce((sum, one) => sum + one, 0);
        const [own = []] = tasks.sort((one, other) => sum(other) - sum(one));
        return { worked, tasks: own, clock };
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
