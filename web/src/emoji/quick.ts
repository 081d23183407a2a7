/** The most usual reactions, with their names. */
export const QUICK: readonly (readonly [emoji: string, name: string])[] = [
    ["👍", "thumbs up"],
    ["❤️", "heart"],
    ["😂", "laughing"],
    ["🎉", "party"],
    ["👀", "eyes"],
    ["✅", "done"],
];
