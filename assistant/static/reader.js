// The reader beside the conversation: a footnote's passage in its whole text. Without this file
// a footnote opens its fold, and "read in context" opens the text in a new tab.
(() => {
  const texts = JSON.parse(document.getElementById("texts").textContent);
  const find = (id) => document.getElementById(id);
  const reader = find("reader");
  const frame = reader.querySelector("iframe");
  const title = find("reader-title");
  const narrow = matchMedia("(width < 64rem)");
  let current = null; // the id of the footnote that is open
  let cards = 0; // emergencies in the conversation

  reader.hidden = false;

  const links = (article) => [...article.querySelectorAll(".note a.context")];
  const noteOf = (link) => link.closest(".body").id;
  const markOf = (id) => document.querySelector(`#chat .mark[href="#${CSS.escape(id)}"]`);

  const show = (link) => {
    current = noteOf(link);
    const all = links(link.closest(".reply"));
    const place = all.indexOf(link);
    title.querySelector("span").textContent = texts.footnote.replace("{number}", place + 1);
    find("previous").disabled = place === 0;
    find("next").disabled = place === all.length - 1;
    frame.hidden = false;
    reader.classList.add("open");
    // Replaced, so that "back" leaves the page and not the passage.
    frame.contentWindow.location.replace(link.href);
    mark();
  };

  // Gradio may make a message anew: so this is called after every change.
  const mark = () => {
    for (const link of document.querySelectorAll("#chat .mark")) {
      const is = link.getAttribute("href") === `#${current}`;
      if (is !== link.hasAttribute("aria-current")) {
        if (is) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      }
    }
  };

  const open = (link) => {
    show(link);
    title.focus({ preventScroll: true });
    if (narrow.matches) reader.scrollIntoView();
  };

  const reset = () => {
    current = null;
    reader.classList.remove("open");
    frame.hidden = true;
    frame.contentWindow.location.replace("about:blank");
    title.querySelector("span").textContent = "";
  };

  const turn = (by) => {
    const link = find(current)?.querySelector("a.context");
    const all = link ? links(link.closest(".reply")) : [];
    const other = all[all.indexOf(link) + by];
    if (other) show(other);
  };

  const back = () => {
    const to = current && (markOf(current) || find(current)?.querySelector("a.context"));
    if (narrow.matches) reader.classList.remove("open");
    if (!to) return;
    to.closest("details")?.setAttribute("open", "");
    to.scrollIntoView({ block: "center" });
    to.focus({ preventScroll: true });
  };

  addEventListener("click", (event) => {
    const pressed = event.target.closest("#chat .mark, #chat a.context");
    if (!pressed || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const id = pressed.hash && pressed.matches(".mark") ? pressed.hash.slice(1) : null;
    const link = id ? find(id)?.querySelector("a.context") : pressed;
    if (!link) return;
    event.preventDefault();
    open(link);
  });

  find("previous").addEventListener("click", () => turn(-1));
  find("next").addEventListener("click", () => turn(1));
  find("back").addEventListener("click", back);

  new MutationObserver(() => {
    const urgent = document.querySelectorAll("#chat .reply.urgent").length;
    const alarm = urgent > cards;
    cards = urgent;
    if (!current) return;
    // Nothing that reassures stands beside an emergency's card.
    if (find(current) && !alarm) mark();
    else reset();
  }).observe(document.documentElement, { childList: true, subtree: true });
})();
