// Walks through the log of a room in a page, by scrolling it as a wheel does, and looks at what is drawn in each frame.

/** Runs in the page: until a row with this seq is drawn. Each frame tells what went wrong in it; the first ends the walk. */
const WALK = `async (to, down) => {
    const log = document.querySelector('.room-main .log');
    const frame = () => new Promise((is) => requestAnimationFrame(is));
    const walked = { frames: 0, rows: 0, nodes: 0, days: 0, from: null, to: null };
    let [low, high] = [Infinity, -Infinity];
    const until = performance.now() + 1_800_000;
    for (; performance.now() < until; walked.frames += 1) {
        const drawn = [...log.querySelectorAll('[data-seq], .divider')].map((one) => {
            const row = one.closest('.row-of-log').parentElement;
            return { seq: Number(one.dataset.seq ?? 0), text: one.textContent.trim(), at: one.querySelector('time')?.dateTime, top: one.getBoundingClientRect().top, hidden: getComputedStyle(row).visibility === 'hidden' };
        });
        // What has been measured stands one below the other.
        const seen = drawn.filter(({ hidden }) => !hidden);
        const above = seen.findIndex(({ top }, nth) => nth > 0 && top <= seen[nth - 1].top);
        if (above > 0) return { wrong: JSON.stringify(seen.slice(above - 1, above + 1)) };
        const rows = drawn.filter(({ seq }) => seq);
        walked.rows = Math.max(walked.rows, rows.length);
        walked.nodes = Math.max(walked.nodes, document.querySelectorAll('*').length);
        for (const [nth, { seq, text, at }] of rows.entries()) {
            if (!text.includes('message ' + seq) && !/joined|named|made/.test(text)) return { wrong: seq + ' says: ' + text };
            const before = rows[nth - 1];
            if (before && before.seq + 1 !== seq) return { wrong: seq + ' follows ' + before.seq };
            const day = (one) => new Date(one).toDateString();
            const between = before && drawn.slice(drawn.indexOf(before), drawn.indexOf(rows[nth])).filter(({ seq }) => !seq).length;
            if (before?.at && at && between !== (day(before.at) === day(at) ? 0 : 1)) return { wrong: between + ' days stand between ' + before.seq + ' and ' + seq + ': ' + JSON.stringify(drawn.slice(Math.max(0, drawn.indexOf(before) - 2)).slice(0, 8)) };
            walked.days += between ?? 0;
        }
        if (rows.length) {
            const [first, last] = [rows[0].seq, rows.at(-1).seq];
            walked.from ??= down ? first : last;
            // What is drawn now overlaps with what was drawn before.
            if (low <= high && (first > high + 1 || last < low - 1)) return { wrong: first + ' to ' + last + ' are drawn after ' + low + ' to ' + high };
            low = Math.min(low, first);
            high = Math.max(high, last);
            walked.to = down ? high : low;
            if (down ? high >= to : low <= to) return walked;
        }
        log.scrollTop += (down ? 1 : -1) * log.clientHeight * 0.8;
        await frame();
    }
    return { wrong: 'not there in time: ' + low + ' to ' + high };
}`;

/** Walks until this is drawn. Returns how many frames that took, and the most rows and elements of any of them. */
export async function walks(page, to, down) {
    const walked = await page.is(`(${WALK})(${to}, ${down})`);
    if (!walked || walked.wrong) throw new Error(`walking ${down ? "down" : "up"} to ${to}: ${walked?.wrong ?? page.last}`);
    return walked;
}
