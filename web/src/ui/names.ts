// Names between other words. A name may contain characters that turn the direction of writing. Pure.

/** Something that was written by people. Where it is shown it stands alone; see `spoken`. */
export interface Name {
    name: string;
}

export type Words = readonly (string | Name)[];

/** The words without what sets their names apart. */
export function plain(words: Words): string {
    return words.map((one) => (typeof one === "string" ? one : one.name)).join("");
}

const CONTROLS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** A name for where there are no elements, as in a label: what stands around it is not turned. */
export function isolated(name: string): string {
    const bare = name.replace(CONTROLS, "");
    return /^[\u0000-\u007f]*$/.test(bare) ? bare : `\u2068${bare}\u2069`;
}
