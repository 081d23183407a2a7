// A text as people wrote it, with its emphasis, lists, code, links and mentions. Elements only: no HTML is made of it.

import { Fragment, memo, type ReactNode } from "react";
import type { Shown } from "hubbub-sdk";
import { parts } from "../composer/mentions.ts";
import { elsewhere, jumbo, markdown, wordsOf, type Block, type Inline } from "./parse.ts";

type Mentions = Pick<Shown, "mentions" | "mention_all">;

interface Props {
    text: string;
    me: string;
    mentions?: Shown["mentions"] | undefined;
    mention_all?: boolean | undefined;
}

interface Around extends Mentions {
    me: string;
}

export const Markdown = memo(function Markdown({ text, me, mentions, mention_all }: Props) {
    const around: Around = { me, ...(mentions && { mentions }), ...(mention_all && { mention_all }) };
    // Emoji alone have no direction of their own.
    const large = jumbo(text);
    return (
        <div className={large ? "text jumbo" : "text"} dir={large ? undefined : "auto"}>
            {blocks(markdown(text), around)}
        </div>
    );
});

// Functions and no components: a message has many of these, and none of them is ever drawn again by itself.

function blocks(of: readonly Block[], around: Around): ReactNode {
    return of.map((block, nth) => <Fragment key={nth}>{drawn(block, around)}</Fragment>);
}

function drawn(block: Block, around: Around): ReactNode {
    switch (block.type) {
        case "paragraph":
            return <p>{inlines(block.children, around)}</p>;
        case "quote":
            return <blockquote>{blocks(block.children, around)}</blockquote>;
        case "code":
            return <pre dir="ltr" tabIndex={0}><code>{block.text}</code></pre>;
        case "list": {
            const items = block.items.map((item, nth) => <li key={nth}>{blocks(item, around)}</li>);
            return block.start === null ? <ul>{items}</ul> : <ol start={block.start}>{items}</ol>;
        }
    }
}

function inlines(of: readonly Inline[], around: Around): ReactNode {
    return of.map((one, nth) => (one.type === "text" ? words(one.text, around, nth) : <Fragment key={nth}>{bit(one, around)}</Fragment>));
}

function bit(of: Exclude<Inline, { type: "text" }>, around: Around): ReactNode {
    switch (of.type) {
        case "code":
            return <code dir="ltr">{of.text}</code>;
        case "link":
            return link(of, around);
        case "strong":
            return <strong>{inlines(of.children, around)}</strong>;
        case "emphasis":
            return <em>{inlines(of.children, around)}</em>;
        case "delete":
            return <del>{inlines(of.children, around)}</del>;
    }
}

/** Whose words are another address than where it leads says so beside it. */
function link({ href, children }: Inline & { type: "link" }, around: Around): ReactNode {
    const leads = elsewhere(href, wordsOf(children));
    return (
        <>
            <a href={href} dir="auto" target="_blank" rel="noopener noreferrer nofollow">{inlines(children, around)}</a>
            {leads !== null && <span className="leads"> (leads to <bdi dir="ltr">{leads}</bdi>)</span>}
        </>
    );
}

/** Text with whoever is mentioned in it. */
function words(text: string, { me, ...mentions }: Around, nth: number): ReactNode {
    const all = parts({ text, ...mentions }, me);
    if (all.every(({ who }) => !who)) return text;
    return <Fragment key={nth}>{all.map(({ text, who }, nth) => (who ? <mark key={nth} dir="auto" className={`mention ${who}`}>{text}</mark> : text))}</Fragment>;
}
