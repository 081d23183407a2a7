// What a browser loads before the chat is there, gzipped, in bytes.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { test } from "vitest";

const MOST = 150 * 1024;

test("the first load is under 150 KB, and nothing of it comes from elsewhere", async () => {
    const outDir = await mkdtemp(join(tmpdir(), "page-"));
    try {
        await build({ root: fileURLToPath(new URL("..", import.meta.url)), logLevel: "error", build: { outDir, emptyOutDir: true } });
        const html = await readFile(join(outDir, "index.html"), "utf8");
        const loaded = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, address]) => address);
        assert.ok(loaded.some((address) => address.endsWith(".js")) && loaded.some((address) => address.endsWith(".css")), html);
        for (const address of loaded) assert.match(address, /^\.\//);
        assert.ok(!/<style|style="|<script(?! type="module" crossorigin src)/.test(html), html);
        // All of it is kept for when there is no network, and what is loaded later, too.
        const worker = await readFile(join(outDir, "sw.js"), "utf8");
        const kept = JSON.parse(/const FILES = (\[.*\]);/.exec(worker)[1]);
        for (const address of loaded.filter((address) => address.includes("/assets/"))) assert.ok(kept.includes(address), address);
        assert.ok(kept[0] === "./" && kept.some((address) => address.includes("Picker")), String(kept));
        assert.match(worker, /const VERSION = "[0-9a-f]{16}";/);
        const files = await Promise.all(loaded.map((address) => readFile(join(outDir, address))));
        const bytes = [Buffer.from(html), ...files].reduce((sum, file) => sum + gzipSync(file, { level: 9 }).length, 0);
        assert.ok(bytes < MOST, `${bytes} bytes`);
        assert.ok(bytes > 50_000, `only ${bytes} bytes: is all of it there?`);
    } finally {
        await rm(outDir, { recursive: true, force: true });
    }
});
