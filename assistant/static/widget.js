// The launcher: a button on a clinic's page. The rest (widget-chat.js) is loaded at first use.
(() => {
  const build = {};
  const NAME = "footnote-assistant";
  const script = document.currentScript;
  // An element of the host page's could pass itself off for it, by its name.
  if (!(script instanceof HTMLScriptElement)) return;
  const { src, dataset } = script;
  const base = src.replace(/\/widget\.js.*/, "");

  // `!important` in here wins over every rule of the host page.
  const STYLES = `
    :host { all: initial !important; display: block !important; }
    :host([floating]) {
      position: fixed !important; z-index: var(--footnote-z, 2147483000) !important;
    }
    :host([hidden]), [hidden] { display: none !important; }
    .root {
      --accent: var(--footnote-accent, var(--site-accent, #1f6f73));
      --on-accent: var(--footnote-on-accent, var(--site-on_accent, #fff));
      --x: var(--footnote-offset-x, var(--site-offset_x, 20px));
      --y: calc(var(--footnote-offset-y, var(--site-offset_y, 20px)) + env(safe-area-inset-bottom));
      font: medium/1.5 var(--footnote-font, var(--site-font, system-ui, sans-serif));
    }
    .launcher, :host([floating]) .failed {
      position: fixed; bottom: var(--y); right: var(--right, var(--x)); left: var(--left, auto);
      max-width: calc(100vw - 2 * var(--x));
    }
    .left { --right: auto; --left: var(--x); }
    .launcher {
      min-height: 52px; padding: 8px 24px; border: 2px solid var(--on-accent); border-radius: 99px;
      font: inherit; font-weight: 600; color: var(--on-accent); background: var(--accent);
      box-shadow: 0 2px 16px #0006; cursor: pointer;
    }
    .busy .launcher { opacity: .7; }
    .launcher:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
    .failed {
      box-sizing: border-box; padding: 16px; border: 2px solid; border-radius: 14px;
      color: CanvasText; background: Canvas; color-scheme: light dark;
    }
    .failed > * { margin: 0 16px 0 0; font: inherit; line-height: 44px; }
    @media print { :host([floating]) { display: none !important; } }`;

  let policy, loading, handOver;
  let tries = 0;

  // Make an element: its properties (or only its class), and what of its children is not empty.
  const make = (tag, properties = "", ...children) => {
    const element = document.createElement(tag);
    const given = typeof properties === "string" ? { className: properties } : properties;
    for (const [name, value] of Object.entries(given)) {
      if (name in element) element[name] = value;
      else element.setAttribute(name, value);
    }
    element.append(...children.filter(Boolean));
    return element;
  };

  const load = () =>
    new Promise((resolve, reject) => {
      policy ??= window.trustedTypes?.createPolicy("footnote", { createScriptURL: (url) => url });
      // A failed module stays failed under its address, so another try has another.
      const url = base + build.chat + (tries++ ? `&try=${tries}` : "");
      const module = make("script", { type: "module", crossOrigin: "", onerror: reject });
      module.integrity = build.integrity;
      module.referrerPolicy = "no-referrer";
      module.src = policy?.createScriptURL(url) ?? url;
      handOver = resolve;
      document.head.append(module);
    });

  class Assistant extends HTMLElement {
    root = make("div", "root");
    #button = "";
    #failure = "";
    #preparing;
    #chat;
    #wanted;

    static make = make;

    // Take the class that widget-chat.js holds.
    static take(Chat) {
      handOver(Chat);
    }

    connectedCallback() {
      if (this.shadowRoot) return;
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLES);
      this.attachShadow({ mode: "open" }).adoptedStyleSheets = [sheet];
      this.shadowRoot.append(this.root);
      this.floating = this.hasAttribute("floating");
      this.host = this.getAttribute("host") || base;
      this.site = this.getAttribute("site") || "default";
      const locale = this.getAttribute("locale") || document.documentElement.lang;
      this.query = new URLSearchParams({ site: this.site, locale });
      this.root.lang = build.texts[locale.slice(0, 2)] ? locale.slice(0, 2) : "en";
      if (this.floating) this.#offer();
      else this.#await();
    }

    // A page that takes the element away also ends the question that is under way.
    disconnectedCallback() {
      this.#chat?.destroy();
    }

    async open(focus = true) {
      this.#wanted = true;
      this.#failure.remove?.();
      this.root.classList.add("busy");
      try {
        this.#chat = await (this.#preparing ??= this.#prepare());
        if (this.#wanted) this.#chat.open(focus);
      } catch {
        this.#preparing = loading = null;
        if (this.#wanted) this.#fail();
      }
      this.root.classList.remove("busy");
    }

    close() {
      this.#wanted = false;
      this.#chat?.close();
    }

    async ask(text) {
      await this.open();
      this.#chat?.ask(text);
    }

    clear() {
      this.#chat?.clear();
    }

    destroy() {
      this.remove();
    }

    // What the tag says is known before the site's own settings.
    #offer() {
      const { style, classList, lang } = this.root;
      const [x, y] = this.getAttribute("offset")?.split(" ") ?? [];
      style.setProperty("--site-accent", this.getAttribute("accent"));
      style.setProperty("--site-offset_x", y ? `${x}px` : "");
      style.setProperty("--site-offset_y", y ? `${y}px` : "");
      classList.toggle("left", this.getAttribute("position") === "left");
      const label = this.getAttribute("label") || build.texts[lang][0];
      const aria = { "aria-haspopup": "dialog", "aria-expanded": false };
      const launcher = { className: "launcher", dir: "auto", onclick: () => this.open(), ...aria };
      this.root.append(make("button", launcher, label));
    }

    // Shown inline, it is loaded when a visitor comes near.
    #await() {
      const watch = new IntersectionObserver(
        ([entry]) => {
          if (!entry.isIntersecting) return;
          watch.disconnect();
          this.open(false);
        },
        { rootMargin: "300px" },
      );
      watch.observe(this);
    }

    async #prepare() {
      const late = new Promise((_, reject) => setTimeout(reject, 15000));
      const parts = Promise.all([(loading ??= load()), this.#fetchSite()]);
      const [Chat, site] = await Promise.race([parts, late]);
      return new Chat(this, site);
    }

    async #fetchSite() {
      const response = await fetch(`${this.host}/api/v1/sites/${this.site}?${this.query}`, {
        credentials: "omit",
        referrerPolicy: "no-referrer",
      });
      if (!response.ok) throw response;
      return response.json();
    }

    #fail() {
      const [retry, message] = build.texts[this.root.lang];
      const page = new URL(`/?${this.query}`, this.host);
      this.#failure.remove?.();
      this.#failure = make(
        "div",
        { className: "failed", role: "alert", dir: "auto" },
        make("p", "", message),
        make("button", { onclick: () => this.open() }, retry),
        make("a", { href: page, target: "_blank", rel: "noopener" }, page.host),
      );
      this.root.append(this.#failure);
    }
  }

  const place = () => {
    const { site } = dataset;
    if (!site || document.querySelector(`${NAME}[floating][site="${site}"]`)) return;
    const element = document.createElement(NAME);
    for (const name in dataset) element.setAttribute(name, dataset[name]);
    element.setAttribute("host", base);
    element.setAttribute("floating", "");
    document.body.append(element);
    if (!window.Footnote?.isConnected) window.Footnote = element;
  };

  if (!customElements.get(NAME)) customElements.define(NAME, Assistant);
  if (document.body) place();
  else addEventListener("DOMContentLoaded", place);
})();
