// What a person waits for, and may leave before it comes. Pure.

/** Says what became of it, unless what it returns was called before. */
export function awaited<Value>(what: Promise<Value>, done: (value: Value) => void, failed: (problem: unknown) => void): () => void {
    let left = false;
    what.then((value) => left || done(value), (problem: unknown) => left || failed(problem));
    return () => void (left = true);
}
