import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig, type Plugin } from "vite";

const server = process.env["HUBBUB_SERVER"] ?? "http://127.0.0.1:8000";
const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// What is written for React runs on Preact (docs/decisions/0090-web-chat.md); and there is one official client, whoever imports it.
const alias = [
    { find: /^react\/jsx-(dev-)?runtime$/, replacement: at("node_modules/preact/jsx-runtime/dist/jsxRuntime.mjs") },
    { find: /^react-dom\/client$/, replacement: at("node_modules/preact/compat/client.mjs") },
    { find: /^react(-dom)?$/, replacement: at("node_modules/preact/compat/dist/compat.mjs") },
    { find: /^hubbub-sdk\/react$/, replacement: at("../sdk/src/react/index.ts") },
    { find: /^hubbub-sdk$/, replacement: at("../sdk/src/index.ts") },
];

/** The names of emoji, from where the picker asks for them once it is opened. */
function emoji(): Plugin {
    const files = ["data.json", "messages.json"].map((name) => [`assets/emoji/en/${name}`, at(`node_modules/emojibase-data/en/${name}`)] as const);
    return {
        name: "emoji",
        generateBundle() {
            for (const [fileName, from] of files) this.emitFile({ type: "asset", fileName, source: readFileSync(from) });
        },
        configureServer({ middlewares }) {
            middlewares.use((asked, answer, next) => {
                const file = files.find(([name]) => asked.url?.endsWith(name));
                if (file) answer.setHeader("content-type", "application/json").end(readFileSync(file[1]));
                else next();
            });
        },
    };
}

/** The worker that keeps the page, with the list of what the page loads: `sw.js`, beside the page. */
function offline(): Plugin {
    return {
        name: "offline",
        generateBundle(_, bundle) {
            const page = Object.values(bundle).find((one) => one.type === "chunk" && one.facadeModuleId === at("index.html"));
            const files = new Set<string>();
            const take = (name: string) => {
                const chunk = bundle[name];
                if (files.has(name) || chunk?.type !== "chunk") return;
                files.add(name);
                for (const css of chunk.viteMetadata?.importedCss ?? []) files.add(css);
                [...chunk.imports, ...chunk.dynamicImports].forEach(take);
            };
            take(page!.fileName);
            const all = ["./", ...[...files].sort().map((name) => `./${name}`)];
            const worker = readFileSync(at("src/offline/worker.js"), "utf8");
            const version = createHash("sha256").update(JSON.stringify(all) + readFileSync(at("index.html"), "utf8") + worker).digest("hex").slice(0, 16);
            const source = worker.replace("/* the files */ []", JSON.stringify(all)).replace("/* the version */", version);
            this.emitFile({ type: "asset", fileName: "sw.js", source });
        },
    };
}

// Relative addresses, so that the page also works below a path. `public/.gitkeep` is copied into `dist`, which the
// build empties first: the folder has to exist in a fresh clone, because the server embeds it.
export default defineConfig({
    base: "./",
    plugins: [emoji(), offline()],
    resolve: { alias, dedupe: ["centrifuge"] },
    build: {
        target: "es2022",
        emptyOutDir: true,
        modulePreload: { polyfill: false },
        // Two pages: the chat, and the API's reference, which is one large library as it comes.
        rolldownOptions: { input: ["index.html", "reference/index.html"] },
        chunkSizeWarningLimit: 2000,
    },
    // `npm run dev` shows changes at once and talks to a server that is already running.
    server: { proxy: { "/dev": server, "/openapi.json": server, "/v1": server, "/connection": { target: server, ws: true } } },
});
