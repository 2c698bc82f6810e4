// The panel: what a visitor asks and reads. Loaded by widget.js at first use. All texts come from
// the server, none is ever parsed as HTML, and nothing is kept unless the site says so.

const LOW = "(max-height: 480px)";
const HISTORY = 10;
const PATIENCE = 30000;
const DARK = matchMedia("(prefers-color-scheme: dark)");
const PROBLEMS = { 403: "not_allowed", 429: "busy" };

const STYLES = `
  .root {
    --surface: var(--footnote-surface, #fff); --ink: var(--footnote-ink, #1c2a2c);
    --alarm: #b3261e; --on-alarm: #fff; --ground: #fff; --on-ground: #1c2a2c; --radius: var(--footnote-radius, var(--site-radius));
    --soft: color-mix(in srgb, var(--ink) 78%, var(--surface));
    --line: color-mix(in srgb, var(--ink) 20%, var(--surface));
    --tint: color-mix(in srgb, var(--accent) 10%, var(--surface));
    color-scheme: light;
  }
  .dark {
    --surface: var(--footnote-surface, #182425); --ink: var(--footnote-ink, #e8efef);
    --alarm: #ff9c92; --on-alarm: #2d0b07; --ground: #182425; --on-ground: #e8efef;
    color-scheme: dark;
    --accent: var(--footnote-accent, var(--site-accent_dark));
    --on-accent: var(--footnote-on-accent, var(--site-on_accent_dark));
  }
  * { box-sizing: border-box; margin: 0; padding: 0; font-size: 1em; }
  ul, .menu summary { list-style: none; }
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
    min-height: 44px; padding: 8px 12px; border: 1px solid transparent; border-radius: var(--radius);
    font: inherit; color: var(--accent); background: none; text-align: start; cursor: pointer;
  }
  button:hover, summary:hover { text-decoration: underline; }
  .panel :disabled { opacity: .6; cursor: default; }
  .sr { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .soft, cite { color: var(--soft); font-style: normal; }
  cite, .note .soft { display: block; font-size: .875em; }
  .label { font-weight: 600; }

  .head {
    display: flex; flex-wrap: wrap; align-items: center; gap: 0 8px; padding: 4px 8px;
    position: relative; z-index: 1; border-bottom: 1px solid var(--line);
  }
  h2 { flex: 1 1 40%; padding: 4px 8px; line-height: 1.3; }
  img { max-width: 96px; max-height: 36px; }
  .panel .leave { order: 1; border-color: currentcolor; }
  .menu > div {
    position: absolute; top: 52px; inset-inline-end: 8px; display: grid; padding: 8px;
    max-height: 45vh; overflow: auto; box-shadow: 0 8px 40px #0005;
  }

  .talk { flex: 1; overflow: auto; padding: 16px; overscroll-behavior: contain; }
  .talk, .exchange, .answer, .reply, .problem, .alarm, .side, .pair, .suggestions, .note, .greeting,
  .rating form {
    display: grid; gap: 12px; align-content: start;
  }
  .asked {
    justify-self: end; max-width: 90%; padding: 8px 12px; border: 1px solid transparent;
    border-radius: var(--radius); background: var(--tint);
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
    font-size: .8125em; text-align: center;
  }
  .mark::after { content: ""; position: absolute; inset: -10px -4px; }
  .panel :is([aria-pressed="true"], .mark[aria-expanded="true"], .send) {
    color: var(--on-accent); background: var(--accent);
  }
  .note { gap: 4px; margin-top: 8px; }
  .note a { padding: 8px 0; }
  .row { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }
  .talk button, .action { justify-self: start; border-color: currentcolor; }
  .talk .wrong { padding: 0; border: 0; text-decoration: underline; }
  .action { display: flex; align-items: center; font-weight: 600; text-decoration: none; }
  .rating form { flex: 1 0 100%; }
  .panel .urgent { border: 3px solid var(--alarm); color: var(--on-ground); background: var(--ground); }
  .alarm h4 { font-size: 1.25em; color: var(--alarm); }
  .alarm .action {
    flex: 1 0 100%; justify-content: center; min-height: 56px; font-size: 1.25em;
    color: var(--on-alarm); background: var(--alarm);
  }

  .send { flex: none; font-weight: 600; }
  .foot {
    padding: 8px 12px calc(8px + env(safe-area-inset-bottom)); background: var(--surface);
    border-top: 1px solid var(--line);
  }
  .asking { display: flex; align-items: end; gap: 8px; }
  textarea {
    width: 100%; min-height: 44px; max-height: 30vh; padding: 8px 12px; resize: none;
    border: 1px solid var(--soft); border-radius: var(--radius); font: inherit; color: inherit;
    background: var(--surface);
  }
  textarea:placeholder-shown { direction: inherit; }
  ::placeholder { color: var(--soft); white-space: nowrap; }
  .notice { margin-top: 6px; font-size: .8125em; line-height: 1.4; }

  @media (max-width: 480px), (max-height: 560px) {
    [role="dialog"] {
      inset: var(--shift, 0) 0 auto; width: auto; height: var(--seen, 100dvh); border: 0;
      border-radius: 0; padding: 0 env(safe-area-inset-right) 0 env(safe-area-inset-left);
    }
  }
  @media ${LOW} {
    .panel { display: block; overflow: auto; scroll-padding-bottom: 160px; }
    .foot { position: sticky; bottom: 0; z-index: 2; }
    .alarm { gap: 4px; }
    .alarm h4 { font-size: 1em; }
    .menu > div { position: static; }
    textarea { max-height: 44px; }
  }`;

const PAPER = "body { font: 12pt sans-serif } p { white-space: pre-line }";

const { make } = customElements.get("footnote-assistant");

const button = (text, onclick, more) => make("button", { type: "button", onclick, ...more }, text);

const foreign = { dir: "auto" };

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (blank, name) => values[name] ?? blank);

const capital = (text) => text[0].toUpperCase() + text.slice(1);

const quoted = (text) => `“${text}”`;

// Yield the events of a stream, whose chunks may end anywhere.
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split(/\r\n\r\n|\n\n|\r\r/);
    rest = blocks.pop();
    for (const block of blocks) {
      const fields = block.split(/[\r\n]+/).map((line) => line.split(/: ?(.*)/));
      const { event, data } = Object.fromEntries(fields);
      if (data) yield [event, JSON.parse(data)];
    }
  }
}

// What a reply says in the order of reading: `theme`, `quote`, or the `sides` of a disagreement.
// Statements that a broken stream did not bring are left out.
const layout = ({ statements, disagreements }) => {
  const shown = new Set();
  const several = statements.some(({ theme }) => theme !== statements[0].theme);
  let last;
  return statements.flatMap((statement, index) => {
    const pairs = disagreements.filter(({ sides }) => sides.flat().includes(index));
    const blocks = pairs.length ? [] : [{ quote: statement }];
    for (const { about, sides } of pairs) {
      const members = sides.flat();
      if (members.every((i) => shown.has(i))) continue;
      members.forEach((i) => shown.add(i));
      blocks.push({
        about: disagreements.length > 1 && capital(about),
        sides: [...sides]
          .sort(([a], [b]) => a - b)
          .map((side) => side.map((i) => statements[i]).filter(Boolean)),
      });
    }
    const theme = several && blocks.length && last !== statement.theme && statement.theme;
    last = theme || last;
    return theme ? [{ theme }, ...blocks] : blocks;
  });
};

const problem = (key, wait) => Object.assign(Error(key), { wait });

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
      make("h4", "", texts.urgent),
      chat.actions(reply.actions),
      make("p", "lead", reply.lead.replace(`${texts.urgent}. `, "")),
    );
  }

  #parts(rated) {
    const { reply, chat } = this;
    const [outcome, differ] = chat.outcome(reply);
    return [
      reply.understood_as && this.#understood(),
      outcome && make("h4", "", outcome),
      make("p", "lead", reply.lead),
      chat.actions(reply.actions),
      differ && make("h4", "", differ),
      ...layout(reply).map((block) => this.#block(block, outcome ? "h5" : "h4")),
      reply.citations.length && this.#sources(),
      rated && chat.rating(reply),
    ];
  }

  #understood() {
    const { texts, reply, chat } = this;
    const [before, after] = texts.understood.split("{question}");
    const text = make("p", "soft", before, make("bdi", "", reply.understood_as), after);
    const wrong = button(texts.understood_wrong, () => chat.reword(reply), { className: "wrong" });
    return make("div", "understood", text, wrong);
  }

  #block({ theme, quote, about, sides }, heading) {
    if (theme) return make(heading, "theme", theme);
    if (quote) return this.#quotation(quote);
    const drawn = sides.map((side, i) => {
      const label = make("p", "label", fill(this.texts.side, { number: i + 1 }));
      const quotations = side.map((statement) => this.#quotation(statement, true));
      return side.length && make("div", `side side-${i + 1}`, label, ...quotations);
    });
    return make("div", "pair", about && make("p", "label", about), ...drawn);
  }

  #quotation({ text, citations }, named) {
    const place = make("div");
    const found = citations.map((number) => this.reply.citations[number - 1]).filter(Boolean);
    const marks = found.map((citation) => this.#mark(citation, place));
    const title = named && found.length && make("cite", foreign, found[0].title);
    return make("blockquote", "quote", make("p", foreign, quoted(text), ...marks), title, place);
  }

  #mark(citation, place) {
    const { chat, reply, texts } = this;
    const { number } = citation;
    const id = `note-${reply.id}-${++this.#notes}`;
    const label = { "aria-label": fill(texts.footnote, { number }) };
    const toggle = () => {
      const open = chat.note?.mark === mark;
      chat.closeNote();
      if (open) return;
      const note = this.#note(citation, { id, role: "group", ...label });
      place.append(note);
      mark.setAttribute("aria-expanded", true);
      chat.note = { mark, note };
      chat.reveal(note);
    };
    const aria = { ...label, "aria-expanded": false, "aria-controls": id };
    const mark = button(`[${number}]`, toggle, { className: "mark", ...aria });
    return mark;
  }

  #note({ quote, title, kind, caution, href, number }, more) {
    const { texts, reply, chat } = this;
    const repeated = reply.statements.every(({ text }) => text !== quote);
    return make(
      "div",
      { className: "note", ...more },
      make("cite", foreign, `[${number}] ${title}`),
      make("p", { className: "soft", ...foreign }, capital(kind)),
      caution && make("p", "soft", `${texts.caution}: `, make("bdi", "", caution)),
      repeated && make("p", "label", texts.also_says),
      make("blockquote", foreign, quoted(quote)),
      chat.link(texts.read_in_context, chat.passage(href)),
    );
  }

  #sources() {
    const { citations } = this.reply;
    const notes = citations.map((citation) => make("li", "", this.#note(citation)));
    const summary = make("summary", "", `${this.texts.sources} (${notes.length})`);
    return make("details", "sources", summary, make("ul", "", ...notes));
  }
}

// The panel of one element.
class Chat {
  #exchanges = [];
  #life = new AbortController();
  #fresh;
  #asking;
  #pending;

  constructor(element, site) {
    // Nothing but a page: what came over the line must not run as a script.
    if (!/^https?:/.test(site.leave)) site.leave = null;
    Object.assign(this, { element, site, root: element.root });
    this.#dress();
    this.#build();
    this.#restore();
    const { signal } = this.#life;
    for (const type of ["resize", "scroll"]) {
      visualViewport.addEventListener(type, () => this.#fit(), { signal });
    }
    DARK.addEventListener("change", () => this.#dress(), { signal });
  }

  open(focus) {
    const { panel } = this;
    if (panel.hidden) {
      this.#offer(false);
      this.#fit();
      this.#emit("open");
    }
    if (focus) (matchMedia("(pointer: coarse)").matches ? this.heading : this.input).focus();
  }

  close() {
    const { panel, launcher } = this;
    if (!launcher || panel.hidden) return;
    const within = panel.contains(this.element.shadowRoot.activeElement);
    this.#pending?.();
    this.#offer(true);
    if (within) launcher.focus();
    this.#emit("close");
  }

  clear() {
    this.#asking?.abort();
    this.#exchanges = [];
    this.#fresh = this.#pending = this.note = null;
    this.input.value = this.hint.textContent = "";
    this.talk.replaceChildren(this.greeting);
    this.#showNotice(this.site);
    this.#say("");
    this.#keep();
  }

  destroy() {
    this.#asking?.abort();
    this.#life.abort();
  }

  ask(text) {
    const question = text.trim().slice(0, 2000);
    if (!question) return;
    this.#pending?.();
    const answered = this.#exchanges.filter(({ done }) => done && !this.#fresh);
    const history = answered.slice(-HISTORY).map((earlier) => earlier.question);
    const exchange = { question, history };
    this.#fresh = null;
    this.hint.textContent = "";
    this.#add(exchange);
    this.#run(exchange);
  }

  // Put a question back that was misunderstood; the next is sent without those before it.
  reword(reply) {
    this.input.value = this.#exchanges.find((exchange) => exchange.reply === reply).question;
    this.hint.textContent = this.site.texts.reword;
    this.#fresh = true;
    this.input.focus();
    this.input.select();
  }

  // Return the headings of a reply: its outcome, and that sources differ if the lead does not say.
  outcome({ kind, disagreements }) {
    const { texts } = this.site;
    if (kind === "personal") return [texts.personal, disagreements.length ? texts.disagree : ""];
    return kind === "not_covered" ? [texts.not_covered] : [];
  }

  language({ locale }) {
    return { lang: locale, dir: locale === this.site.locale ? this.site.direction : "auto" };
  }

  link(text, href, className = "") {
    const away = /^http/.test(href) && { target: "_blank", rel: "noreferrer" };
    const hint = away && make("span", "sr", ` (${this.site.texts.new_tab})`);
    return make("a", { href, className, ...away }, text, hint);
  }

  actions(actions) {
    const links = actions
      .filter(({ href }) => /^(https?|tel|mailto):/i.test(href))
      .map(({ label, href }) => this.link(label, href, "action"));
    return links.length && make("div", "row actions", ...links);
  }

  passage(href) {
    return this.element.host + href.replace("#", `&${this.#query}#`);
  }

  rating({ id, kind }) {
    const { texts } = this.site;
    if (kind === "smalltalk") return null;
    let sent;
    const press = (pressed) => {
      for (const one of [yes, no]) one.setAttribute("aria-pressed", one === pressed);
    };
    const send = async (pressed, reason) => {
      const helpful = pressed === yes;
      sent = true;
      this.#pending = null;
      form.remove();
      press(pressed);
      const body = { reply: id, kind, helpful, reason };
      sent = (await this.#post("feedback", body).catch(() => false)).ok;
      if (!sent) return press();
      box.append(make("p", "soft", texts.feedback_thanks));
      this.#say(texts.feedback_thanks);
      return this.#emit("feedback", { helpful });
    };
    const yes = button(texts.helpful, () => sent || send(yes, ""));
    const no = button(texts.not_helpful, () => {
      if (sent || form.isConnected) return;
      this.#pending?.();
      this.#pending = () => send(no, "");
      press(no);
      box.append(form);
      words.focus();
    });
    const words = make("textarea", { maxLength: 500, ...foreign });
    const onsubmit = (event) => {
      event.preventDefault();
      no.focus();
      send(no, words.value.trim());
    };
    const label = make("label", "soft", texts.reason, words);
    const form = make("form", { onsubmit }, label, make("button", "", texts.send_reason));
    const box = make("div", "row rating", yes, no);
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
    const room = scroller.clientHeight - 16 - (low && this.foot.offsetHeight);
    const { top, height } = target.getBoundingClientRect();
    const above = top - scroller.getBoundingClientRect().top - 8;
    const below = Math.max(0, above + height - room);
    scroller.scrollTop += start ? above : Math.min(above, below);
  }

  get #query() {
    return new URLSearchParams({ site: this.site.id, locale: this.site.locale });
  }

  #emit(name, detail) {
    const event = { bubbles: true, composed: true, detail };
    this.element.dispatchEvent(new CustomEvent(`footnote:${name}`, event));
  }

  #say(text) {
    this.status.textContent = text;
  }

  #offer(offered) {
    this.panel.hidden = offered;
    if (this.launcher) this.launcher.hidden = !offered;
    this.launcher?.setAttribute("aria-expanded", !offered);
  }

  #showNotice(of) {
    Object.assign(this.notice, { textContent: of.notice.text || this.site.notice.text, ...this.language(of) });
  }

  #dress() {
    const { element, root, site } = this;
    const { theme } = site;
    const own = (name) => element.getAttribute(name) || theme[name];
    for (const [name, value] of Object.entries(theme)) {
      if (/\(/.test(value) || (/^offset/.test(name) && element.hasAttribute("offset"))) continue;
      root.style.setProperty(`--site-${name}`, value >= 0 ? `${value}px` : value);
    }
    const scheme = own("scheme");
    root.classList.toggle("dark", scheme === "dark" || (scheme === "auto" && DARK.matches));
    root.classList.toggle("left", own("position") === "left");
    Object.assign(root, this.language(site));
  }

  // A phone's keyboard covers the page without changing its height.
  #fit() {
    const { height, offsetTop, scale } = visualViewport;
    const { style } = this.panel;
    style.setProperty("--seen", scale > 1 ? "" : `${height}px`);
    style.setProperty("--shift", scale > 1 ? "" : `${offsetTop}px`);
  }

  #build() {
    const { element, root, site } = this;
    const { texts } = site;
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLES);
    element.shadowRoot.adoptedStyleSheets = [...element.shadowRoot.adoptedStyleSheets, sheet];
    this.launcher = root.querySelector(".launcher");
    this.heading = make("h2", { id: "title", tabIndex: -1 }, site.name ?? texts.title);
    this.status = make("p", { className: "sr", role: "status" });
    this.greeting = make(
      "div",
      "greeting",
      make("p", "", site.greeting),
      make("p", "soft", texts.tagline),
      this.#suggestions(site.suggestions),
    );
    const talk = { className: "talk", role: "region", tabIndex: 0 };
    this.talk = make("div", { ...talk, "aria-label": texts.conversation }, this.greeting);
    this.notice = make("p", "notice");
    this.foot = make("div", "foot", this.#composer(), this.notice);
    const role = element.floating ? "dialog" : "region";
    const panel = { className: "panel", role, "aria-labelledby": "title", hidden: true };
    this.panel = make("section", panel, this.#header(), this.talk, this.foot, this.status);
    this.panel.onkeydown = (event) => this.#key(event);
    for (const type of ["pointerdown", "focusin"]) {
      this.panel.addEventListener(type, ({ target }) => (this.menu.open &&= this.menu.contains(target)));
    }
    // What is typed here is none of the host page's business.
    for (const type of ["keydown", "keyup", "keypress", "beforeinput", "input", "paste"]) {
      this.panel.addEventListener(type, (event) => event.stopPropagation());
    }
    this.#showNotice(site);
    root.append(this.panel);
  }

  #header() {
    const { element, site } = this;
    const { texts, logo, leave } = site;
    const image = logo && make("img", { src: logo, alt: "" });
    const more = make("summary", "", texts.more);
    this.menu = make("details", "menu", more, make("div", "", ...this.#items()));
    return make(
      "div",
      "head",
      image,
      this.heading,
      this.menu,
      element.floating && button("✕", () => element.close(), { "aria-label": texts.close }),
      leave && button(texts.leave, () => this.#leave(), { className: "leave" }),
    );
  }

  #items() {
    const { texts } = this.site;
    const acts = {
      copy: () => this.#copy(),
      save: () => this.#save(),
      print: () => this.#print(),
      clear: () => this.clear(),
      covers: () => this.#covers(),
    };
    const items = Object.entries(acts).map(([name, act]) =>
      button(texts[name], () => {
        this.#shut();
        act();
      }),
    );
    const { emergency, actions } = this.site;
    return [
      ...items,
      this.link(texts.full_page, `${this.element.host}/?${this.#query}`),
      this.actions([emergency, ...actions]),
    ];
  }

  #shut() {
    this.menu.open = false;
    this.menu.firstChild.focus();
  }

  #composer() {
    const { texts } = this.site;
    const grow = () => {
      this.input.style.height = "auto";
      this.input.style.height = `${this.input.scrollHeight + 2}px`;
    };
    this.hint = make("p", { id: "hint", className: "soft" });
    this.input = make("textarea", {
      rows: 1,
      maxLength: 2000,
      placeholder: texts.placeholder,
      "aria-label": texts.ask,
      "aria-describedby": "hint",
      enterKeyHint: "send",
      oninput: grow,
      onkeydown: (event) => {
        if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
        event.preventDefault();
        form.requestSubmit();
      },
      ...foreign,
    });
    // A second click of a double click must not stop what the first has sent.
    const onclick = (event) => {
      if (!this.#asking) return;
      event.preventDefault();
      if (event.detail < 2) this.#asking.abort();
    };
    this.send = make("button", { className: "send", onclick }, texts.send);
    const onsubmit = (event) => {
      event.preventDefault();
      this.ask(this.input.value);
      this.input.value = "";
      grow();
    };
    const form = make("form", { className: "asking", onsubmit }, this.input, this.send);
    return make("div", "", this.hint, form);
  }

  #key(event) {
    if (event.key !== "Escape" || event.isComposing) return;
    const { note } = this;
    if (event.shiftKey && this.site.leave) this.#leave();
    else if (this.menu.open) this.#shut();
    else if (note) {
      this.closeNote();
      note.mark.focus();
    } else this.element.close();
  }

  // Where it leads does not learn from where.
  #leave() {
    this.clear();
    this.element.hidden = true;
    document.head.append(make("meta", { name: "referrer", content: "no-referrer" }));
    location.replace(this.site.leave);
  }

  // Return buttons that ask: questions, or titles with their questions.
  #suggestions(list) {
    const items = list.map((one) => {
      const { title, question } = one.title ? one : { title: one, question: one };
      return make("li", "", button(title, () => this.ask(question), foreign));
    });
    const label = make("p", "label", this.site.texts.examples);
    return items.length && make("div", "suggestions", label, make("ul", "row", ...items));
  }

  #covers() {
    const { texts, covers } = this.site;
    const heading = make("h3", { tabIndex: -1 }, texts.covers);
    this.talk.querySelector(".covers")?.remove();
    this.talk.append(make("section", "exchange covers", heading, this.#suggestions(covers)));
    this.reveal(heading, true);
    heading.focus({ preventScroll: true });
  }

  #add(exchange) {
    const before = make("span", "sr", `${this.site.texts.you_asked} `);
    const question = make("span", foreign, exchange.question);
    exchange.heading = make("h3", { className: "asked", tabIndex: -1 }, before, question);
    exchange.body = make("div", "answer");
    this.talk.append(make("section", "exchange", exchange.heading, exchange.body));
    this.#exchanges.push(exchange);
  }

  async #run(exchange) {
    const { texts } = this.site;
    const asking = new AbortController();
    const working = make("p", "soft working", texts.reading);
    this.#asking?.abort();
    this.#asking = asking;
    exchange.reply = exchange.done = null;
    this.#draw(exchange, working);
    this.send.textContent = texts.stop;
    this.#say(texts.searching);
    this.reveal(exchange.heading, true);
    const late = setTimeout(() => asking.abort("late"), PATIENCE);
    try {
      await this.#receive(exchange, working, asking.signal);
      this.#finish(exchange);
    } catch (error) {
      const { aborted, reason } = asking.signal;
      const known = aborted && reason !== "late" ? problem("stopped") : error;
      if (this.#exchanges.includes(exchange)) this.#fail(exchange, known);
    }
    clearTimeout(late);
    if (this.#asking !== asking) return;
    this.#asking = null;
    this.send.textContent = texts.send;
  }

  async #receive(exchange, working, signal) {
    const { question, history } = exchange;
    const { locale } = this.site;
    const body = { question, history, locale };
    const response = await this.#post("ask", body, signal);
    const wait = +response.headers.get("Retry-After");
    if (!response.ok) throw problem(PROBLEMS[response.status], wait);
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
    throw problem();
  }

  #draw(exchange, ...after) {
    const { reply, done, restored } = exchange;
    const card = reply && new Card(this, reply, done && !restored).element;
    const suggestions = done && this.#suggestions(reply.suggestions);
    this.closeNote();
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
    if (urgent) {
      this.open();
      this.#emit("urgent");
    }
  }

  #fail(exchange, { message, wait = 0 }) {
    const { texts, actions, emergency } = this.site;
    const key = texts[message] ? message : navigator.onLine ? "failed" : "offline";
    const stopped = key === "stopped";
    const text = make("p");
    const retry = button(texts.retry, () => {
      exchange.heading.focus({ preventScroll: true });
      this.#run(exchange);
    });
    const count = (seconds) => {
      text.textContent = fill(texts[key], { seconds });
      retry.disabled = seconds > 0;
      if (seconds && text.isConnected) setTimeout(count, 1000, seconds - 1);
    };
    if (stopped) exchange.reply = null;
    const box = make(
      "div",
      "problem",
      text,
      key !== "not_allowed" && retry,
      !stopped && this.actions([emergency, ...actions]),
    );
    try {
      this.#draw(exchange, box);
    } catch {
      exchange.body.replaceChildren(box); // what came was no reply
    }
    count(wait);
    if (exchange !== this.#exchanges.at(-1)) return; // another question has taken its place
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
    const { texts, name, locale } = this.site;
    const date = new Date().toLocaleString(locale, { dateStyle: "long", timeStyle: "short" });
    return [
      ["h1", fill(texts.saved_on, { date })],
      ["p", name],
      ...this.#exchanges.flatMap(({ question, reply, done }) => [
        ["h2", `${texts.you_asked} ${question}`],
        ...(done ? this.#recordReply(reply) : []),
      ]),
    ].filter(([, text]) => text);
  }

  #recordReply(reply) {
    const { texts } = this.site;
    const quotation = ({ text, citations }) => [
      "p",
      [quoted(text), ...citations.map((number) => `[${number}]`)].join(" "),
    ];
    const side = (statements, i) => [
      ["h4", fill(texts.side, { number: i + 1 })],
      ...statements.map(quotation),
    ];
    const block = ({ theme, quote, about, sides }) =>
      quote ? [quotation(quote)] : [["h3", theme ?? about], ...(sides ?? []).flatMap(side)];
    const note = ({ number, quote, title, caution, href }) => {
      const parts = [`[${number}] ${quoted(quote)}`, title];
      if (caution) parts.push(`${texts.caution}: ${caution}`);
      return ["p", [...parts, this.passage(href)].join("\n")];
    };
    const question = reply.understood_as;
    return [
      ["p", question && fill(texts.understood, { question })],
      ...this.outcome(reply).map((heading) => ["h3", heading]),
      ["p", reply.lead],
      ...reply.actions.map(({ label, href }) => ["p", `${label}: ${href}`]),
      ...layout(reply).flatMap(block),
      ...reply.citations.map(note),
      ["p", reply.notice.text],
    ];
  }

  #text() {
    return this.#record()
      .map(([, text]) => text)
      .join("\n\n");
  }

  async #copy() {
    const { texts } = this.site;
    const done = await navigator.clipboard?.writeText(this.#text()).then(() => true, () => false);
    this.hint.textContent = done ? texts.copied : texts.failed;
    this.#say(this.hint.textContent);
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
      contentDocument.documentElement.lang = this.site.locale;
      const lines = this.#record().map(([tag, text]) => make(tag, foreign, text));
      contentDocument.body.replaceChildren(...lines);
      contentWindow.onafterprint = () => frame.remove();
      contentWindow.print();
    };
    const frame = make("iframe", { className: "sr", onload });
    this.panel.append(frame);
  }

  // Remember the conversation while the tab is open, if the site wants it and the browser allows.
  #keep() {
    if (!this.site.keep) return;
    const kept = this.#exchanges
      .filter(({ done }) => done)
      .map(({ question, reply }) => ({ question, reply }));
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
