// The panel: what a visitor asks and reads. Loaded by widget.js at first use. All texts come from
// the server, none is ever parsed as HTML, and nothing is kept unless the site says so.

const COVERS = "(max-width: 480px), (max-height: 560px)";
const LOW = "(max-height: 400px)";
const HISTORY = 10;
const DARK = matchMedia("(prefers-color-scheme: dark)");
const PROBLEMS = { 403: "not_allowed", 429: "busy" };

const STYLES = `
  .root {
    --surface: var(--footnote-surface, #fff); --ink: var(--footnote-ink, #1c2a2c);
    --alarm: #b3261e; --on-alarm: #fff; --radius: var(--footnote-radius, var(--site-radius));
    --soft: color-mix(in srgb, var(--ink) 78%, var(--surface));
    --line: color-mix(in srgb, var(--ink) 20%, var(--surface));
    --tint: color-mix(in srgb, var(--accent) 10%, var(--surface));
    color-scheme: light;
  }
  .dark {
    --surface: var(--footnote-surface, #182425); --ink: var(--footnote-ink, #e8efef);
    --alarm: #ff9c92; --on-alarm: #2d0b07; color-scheme: dark;
    --accent: var(--footnote-accent, var(--site-accent_dark));
    --on-accent: var(--footnote-on-accent, var(--site-on_accent_dark));
  }
  * { box-sizing: border-box; margin: 0; padding: 0; font-size: 1em; list-style: none; }
  .panel, .menu > div, .reply, .problem, .side, .note {
    border: 1px solid var(--line); border-radius: var(--radius); background: var(--surface);
  }
  .panel {
    display: flex; flex-direction: column; overflow: hidden; overflow-wrap: anywhere;
    height: min(var(--footnote-height, var(--site-height)), 100dvh - 2 * var(--y));
    color: var(--ink);
  }
  [role="dialog"] {
    position: fixed; bottom: var(--y); right: var(--right, var(--x)); left: var(--left, auto);
    width: min(var(--footnote-width, var(--site-width)), 100vw - 2 * var(--x));
    box-shadow: 0 8px 40px #0005;
  }
  .panel :focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
  .panel :is(h2, h3, .talk):focus-visible { outline-offset: -3px; }
  a { color: var(--accent); }
  .panel button, summary, .action, .menu a {
    min-height: 44px; padding: 8px 12px; border: 1px solid transparent; border-radius: 10px;
    font: inherit; color: var(--accent); background: none; text-align: start; cursor: pointer;
  }
  button:hover, summary:hover { text-decoration: underline; }
  .panel :disabled { opacity: .6; cursor: default; }
  .sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .soft, cite, .rating button { font-size: .875em; color: var(--soft); font-style: normal; }
  .label { font-weight: 600; }

  header {
    display: flex; flex-wrap: wrap; align-items: center; gap: 0 8px; padding: 4px 8px;
    position: relative; z-index: 1; border-bottom: 1px solid var(--line);
  }
  h2 { flex: 1 1 40%; padding: 4px 8px; line-height: 1.3; }
  img { max-width: 96px; max-height: 36px; }
  .leave { flex: 1 0 100%; order: 1; }
  .menu > div {
    position: absolute; top: 52px; inset-inline-end: 8px; display: grid; padding: 8px;
    box-shadow: 0 4px 20px #0004;
  }

  .talk { flex: 1; overflow: auto; padding: 16px; overscroll-behavior: contain; }
  .talk, .exchange, .reply, .problem, .alarm, .side, .pair, .greeting, .rating form {
    display: grid; gap: 12px; align-content: start;
  }
  .asked {
    justify-self: end; max-width: 90%; padding: 8px 14px; border: 1px solid transparent;
    border-radius: var(--radius); background: var(--tint); font-weight: 500;
  }
  .reply, .problem, .side, .note { padding: 12px; }
  h4 { color: var(--accent); }
  .lead, .quote > p { white-space: pre-line; }
  .lead { font-weight: 500; }
  .quote { padding-inline-start: 12px; border-inline-start: 3px solid var(--line); }
  .pair { grid-template-columns: repeat(auto-fit, minmax(min(100%, 220px), 1fr)); }
  .pair > .label { grid-column: 1 / -1; }
  .side .quote { padding: 0; border: 0; }
  .panel .mark {
    position: relative; min-width: 28px; min-height: 24px; margin: 0 4px; padding: 0 4px;
    border-color: currentcolor; font-size: .8125em; text-align: center;
  }
  .mark::after { content: ""; position: absolute; inset: -10px -4px; }
  .panel :is([aria-pressed="true"], .mark[aria-expanded="true"], .send) {
    color: var(--on-accent); background: var(--accent);
  }
  .note { margin-top: 8px; font-size: .875em; }
  .note a { display: inline-block; padding: 12px 0; }
  .row { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }
  .panel .row button, .action { border-color: currentcolor; }
  .action { font-weight: 600; text-decoration: none; }
  .rating form { flex: 1 0 100%; }
  .urgent { border: 3px solid var(--alarm); }
  .alarm h4 { font-size: 1.25em; color: var(--alarm); }
  .alarm .action {
    flex: 1 0 100%; min-height: 56px; font-size: 1.25em; text-align: center;
    color: var(--on-alarm); background: var(--alarm);
  }

  .foot {
    padding: 8px 12px calc(8px + env(safe-area-inset-bottom)); background: var(--surface);
    border-top: 1px solid var(--line);
  }
  .asking { display: flex; align-items: end; gap: 8px; }
  textarea {
    width: 100%; min-height: 44px; max-height: 30vh; padding: 9px 12px; resize: none;
    border: 1px solid var(--soft); border-radius: 10px; font: inherit; color: inherit;
    background: var(--surface);
  }
  ::placeholder { color: var(--soft); opacity: 1; white-space: nowrap; }
  .notice { margin-top: 6px; font-size: .8125em; line-height: 1.4; }

  @media ${COVERS} {
    [role="dialog"] {
      inset: var(--shift, 0) 0 auto; width: auto; height: var(--seen, 100dvh); border: 0;
      border-radius: 0; padding: 0 env(safe-area-inset-right) 0 env(safe-area-inset-left);
    }
  }
  @media ${LOW} {
    .panel { display: block; overflow: auto; scroll-padding-bottom: 160px; }
    .foot { position: sticky; bottom: 0; }
    textarea { max-height: 44px; }
  }
  @media (prefers-reduced-motion: no-preference) {
    [role="dialog"] { animation: rise .2s; }
    @keyframes rise { from { opacity: 0; transform: translateY(12px); } }
  }`;

const PAPER = "body { font: 12pt/1.5 system-ui, sans-serif } p { white-space: pre-line }";

// Make an element; what is null, false or "" among its children is left out.
const make = (tag, properties, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.filter(Boolean));
  return element;
};

const button = (textContent, onclick, more) =>
  make("button", { type: "button", textContent, onclick, ...more });

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (blank, name) => values[name] ?? blank);

const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);

const quoted = (text) => `“${text}”`;

// Yield the events of a stream, whose chunks may end anywhere.
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const blocks = (rest + value).split(/\r\n\r\n|\n\n|\r\r/);
      rest = blocks.pop();
      for (const block of blocks) {
        const field = (name) =>
          [...block.matchAll(new RegExp(`^${name}: ?(.*)$`, "gm"))].map((m) => m[1]).join("\n");
        const data = field("data");
        if (data) yield [field("event"), JSON.parse(data)];
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

// What a reply says in the order of reading: `theme`, `quote`, or the `sides` of a disagreement.
// Statements that a broken stream did not bring are left out.
const layout = ({ statements, disagreements }) => {
  const shown = new Set();
  const several = statements.some(({ theme }) => theme !== statements[0].theme);
  let last;
  return statements.flatMap((statement, index) => {
    const blocks = [];
    const pairs = disagreements.filter(({ sides }) => sides.flat().includes(index));
    if (!pairs.length) blocks.push({ quote: statement });
    for (const { about, sides } of pairs) {
      if (sides.flat().every((i) => shown.has(i))) continue;
      sides.flat().forEach((i) => shown.add(i));
      const inOrder = [...sides].sort(([a], [b]) => a - b);
      blocks.push({
        about: disagreements.length > 1 && capital(about),
        sides: inOrder.map((side) => side.map((i) => statements[i]).filter(Boolean)),
      });
    }
    if (!blocks.length || !several || last === statement.theme) return blocks;
    last = statement.theme;
    return [{ theme: last }, ...blocks];
  });
};

class Problem extends Error {
  constructor(key, wait = 0) {
    super(key);
    this.wait = wait;
  }
}

// The drawing of one reply, made anew as its parts arrive.
class Card {
  #notes = 0;

  constructor(chat, reply, rated) {
    Object.assign(this, { chat, reply, texts: chat.site.texts });
    const parts = reply.kind === "urgent" ? [this.#alarm()] : this.#parts(rated);
    const className = `reply ${reply.kind}`;
    this.element = make("article", { className, ...chat.language(reply) }, ...parts);
  }

  #alarm() {
    const { texts, reply, chat } = this;
    return make(
      "div",
      { className: "alarm", role: "alert" },
      make("h4", { textContent: texts.urgent }),
      chat.actions(reply.actions),
      make("p", { className: "lead", textContent: reply.lead.replace(`${texts.urgent}. `, "") }),
    );
  }

  #parts(rated) {
    const { reply, chat } = this;
    const [outcome, differ] = chat.outcome(reply);
    return [
      reply.understood_as && this.#understood(),
      outcome && make("h4", { textContent: outcome }),
      make("p", { className: "lead", textContent: reply.lead }),
      chat.actions(reply.actions),
      differ && make("h4", { textContent: differ }),
      ...layout(reply).map((block) => this.#block(block, outcome ? "h5" : "h4")),
      reply.citations.length && this.#sources(),
      rated && chat.rating(reply),
    ];
  }

  #understood() {
    const { texts, reply, chat } = this;
    const textContent = fill(texts.understood, { question: reply.understood_as });
    const wrong = button(texts.understood_wrong, () => chat.reword(reply));
    return make("div", { className: "row" }, make("p", { className: "soft", textContent }), wrong);
  }

  #block({ theme, quote, about, sides }, heading) {
    if (theme) return make(heading, { className: "theme", textContent: theme });
    if (quote) return this.#quotation(quote);
    const drawn = sides.map((side, i) => {
      const textContent = fill(this.texts.side, { number: i + 1 });
      const label = make("p", { className: "label", textContent });
      const quotations = side.map((statement) => this.#quotation(statement, true));
      return side.length && make("div", { className: `side side-${i + 1}` }, label, ...quotations);
    });
    const title = about && make("p", { className: "label", textContent: about });
    return make("div", { className: "pair" }, title, ...drawn);
  }

  #quotation({ text, citations }, named) {
    const found = this.reply.citations.filter(({ number }) => citations.includes(number));
    const place = make("div");
    const marks = found.map((citation) => this.#mark(citation, place));
    const title = found[0]?.title;
    return make(
      "blockquote",
      { className: "quote" },
      make("p", { dir: "auto" }, quoted(text), ...marks),
      named && title && make("cite", { dir: "auto", textContent: title }),
      place,
    );
  }

  #mark(citation, place) {
    const { chat, reply, texts } = this;
    const { number } = citation;
    const id = `note-${reply.id}-${++this.#notes}`;
    const label = fill(texts.footnote, { number });
    const toggle = () => {
      const open = chat.note?.mark === mark;
      chat.closeNote();
      if (open) return;
      const note = this.#note(citation, { id, role: "group", "aria-label": label });
      place.append(note);
      mark.setAttribute("aria-expanded", true);
      chat.note = { mark, note };
      chat.reveal(note);
    };
    const aria = { "aria-label": label, "aria-expanded": false, "aria-controls": id };
    const mark = button(`[${number}]`, toggle, { className: "mark", ...aria });
    return mark;
  }

  #note({ quote, title, kind, caution, href, number }, properties) {
    const { texts, reply, chat } = this;
    const repeated = reply.statements.every(({ text }) => text !== quote);
    return make(
      "div",
      { className: "note", ...properties },
      make("cite", { dir: "auto", textContent: `[${number}] ${title}` }),
      make("p", { dir: "auto", textContent: capital(kind) }),
      caution && make("p", { dir: "auto", textContent: `${texts.caution}: ${caution}` }),
      repeated && make("p", { className: "label", textContent: texts.also_says }),
      make("blockquote", { dir: "auto", textContent: quoted(quote) }),
      chat.link(texts.read_in_context, chat.passage(href)),
    );
  }

  #sources() {
    const { citations } = this.reply;
    const textContent = `${this.texts.sources} (${citations.length})`;
    const notes = citations.map((citation) => make("li", {}, this.#note(citation)));
    const summary = make("summary", { textContent });
    return make("details", { className: "sources" }, summary, make("ul", {}, ...notes));
  }
}

// The panel of one element.
class Chat {
  #exchanges = [];
  #fresh = false;
  #life = new AbortController();
  #asking;
  #pending;

  constructor(element, site) {
    Object.assign(this, { element, site, root: element.root });
    this.#dress();
    this.#build();
    const { signal } = this.#life;
    visualViewport.addEventListener("resize", () => this.#fit(), { signal });
    visualViewport.addEventListener("scroll", () => this.#fit(), { signal });
    DARK.addEventListener("change", () => this.#dress(), { signal });
    this.#restore();
  }

  open(focus) {
    const { panel, launcher } = this;
    if (launcher) Object.assign(launcher, { hidden: true, ariaExpanded: true });
    if (panel.hidden) this.#emit("open");
    panel.hidden = false;
    if (focus) (matchMedia("(pointer: coarse)").matches ? this.heading : this.input).focus();
  }

  close() {
    const { panel, launcher } = this;
    if (!launcher || panel.hidden) return;
    const within = panel.contains(this.element.shadowRoot.activeElement);
    this.#pending?.();
    panel.hidden = true;
    Object.assign(launcher, { hidden: false, ariaExpanded: false });
    if (within) launcher.focus();
    this.#emit("close");
  }

  clear() {
    this.#asking?.abort();
    this.#exchanges = [];
    this.#fresh = false;
    this.#pending = this.note = null;
    this.input.value = this.hint.textContent = "";
    this.talk.replaceChildren(this.greeting);
    this.#showNotice(this.site);
    this.#say("");
    this.#keep();
  }

  destroy() {
    this.#asking?.abort();
    this.#life.abort();
    this.panel.remove();
  }

  ask(text) {
    const question = text.trim().slice(0, 2000);
    if (!question) return null;
    this.#pending?.();
    const exchange = { question, fresh: this.#fresh };
    this.#fresh = false;
    this.hint.textContent = "";
    this.#add(exchange);
    return this.#run(exchange);
  }

  // Put a question back that was misunderstood; the next is sent without those before it.
  reword(reply) {
    this.input.value = this.#exchanges.find((exchange) => exchange.reply === reply).question;
    this.hint.textContent = this.site.texts.reword;
    this.#fresh = true;
    this.input.focus();
    this.input.select();
  }

  // Return the headings of a reply: its outcome, and that sources differ if that is not it.
  outcome({ kind, disagreements }) {
    const { texts } = this.site;
    const differ = disagreements.length ? texts.disagree : "";
    return ["personal", "not_covered"].includes(kind) ? [texts[kind], differ] : [differ];
  }

  language({ locale }) {
    return { lang: locale, dir: locale === this.site.locale ? this.site.direction : "auto" };
  }

  link(text, href, className = "") {
    const away = /^http/.test(href) && { target: "_blank", rel: "noopener noreferrer" };
    const hint = ` (${this.site.texts.new_tab})`;
    const spoken = away && make("span", { className: "sr", textContent: hint });
    return make("a", { href, className, ...away }, text, spoken);
  }

  actions(actions) {
    const links = actions
      .filter(({ href }) => /^(https?|tel|mailto):/i.test(href))
      .map(({ label, href }) => this.link(label, href, "action"));
    return links.length && make("p", { className: "row actions" }, ...links);
  }

  passage(href) {
    return this.element.host + href.replace("#", `&${this.#query}#`);
  }

  rating(reply) {
    const { texts } = this.site;
    if (reply.kind === "smalltalk") return null;
    let sent;
    const send = async (helpful, reason = "") => {
      sent = true;
      this.#pending = null;
      form.remove();
      press(helpful);
      const { id, kind } = reply;
      const response = await this.#post("feedback", { reply: id, kind, helpful, reason }).catch(() => 0);
      if (!response.ok) return press((sent = undefined));
      box.append(make("p", { className: "soft", textContent: texts.feedback_thanks }));
      this.#say(texts.feedback_thanks);
      return this.#emit("feedback", { helpful });
    };
    const press = (helpful) => {
      yes.setAttribute("aria-pressed", helpful === true);
      no.setAttribute("aria-pressed", helpful === false);
    };
    const yes = button(texts.helpful, () => sent || send(true));
    const no = button(texts.not_helpful, () => {
      if (sent) return;
      press(false);
      this.#pending?.();
      this.#pending = () => send(false);
      box.append(form);
      reason.focus();
    });
    const reason = make("textarea", { maxLength: 500, rows: 2, dir: "auto" });
    const onsubmit = (event) => {
      event.preventDefault();
      no.focus();
      send(false, reason.value.trim());
    };
    const label = make("label", { className: "soft" }, texts.reason, reason);
    const form = make("form", { onsubmit }, label, make("button", { textContent: texts.send_reason }));
    const box = make("div", { className: "row rating" }, yes, no);
    press();
    return box;
  }

  closeNote() {
    this.note?.mark.setAttribute("aria-expanded", false);
    this.note?.note.remove();
    this.note = null;
  }

  // Scroll the conversation, never the host page: to the start of something, or just into view.
  reveal(target, start) {
    const low = matchMedia(LOW).matches;
    const scroller = low ? this.panel : this.talk;
    const from = scroller.getBoundingClientRect().top + 8;
    const room = scroller.clientHeight - 16 - (low ? this.foot.offsetHeight : 0);
    const { top, height } = target.getBoundingClientRect();
    const above = top - from;
    const below = above + height - room;
    scroller.scrollTop += start || above < 0 ? above : Math.max(0, Math.min(above, below));
  }

  get #query() {
    return new URLSearchParams({ site: this.site.id, locale: this.site.locale });
  }

  #emit(name, detail = null) {
    const event = { bubbles: true, composed: true, detail };
    this.element.dispatchEvent(new CustomEvent(`footnote:${name}`, event));
  }

  #say(text) {
    this.status.textContent = text;
  }

  #showNotice(of) {
    Object.assign(this.notice, { textContent: of.notice.text, ...this.language(of) });
  }

  #dress() {
    const { element, root, site } = this;
    const { theme } = site;
    for (const [name, value] of Object.entries(theme)) {
      if (name.startsWith("offset") && element.hasAttribute("offset")) continue;
      root.style.setProperty(`--site-${name}`, value >= 0 ? `${value}px` : value);
    }
    const scheme = element.getAttribute("scheme") || theme.scheme;
    const position = element.getAttribute("position") || theme.position;
    root.classList.toggle("dark", scheme === "dark" || (scheme === "auto" && DARK.matches));
    root.classList.toggle("left", position === "left");
    Object.assign(root, this.language(site));
  }

  // A phone's keyboard covers the page without changing its height.
  #fit() {
    const { height, offsetTop, scale } = visualViewport;
    this.panel.style.setProperty("--seen", scale > 1 ? "" : `${height}px`);
    this.panel.style.setProperty("--shift", scale > 1 ? "" : `${offsetTop}px`);
  }

  #build() {
    const { element, root, site } = this;
    const { texts } = site;
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLES);
    element.shadowRoot.adoptedStyleSheets = [...element.shadowRoot.adoptedStyleSheets, sheet];
    this.launcher = root.querySelector(".launcher");
    const textContent = site.name ?? texts.title;
    this.heading = make("h2", { id: "title", tabIndex: -1, textContent });
    this.status = make("p", { className: "sr", role: "status" });
    this.greeting = make(
      "div",
      { className: "greeting" },
      make("p", { textContent: site.greeting }),
      make("p", { className: "soft", textContent: texts.tagline }),
      this.#suggestions(site.suggestions),
    );
    const talk = { className: "talk", role: "region", tabIndex: 0, "aria-label": texts.conversation };
    this.talk = make("div", talk, this.greeting);
    this.notice = make("p", { className: "notice" });
    this.foot = make("div", { className: "foot" }, this.#composer(), this.notice);
    this.panel = make(
      "section",
      {
        className: "panel",
        role: element.floating ? "dialog" : "region",
        "aria-labelledby": "title",
        hidden: true,
        onkeydown: (event) => this.#key(event),
      },
      this.#header(),
      this.talk,
      this.foot,
      this.status,
    );
    // What is typed here is none of the host page's business.
    for (const type of ["keydown", "keyup", "keypress", "beforeinput", "input", "paste"]) {
      this.panel.addEventListener(type, (event) => event.stopPropagation());
    }
    for (const type of ["pointerdown", "focusin"]) {
      this.panel.addEventListener(type, ({ target }) => {
        if (!this.menu.contains(target)) this.menu.open = false;
      });
    }
    this.#showNotice(site);
    root.append(this.panel);
  }

  #header() {
    const { element, site } = this;
    const { texts, logo, leave } = site;
    const image = logo && make("img", { src: logo, alt: "", onerror: () => image.remove() });
    const close = button("✕", () => element.close(), { "aria-label": texts.close });
    this.menu = make(
      "details",
      { className: "menu" },
      make("summary", { textContent: texts.more }),
      make("div", {}, ...this.#items()),
    );
    return make(
      "header",
      {},
      image,
      this.heading,
      this.menu,
      element.floating && close,
      leave && button(texts.leave, () => this.#leave(), { className: "leave" }),
    );
  }

  #items() {
    const { texts } = this.site;
    const item = (name, act) =>
      button(texts[name], () => {
        this.menu.open = false;
        this.menu.firstChild.focus();
        act();
      });
    return [
      item("copy", () => this.#copy()),
      item("save", () => this.#save()),
      item("print", () => this.#print()),
      item("clear", () => this.clear()),
      item("covers", () => this.#covers()),
      this.link(texts.full_page, `${this.element.host}/?${this.#query}`),
    ];
  }

  #composer() {
    const { texts } = this.site;
    const { ask, placeholder } = texts;
    const onkeydown = (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    };
    const grow = ({ target }) => {
      target.style.height = "auto";
      target.style.height = `${target.scrollHeight + 2}px`;
    };
    this.hint = make("p", { id: "hint", className: "soft" });
    this.input = make("textarea", {
      rows: 1,
      maxLength: 2000,
      dir: "auto",
      placeholder,
      onkeydown,
      oninput: grow,
      "aria-label": ask,
      "aria-describedby": "hint",
      enterKeyHint: "send",
    });
    // A second click of a double click must not stop what the first has sent.
    const onclick = (event) => {
      if (!this.#asking) return;
      event.preventDefault();
      if (event.detail < 2) this.#asking.abort();
    };
    this.send = make("button", { className: "send", textContent: texts.send, onclick });
    const onsubmit = (event) => {
      event.preventDefault();
      if (this.#asking) return;
      const { value } = this.input;
      this.input.value = "";
      grow({ target: this.input });
      this.ask(value);
    };
    const form = make("form", { className: "asking", onsubmit }, this.input, this.send);
    return make("div", {}, this.hint, form);
  }

  #key(event) {
    if (event.key !== "Escape" || event.isComposing) return;
    const { menu, note, site, element } = this;
    if (event.shiftKey && site.leave) this.#leave();
    else if (menu.open) {
      menu.open = false;
      menu.firstChild.focus();
    } else if (note) {
      this.closeNote();
      note.mark.focus();
    } else element.close();
  }

  #leave() {
    this.clear();
    this.element.hidden = true;
    location.replace(this.site.leave);
  }

  // Return buttons that ask; each a question, or a title with its question.
  #suggestions(list) {
    if (!list.length) return null;
    const items = list.map((one) => {
      const { title = one, question = one } = one;
      return make("li", {}, button(title, () => this.ask(question), { dir: "auto" }));
    });
    const label = make("p", { className: "label", textContent: this.site.texts.examples });
    return make("div", { className: "suggestions" }, label, make("ul", { className: "row" }, ...items));
  }

  #covers() {
    const { texts, covers } = this.site;
    const heading = make("h3", { tabIndex: -1, textContent: texts.covers });
    const section = make("section", { className: "exchange covers" }, heading);
    section.append(this.#suggestions(covers) ?? "");
    this.talk.querySelector(".covers")?.remove();
    this.talk.append(section);
    this.reveal(section, true);
    heading.focus({ preventScroll: true });
  }

  #add(exchange) {
    const before = make("span", { className: "sr", textContent: `${this.site.texts.you_asked} ` });
    const question = make("span", { dir: "auto", textContent: exchange.question });
    exchange.heading = make("h3", { className: "asked", tabIndex: -1 }, before, question);
    exchange.body = make("div", { className: "answer" });
    this.talk.append(make("section", { className: "exchange" }, exchange.heading, exchange.body));
    this.#exchanges.push(exchange);
  }

  async #run(exchange) {
    const { texts } = this.site;
    const asking = new AbortController();
    this.#asking?.abort();
    this.#asking = asking;
    const working = make("p", { className: "soft working", textContent: texts.reading });
    Object.assign(exchange, { reply: null, done: false });
    exchange.body.replaceChildren(working);
    this.send.textContent = texts.stop;
    this.#say(texts.searching);
    this.reveal(exchange.heading, true);
    try {
      await this.#receive(exchange, working, asking.signal);
      this.#finish(exchange);
    } catch (error) {
      const known = asking.signal.aborted ? new Problem("stopped") : error;
      if (this.#exchanges.includes(exchange)) this.#problem(exchange, known);
    }
    if (this.#asking !== asking) return;
    this.#asking = null;
    this.send.textContent = texts.send;
  }

  async #receive(exchange, working, signal) {
    const { question } = exchange;
    const { locale } = this.site;
    const body = { question, history: this.#history(exchange), locale };
    const response = await this.#post("ask", body, signal).catch(() => {
      throw new Problem("offline");
    });
    const wait = Number(response.headers.get("Retry-After"));
    if (!response.ok) throw new Problem(PROBLEMS[response.status] ?? "failed", wait);
    for await (const [name, data] of events(response.body)) {
      if (name === "meta") exchange.reply = { statements: [], citations: [], ...data };
      if (name === "urgent") exchange.reply = data;
      if (name === "status") working.textContent = data.text;
      if (name === "statement") exchange.reply.statements.push(data);
      if (name === "citations") exchange.reply.citations = data;
      exchange.done = name === "done" || name === "urgent";
      if (exchange.done) return;
      this.#draw(exchange, working);
    }
    throw new Problem("failed");
  }

  #history(exchange) {
    const upTo = this.#exchanges.slice(0, this.#exchanges.indexOf(exchange) + 1);
    const start = Math.max(0, upTo.findLastIndex(({ fresh }) => fresh));
    const answered = upTo.slice(start, -1).filter(({ done }) => done);
    return answered.map(({ question }) => question).slice(-HISTORY);
  }

  #draw(exchange, ...after) {
    const { reply, done, restored } = exchange;
    this.note = null;
    const card = reply && new Card(this, reply, done && !restored).element;
    const suggestions = done && this.#suggestions(reply.suggestions);
    exchange.body.replaceChildren(...[card, ...after, suggestions].filter(Boolean));
    if (reply) this.#showNotice(reply);
  }

  #finish(exchange) {
    const { kind } = exchange.reply;
    const urgent = kind === "urgent";
    this.#say(urgent ? "" : this.site.texts.done);
    this.#draw(exchange);
    this.reveal(urgent ? exchange.body : exchange.heading, true);
    this.#keep();
    this.#emit("answer", { kind });
    if (urgent) this.#emit("urgent");
  }

  #problem(exchange, { message, wait = 0 }) {
    const { texts, actions } = this.site;
    const key = message in texts ? message : navigator.onLine ? "failed" : "offline";
    const text = make("p");
    const retry = button(texts.retry, () => {
      exchange.heading.focus({ preventScroll: true });
      this.#run(exchange);
    });
    const count = (seconds) => {
      text.textContent = fill(texts[key], { seconds });
      retry.disabled = seconds > 0;
      if (seconds > 0 && text.isConnected) setTimeout(count, 1000, seconds - 1);
    };
    if (key === "stopped") exchange.reply = null;
    const links = key !== "stopped" && this.actions(actions);
    const row = make("p", { className: "row" }, key !== "not_allowed" && retry);
    this.#draw(exchange, make("div", { className: "problem" }, text, links, row));
    count(wait);
    this.#say(text.textContent);
    this.reveal(exchange.body);
  }

  #post(path, body, signal) {
    return fetch(`${this.element.host}/api/v1/${path}`, {
      method: "POST",
      credentials: "omit",
      referrerPolicy: "no-referrer",
      headers: { "Content-Type": "application/json", Accept: "text/event-stream" },
      body: JSON.stringify({ ...body, site: this.site.id }),
      signal,
    });
  }

  // Return the conversation with all footnotes, as tags and texts.
  #record() {
    const { texts, name } = this.site;
    const form = { dateStyle: "long", timeStyle: "short" };
    const date = new Date().toLocaleString(this.site.locale, form);
    const lines = [["h1", fill(texts.saved_on, { date })], ["p", name ?? texts.title]];
    for (const { question, reply } of this.#exchanges) {
      lines.push(["h2", `${texts.you_asked} ${question}`]);
      if (reply) lines.push(...this.#recordReply(reply));
    }
    return lines;
  }

  #recordReply(reply) {
    const { texts } = this.site;
    const { kind, lead, understood_as, actions, citations, notice } = reply;
    const quote = ({ text, citations }) => ["p", [quoted(text), ...citations.map((n) => `[${n}]`)].join(" ")];
    const side = (statements, i) => [["h4", fill(texts.side, { number: i + 1 })], ...statements.map(quote)];
    return [
      ["p", understood_as && fill(texts.understood, { question: understood_as })],
      ...this.outcome(reply).map((heading) => ["h3", heading]),
      ["p", lead],
      ...actions.map(({ label, href }) => ["p", `${label}: ${href}`]),
      ...layout(reply).flatMap((block) => {
        if (block.theme) return [["h3", block.theme]];
        return block.quote ? [quote(block.quote)] : [["h4", block.about], ...block.sides.flatMap(side)];
      }),
      ...citations.map(({ number, quote, title, caution, href }) => [
        "p",
        `[${number}] ${quoted(quote)} ${title}. ${caution ? `${texts.caution}: ${caution}` : ""} ${this.element.host}${href}`,
      ]),
      ["p", notice.text],
    ].filter(([, text]) => text);
  }

  #text() {
    return this.#record().map(([tag, text]) => (tag === "p" ? text : `\n${text}`)).join("\n");
  }

  async #copy() {
    const text = this.#text();
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const copy = make("textarea", { className: "sr", value: text });
      this.panel.append(copy);
      copy.select();
      document.execCommand("copy");
      copy.remove();
      this.menu.firstChild.focus();
    }
    this.#say(this.site.texts.copied);
  }

  #save() {
    const href = URL.createObjectURL(new Blob([this.#text()], { type: "text/plain" }));
    make("a", { href, download: `${this.site.id}.txt` }).click();
    setTimeout(() => URL.revokeObjectURL(href), 1000);
  }

  // In a frame of its own, so that neither the host page nor its policy has a say in it.
  #print() {
    const onload = () => {
      const { contentWindow, contentDocument } = frame;
      const sheet = new contentWindow.CSSStyleSheet();
      sheet.replaceSync(PAPER);
      contentDocument.adoptedStyleSheets = [sheet];
      Object.assign(contentDocument.documentElement, this.language(this.site));
      const lines = this.#record().map(([tag, textContent]) => make(tag, { textContent, dir: "auto" }));
      contentDocument.body.replaceChildren(...lines);
      contentWindow.onafterprint = () => frame.remove();
      contentWindow.print();
    };
    const frame = make("iframe", { className: "sr", ariaHidden: true, tabIndex: -1, onload });
    this.panel.append(frame);
  }

  // Remember the conversation while the tab is open, if the site wants it and the browser allows.
  #keep() {
    if (!this.site.keep) return;
    const done = this.#exchanges.filter((exchange) => exchange.done);
    const kept = done.map(({ question, fresh, reply }) => ({ question, fresh, reply }));
    try {
      if (kept.length) sessionStorage.setItem(this.#drawer, JSON.stringify(kept));
      else sessionStorage.removeItem(this.#drawer);
    } catch {
      // Storage is blocked or full: then nothing is kept.
    }
  }

  #restore() {
    if (!this.site.keep) return;
    try {
      for (const kept of JSON.parse(sessionStorage.getItem(this.#drawer)) ?? []) {
        const exchange = { ...kept, done: true, restored: true };
        this.#add(exchange);
        this.#draw(exchange);
      }
    } catch {
      this.clear();
    }
  }

  get #drawer() {
    return `footnote:${this.site.id}`;
  }
}

customElements.get("footnote-assistant").take(Chat);
