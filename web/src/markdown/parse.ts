// The text of a message as a tree. Markdown without HTML, pictures, headings and definitions: what is written of them is
// shown as it was written. Pure.

import type { Nodes, PhrasingContent, Root } from "mdast";
import { fromMarkdown } from "mdast-util-from-markdown";
import { gfmAutolinkLiteralFromMarkdown } from "mdast-util-gfm-autolink-literal";
import { gfmStrikethroughFromMarkdown } from "mdast-util-gfm-strikethrough";
import { gfmAutolinkLiteral } from "micromark-extension-gfm-autolink-literal";
import { gfmStrikethrough } from "micromark-extension-gfm-strikethrough";

/** What a message is made of, from the outside to the inside. */
export type Block =
    | { type: "paragraph"; children: Inline[] }
    | { type: "quote"; children: Block[] }
    | { type: "list"; start: number | null; items: Block[][] }
    | { type: "code"; text: string };

export type Inline =
    | { type: "text"; text: string }
    | { type: "code"; text: string }
    | { type: "strong" | "emphasis" | "delete"; children: Inline[] }
    | { type: "link"; href: string; children: Inline[] };

const disabled = [
    "htmlFlow", "htmlText", "definition", "labelStartImage", "headingAtx", "setextUnderline", "thematicBreak", "codeIndented",
    "characterReference",
];
const extensions = [gfmAutolinkLiteral(), gfmStrikethrough({ singleTilde: false }), { disable: { null: disabled } }];
const mdastExtensions = [gfmAutolinkLiteralFromMarkdown(), gfmStrikethroughFromMarkdown()];

/** Quotes in quotes, lists in lists: no deeper. */
const DEPTH = 6;
/** A text with more of these than people write is shown as it is: its tree would take long, or be very deep. */
const MARKS = 400;
const OPENERS = 60;
/** The parser's time grows with the square of these. A line weighs as much as three others. */
const WEIGHT = 800;

const parsed = new Map<string, readonly Block[]>();
const PARSED = 1_000;

/** The same object for the same text, for as long as it is in use. */
export function markdown(text: string): readonly Block[] {
    let blocks = parsed.get(text);
    if (!blocks) {
        blocks = tree(text);
        if (parsed.size >= PARSED) parsed.delete(parsed.keys().next().value!);
        parsed.set(text, blocks);
    }
    return blocks;
}

function tree(text: string): readonly Block[] {
    const pieces = fenced(text);
    const words = pieces.flatMap((piece) => (piece.type === "words" ? [piece.text] : [])).join("\n");
    const asWritten = laborious(words);
    return pieces.flatMap((piece): readonly Block[] => {
        if (piece.type === "code") return [{ type: "code", text: piece.text }];
        if (asWritten) return [paragraph(piece.text)];
        return isPlain(piece.text) ? paragraphs(piece.text) : byParser(piece.text);
    });
}

/** A mark, what begins a list or a quote, an address, or white space at an end of a line. */
const MARKED = /[*_`~[\\<@\r]|^\s*(?:>|[-+](?:\s|$)|\d+[.)](?:\s|$))|www\.|:\/\/|^[^\S\n]|[^\S\n]$/im;

/** Nothing in it is markdown, as in most of what people write: the parser, which takes a millisecond, is spared. */
export function isPlain(text: string): boolean {
    return !MARKED.test(text);
}

/** What the parser makes of a plain text: paragraphs, which empty lines part. */
export function paragraphs(text: string): Block[] {
    return text.split(/\n{2,}/).map((part) => part.replace(/^\n|\n$/g, "")).filter(Boolean).map(paragraph);
}

function paragraph(text: string): Block {
    return { type: "paragraph", children: [{ type: "text", text }] };
}

export function byParser(text: string): Block[] {
    const root: Root = fromMarkdown(text, { extensions, mdastExtensions });
    return blocks(root.children, text, 0);
}

interface Piece {
    type: "words" | "code";
    text: string;
}

/** Code between fences at the beginning of a line, which may be long, and the words around it. */
function fenced(text: string): Piece[] {
    const pieces: { type: Piece["type"]; lines: string[] }[] = [{ type: "words", lines: [] }];
    let fence = "";
    for (const line of text.split("\n")) {
        const [, open = ""] = /^(`{3,}(?=[^`]*$)|~{3,})/.exec(line) ?? [];
        const [, close = ""] = /^ {0,3}(`{3,}|~{3,})\s*$/.exec(line) ?? [];
        if (!fence && open) {
            fence = open;
            pieces.push({ type: "code", lines: [] });
        } else if (fence && close.startsWith(fence)) {
            fence = "";
            pieces.push({ type: "words", lines: [] });
        } else pieces.at(-1)!.lines.push(line);
    }
    const some = pieces.filter(({ lines }) => lines.some((line) => line.trim()));
    // Where nothing would be left of it, it is no code.
    if (!some.some(({ type }) => type === "code")) return [{ type: "words", text }];
    return some.map(({ type, lines }) => ({ type, text: lines.join("\n") }));
}

/** Whether a tree of it would be large, or long in the making, out of proportion. */
export function laborious(text: string): boolean {
    const count = (marks: RegExp) => (text.match(marks) ?? []).length;
    const nested = /^[ \t]*(?:(?:[>*+-]|\d+[.)])[ \t]*){9}/m.test(text);
    const weight = count(/[*_`~>[\]()&!?,;:.'"<\\|=@+-]/g) + 3 * count(/\n/g);
    return nested || weight > WEIGHT || count(/[*_~`]/g) > MARKS || count(/[[\]]/g) > OPENERS;
}

function blocks(nodes: readonly Nodes[], source: string, depth: number): Block[] {
    return nodes.flatMap((node): Block[] => {
        switch (node.type) {
            case "paragraph":
                return [{ type: "paragraph", children: inlines(node.children, source) }];
            case "code":
                return [{ type: "code", text: node.value }];
            case "blockquote":
                return depth < DEPTH ? [{ type: "quote", children: blocks(node.children, source, depth + 1) }] : written(node, source);
            case "list": {
                if (depth >= DEPTH) return written(node, source);
                const items = node.children.map((item) => blocks(item.children, source, depth + 1));
                return [{ type: "list", start: node.ordered ? (node.start ?? 1) : null, items }];
            }
            default:
                return written(node, source);
        }
    });
}

function inlines(nodes: readonly PhrasingContent[], source: string): Inline[] {
    return nodes.flatMap((node): Inline[] => {
        switch (node.type) {
            case "text":
                return [{ type: "text", text: node.value }];
            case "break":
                return [{ type: "text", text: "\n" }];
            case "inlineCode":
                return [{ type: "code", text: node.value }];
            case "strong":
            case "emphasis":
            case "delete":
                return [{ type: node.type, children: inlines(node.children, source) }];
            case "link": {
                const children = inlines(node.children, source);
                const href = safe(node.url);
                // One that is called nothing would not be seen.
                return href === null || !children.length ? [{ type: "text", text: sourceOf(node, source) }] : [{ type: "link", href, children }];
            }
            default:
                return [{ type: "text", text: sourceOf(node, source) }];
        }
    });
}

function written(node: Nodes, source: string): Block[] {
    return [paragraph(sourceOf(node, source))];
}

function sourceOf({ position }: Nodes, source: string): string {
    return position ? source.slice(position.start.offset, position.end.offset) : "";
}

/** Where a link may lead; null: nowhere. */
export function safe(url: string): string | null {
    const whole = /^www\./i.test(url) ? `https://${url}` : url;
    return /^(https?:\/\/|mailto:)/i.test(whole) && URL.canParse(whole) ? whole : null;
}

const ADDRESS = /(?:[\p{L}\p{N}-]+\.)+[\p{L}][\p{L}\p{N}-]+/u;

/** Where a link leads, where its words name another host than that; null: they do not. */
export function elsewhere(href: string, words: string): string | null {
    const { protocol, hostname, pathname } = new URL(href);
    const isMail = protocol === "mailto:";
    const real = isMail ? (decoded(pathname).split("@").at(-1) ?? "") : hostname;
    // As a browser reads them: wide letters and dots are usual ones, and what is not seen is not there.
    const seen = words.normalize("NFKC").replace(/\p{Cf}/gu, "").replaceAll("。", ".");
    // The first of each: what follows is a path. Before an @ stands whom the mail is for.
    const named = seen.split(/\s+/).flatMap((one) => ADDRESS.exec(one.replace(/^[^/]*@/, ""))?.[0] ?? []).map(hostOf);
    if (named.every((host) => host === null || host === hostOf(real))) return null;
    return isMail ? decoded(pathname) : hostname;
}

function hostOf(name: string): string | null {
    const host = URL.canParse(`https://${name}`) ? new URL(`https://${name}`).hostname : null;
    return host?.replace(/^www\./, "") ?? null;
}

function decoded(text: string): string {
    try {
        return decodeURIComponent(text);
    } catch {
        return text;
    }
}

/** What is read of it. */
export function wordsOf(all: readonly Inline[]): string {
    return all.map((one) => ("children" in one ? wordsOf(one.children) : one.text)).join("");
}

const PICTURES = /^[\p{Extended_Pictographic}\p{Emoji_Modifier}\p{Regional_Indicator}\u200d\ufe0f\s]+$/u;
const JUMBO = 3;

/** Whether it is a few emoji and nothing else: they are shown large. */
export function jumbo(text: string): boolean {
    // Three of them have as many code units as this at most: families of four, with a colour of skin each.
    if (text.length > 3 * 19 || !PICTURES.test(text) || !/\S/.test(text)) return false;
    return [...new Intl.Segmenter().segment(text.replace(/\s/g, ""))].length <= JUMBO;
}
