// Has the page open where its server is not reached: a copy of the page and of what it loads is kept in this browser. While the server is
// reached, the page comes from there, always (docs/decisions/0097-open-without-a-network.md). The build puts the two values in.

/** Relative to where the page is; "./" is the page itself. */
const FILES = /* the files */ [];
const VERSION = "/* the version */";

const { scope } = self.registration;
/** Of this page alone: another one on this host has its own. */
const OURS = `hubbub page ${scope} `;
const CACHE = OURS + VERSION;
/** Who opened the page before it was replaced has its parts for as long. */
const KEPT = 2;
/** A server that takes longer to answer is not waited for. */
const PATIENCE_MS = 5_000;
/** A balancer says so in the place of a server that is away. */
const AWAY = [502, 503, 504];

const addresses = new Set(FILES.map((file) => new URL(file, scope).href));

self.addEventListener("install", (event) => event.waitUntil(keep()));

self.addEventListener("activate", (event) => event.waitUntil(tidy(KEPT).then(() => self.clients.claim())));

self.addEventListener("fetch", (event) => {
    const { method, mode, url } = event.request;
    const { origin, pathname } = new URL(url);
    const address = origin + pathname;
    if (method !== "GET") return;
    if (mode === "navigate") {
        if (address === scope) event.respondWith(page(event));
    } else if (address !== scope && addresses.has(address)) event.respondWith(part(event.request));
});

async function keep() {
    const cache = await caches.open(CACHE);
    await cache.addAll([...addresses].map((address) => new Request(address, { cache: "reload" })));
    // Of two versions at once, behind a balancer, the page may be the other one.
    const html = await (await cache.match(scope)).text();
    const loads = [...html.matchAll(/(?:src|href)="(\.\/assets\/[^"]+)"/g)].map(([, file]) => new URL(file, scope).href);
    if (loads.length && loads.every((address) => addresses.has(address))) return self.skipWaiting();
    await caches.delete(CACHE);
    throw new Error("the page is of another version");
}

/** The newest are left. */
async function tidy(most) {
    const ours = (await caches.keys()).filter((name) => name.startsWith(OURS) && name !== CACHE);
    const old = most ? ours.slice(0, Math.max(0, ours.length - most + 1)) : [...ours, CACHE];
    await Promise.all(old.map((name) => caches.delete(name)));
}

/** The page as the server has it, or as it was where that does not answer. */
async function page(event) {
    // Without opening it: that would make it again after it was left.
    const kept = () => caches.match(scope, { cacheName: CACHE });
    const asked = fetch(event.request).then(
        (answer) => {
            event.waitUntil(leaveWhereNotOurs(answer.clone()));
            return AWAY.includes(answer.status) ? kept().then((page) => page ?? answer) : answer;
        },
        async (problem) => {
            const page = await kept();
            if (page) return page;
            throw problem;
        },
    );
    const late = new Promise((done) => setTimeout(done, PATIENCE_MS)).then(kept).then((page) => page ?? asked);
    return Promise.race([asked, late]);
}

/** What has another name with each change of it. */
async function part(request) {
    return (await caches.match(request.url)) ?? fetch(request);
}

/** Another program is served here now, or one without this page: it has nothing to do with us. */
async function leaveWhereNotOurs(answer) {
    const gone = answer.status === 404 || answer.status === 410;
    const other = answer.ok && !answer.redirected && !(await answer.text()).includes("<title>Hubbub</title>");
    if (!gone && !other) return;
    await self.registration.unregister();
    await tidy(0);
}
