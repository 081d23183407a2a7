// What the SDK adds to a product that has the official client already, minified and gzipped, in bytes.

import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const MOST = 20 * 1024;

async function size(contents) {
    const { outputFiles } = await build({
        stdin: { contents, resolveDir: fileURLToPath(new URL("..", import.meta.url)) },
        bundle: true,
        minify: true,
        format: "esm",
        external: ["centrifuge", "react"],
        write: false,
    });
    return gzipSync(outputFiles[0].contents, { level: 9 }).length;
}

test("all of it is at most 20 KB beside the official client", async () => {
    const bytes = await size('export * from "./dist/index.js"');
    assert.ok(bytes <= MOST, `${bytes} bytes`);
    assert.ok(bytes > 5_000, `only ${bytes} bytes: is all of it there?`);
});

test("what a product does not use is not in its bundle", async () => {
    const bytes = await size('import { newKey } from "./dist/index.js"; console.log(newKey());');
    assert.ok(bytes < 500, `${bytes} bytes`);
});
