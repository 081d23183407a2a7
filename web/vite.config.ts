import { defineConfig } from "vite";

// Relative addresses, so that the page also works below a path. `public/.gitkeep` is copied into `dist`, which the
// build empties first: the folder has to exist in a fresh clone, because the server embeds it.
const server = "http://127.0.0.1:8000";

export default defineConfig({
    base: "./",
    build: {
        target: "es2022",
        emptyOutDir: true,
        // Two pages: the chat, and the API's reference, which is one large library as it comes.
        rolldownOptions: { input: ["index.html", "reference/index.html"] },
        chunkSizeWarningLimit: 2000,
    },
    // `npm run dev` shows changes at once and talks to a server that is already running.
    server: { proxy: { "/dev": server, "/openapi.json": server, "/v1": server, "/connection": { target: server, ws: true } } },
});
