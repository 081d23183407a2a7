// As much of a document as rows and forms need.

const matches = (node, selector) =>
    selector.split(",").some((one) => {
        const [, tag = "", id = "", name = "", does = ""] = /^([a-z]*)(?:#([\w-]+))?(?:\.([\w-]+))?(?:\[(.+)\])?$/.exec(one.trim());
        if (tag && node.tag !== tag) return false;
        if (id && node.id !== id) return false;
        if (name && !node.className.split(" ").includes(name)) return false;
        const [key, value] = does.replaceAll('"', "").split("=");
        return !does || node.attributes.get(key) === value || node[key] === value || node.dataset[key.replace("data-", "")] === value;
    });

export class Node {
    attributes = new Map();
    dataset = {};
    style = { setProperty() {} };
    children = [];
    className = "";
    hidden = false;
    disabled = false;
    value = "";
    heard = {};
    classList = {
        toggle: (name, on) => {
            const others = this.className.split(" ").filter((one) => one && one !== name);
            this.className = [...others, ...(on ? [name] : [])].join(" ");
        },
        add: (...names) => names.forEach((name) => this.classList.toggle(name, true)),
    };

    constructor(tag, className = "", ...children) {
        this.tag = tag;
        this.className = className;
        this.append(...children);
    }

    append(...children) {
        for (const child of children) {
            if (child instanceof Node) child.parent = this;
            this.children.push(child);
        }
    }

    after(node) {
        node.parent = this.parent;
        this.parent.children.splice(this.parent.children.indexOf(this) + 1, 0, node);
    }

    setAttribute(name, value) {
        this.attributes.set(name, value);
        if (name === "class") this.className = value;
    }

    get textContent() {
        return this.children.map((child) => (child instanceof Node ? child.textContent : child)).join("");
    }

    set textContent(text) {
        this.children = [text];
    }

    all() {
        return this.children.flatMap((child) => (child instanceof Node ? [child, ...child.all()] : []));
    }

    querySelectorAll(selector) {
        return this.all().filter((node) => matches(node, selector));
    }

    querySelector(selector) {
        return this.querySelectorAll(selector)[0] ?? null;
    }

    addEventListener(type, ear) {
        this.heard[type] = ear;
    }

    focus() {
        this.focused = true;
    }
}

globalThis.document = { createElement: (tag) => new Node(tag) };
