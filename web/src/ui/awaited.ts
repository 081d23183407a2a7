// What a person waits for, and may leave before it comes. Pure.

/** Begins it and says what became of it. What it returns calls it off: nothing is said then. */
export function awaited<Value>(begin: (signal: AbortSignal) => Promise<Value>, done: (value: Value) => void, failed: (problem: unknown) => void): () => void {
    const called = new AbortController();
    const { signal } = called;
    begin(signal).then((value) => signal.aborted || done(value), (problem: unknown) => signal.aborted || failed(problem));
    return () => called.abort();
}
