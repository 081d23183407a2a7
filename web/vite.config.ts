import { defineConfig } from "vite";

// Relative addresses, so that the page also works below a path. `public/.gitkeep` is copied into `dist`, which the
// build empties first: the folder has to exist in a fresh clone, because the server embeds it.
const server = "http://127.0.0.1:8000";

export default defineConfig({
    base: "./",
    build: { target: "es2022", emptyOutDir: true },
    // `npm run dev` shows changes at once and talks to a server that is already running.
    server: { proxy: { "/dev": server, "/connection": { target: server, ws: true } } },
});
