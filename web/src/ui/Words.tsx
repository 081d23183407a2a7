// Words with names between them, each name on its own: it may be written in the other direction.

import type { Words as All } from "./names.ts";

export function Words({ of }: { of: All }) {
    return <>{of.map((one, nth) => (typeof one === "string" ? one : <bdi key={nth}>{one.name}</bdi>))}</>;
}
