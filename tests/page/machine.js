// How fast a page's JavaScript runs on this machine, in the measure in which browsers' tools name classes of devices: the
// BenchmarkIndex of Lighthouse and of Chromium's developer tools. It is the mean of two halves: texts of 10,000 characters made
// one by one, and arrays of 100,000 numbers copied, in tens per second.
import { Chromium } from "../sdk/chromium.js";

/**
 * A telephone of the middle class. Lighthouse's documentation gives this class 125 to 800; the developer tools take 1,000 for
 * it (a Pixel 5) and 264 for the class below (a Moto G Power).
 */
export const TELEPHONE = 500;

/** The first is slower: what runs often is not compiled yet. */
const RUNS = 4;

const INDEX = `(() => {
    const tensPerSecond = (work) => {
        const began = Date.now();
        let done = 0;
        do work(done++);
        while (Date.now() - began < 500);
        return (done * 100) / (Date.now() - began);
    };
    const made = tensPerSecond(() => {
        let text = "";
        for (let nth = 0; nth < 10_000; nth += 1) text += "a";
        window.kept = text.length;
    });
    const arrays = [0, 1].map(() => Array.from({ length: 100_000 }, (_, nth) => nth));
    const copied = tensPerSecond((nth) => {
        const [from, to] = nth % 2 ? arrays : [arrays[1], arrays[0]];
        for (let at = 0; at < from.length; at += 1) to[at] = from[at];
    });
    return (made + copied) / 2;
})()`;

/** The highest of some runs: what else the machine does makes it lower. */
export async function index() {
    const chromium = await Chromium.start();
    try {
        const page = await chromium.opens("about:blank");
        const all = [];
        for (let nth = 0; nth < RUNS; nth += 1) all.push(await page.is(INDEX));
        return Math.max(...all);
    } finally {
        await chromium.ends();
    }
}
