// Has the browser keep the page, so that it opens without a network, too (`worker.js`).

/** Once all else is loaded. A browser that has no workers, or an address without TLS, goes without. */
export function opensWithoutNetwork(): void {
    if (!("serviceWorker" in navigator)) return;
    const register = () => navigator.serviceWorker.register(new URL("./sw.js", document.baseURI), { updateViaCache: "none" }).catch(() => {});
    if (document.readyState === "complete") void register();
    else addEventListener("load", () => void register());
}
