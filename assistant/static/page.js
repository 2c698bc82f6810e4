// What Gradio's components leave open: where the page stands after a reply, names and
// announcements for people who listen to it, and what only a browser can do: copy, save, print,
// leave. Answers need none of it.
(() => {
  const texts = JSON.parse(document.getElementById("texts").textContent);
  const find = (id) => document.getElementById(id);
  const root = document.documentElement;
  root.classList.add("scripted");

  // The head goes into the conversation's column: the composer sticks to the bottom of the window
  // only within its own column, and on a small phone the head alone fills half of it.

  const join = () => {
    const column = find("composer")?.parentElement;
    if (column && find("notice")?.textContent.trim()) column.prepend(find("intro"));
  };

  // Names

  const thanks = `. ${texts.feedback_thanks}`;
  const names = {
    Like: texts.helpful,
    Dislike: texts.not_helpful,
    Liked: texts.helpful + thanks,
    Disliked: texts.not_helpful + thanks,
  };

  const label = (chat) => {
    // Gradio puts a message's whole source into its label.
    for (const message of chat.querySelectorAll("[data-testid][aria-label]")) {
      message.removeAttribute("aria-label");
    }
    const log = chat.querySelector("[role=log]");
    if (log && log.getAttribute("aria-live") !== "off") {
      log.setAttribute("aria-label", texts.conversation);
      // Otherwise every word of every change would be read out; see `announce`.
      log.setAttribute("aria-live", "off");
    }
    for (const [old, name] of Object.entries(names)) {
      for (const button of chat.querySelectorAll(`button[aria-label="${old}"]`)) {
        button.setAttribute("aria-label", name);
        button.title = name;
      }
    }
    for (const buttons of chat.querySelectorAll(".message-buttons")) {
      const rated = [...buttons.querySelectorAll("button")].some((b) => b.title.endsWith(thanks));
      if (rated) buttons.dataset.thanks = texts.feedback_thanks;
      else delete buttons.dataset.thanks;
    }
  };

  // Announcements: that it is being worked on, and that it is done; an alert speaks for itself.

  let announcing = 0;

  const announce = (text) => {
    const place = find("announce");
    place.textContent = "";
    if (text) announcing = setTimeout(() => (place.textContent = text), 50);
    else clearTimeout(announcing); // or it would come after an alert
  };

  // The box is emptied by the server, some time after a question is sent: what was typed meanwhile
  // is put back.

  let typed = ""; // what the visitor has put into the box
  let sent = null; // what was sent of it, until the server has emptied the box

  const box = () => find("question")?.querySelector("textarea");

  const fill = (text) => {
    box().value = text;
    box().dispatchEvent(new Event("input", { bubbles: true }));
  };

  const putBack = (more = "") => {
    typed = (typed.startsWith(sent) ? typed.slice(sent.length) : typed) + more;
    sent = null;
    if (typed) fill(typed);
  };

  const watch = (tries = 40) => {
    if (sent === null) return;
    if (box().value !== typed) putBack();
    else if (tries) setTimeout(watch, 25, tries - 1);
  };

  addEventListener("input", ({ target, data }) => {
    if (target !== box()) return;
    // A first key in an empty box, where there should be more: it was emptied just before.
    if (sent !== null && data && target.value === data && typed) putBack(data);
    else typed = target.value;
  });

  let asked = 0;
  let waiting = false;

  const follow = (chat) => {
    const questions = chat.querySelectorAll(".user-row");
    const replies = chat.querySelectorAll(".bot-row .reply");
    const more = questions.length > asked;
    asked = questions.length;
    if (more) {
      announce(texts.searching);
      shut();
      sent ??= "";
      watch();
    }
    // Question and reply come in several steps: done is what has as many replies as questions.
    const done = waiting && asked > 0 && replies.length >= asked && !chat.querySelector(".working");
    if (done) {
      const last = replies[replies.length - 1];
      if (last.matches(".stopped")) announce(last.querySelector(".lead").textContent);
      else announce(last.querySelector("[role=alert]") ? "" : texts.done);
    }
    waiting = asked > 0 && (waiting || more) && !done;
    if (more || done) {
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      questions[asked - 1].scrollIntoView({ block: "start", behavior: calm ? "auto" : "smooth" });
    }
  };

  let reasons = false;

  // The field for a reason comes below the thumb, where it may be out of sight.
  const showReasons = () => {
    const field = document.querySelector("#reason label");
    if (field && !reasons) {
      find("reasons").scrollIntoView({ block: "nearest" });
      announce(field.textContent.trim());
    }
    reasons = !!field;
  };

  // What was said, as text

  const said = () => find("transcript")?.querySelector("textarea, input")?.value || "";

  const whole = () => {
    const date = new Date().toLocaleDateString(texts.locale, { dateStyle: "long" });
    return `${texts.title}\n${texts.saved_on.replace("{date}", date)}\n\n${said()}\n`;
  };

  // Where the clipboard is not allowed, or not over HTTPS
  const copyOldWay = () => {
    const put = (event) => {
      event.clipboardData.setData("text/plain", whole());
      event.preventDefault();
    };
    document.addEventListener("copy", put);
    const done = document.execCommand("copy");
    document.removeEventListener("copy", put);
    return done;
  };

  let restoring = 0;

  const copy = async () => {
    let done = true;
    try {
      await navigator.clipboard.writeText(whole());
    } catch {
      done = copyOldWay();
    }
    const button = find("copy");
    button.textContent = done ? texts.copied : texts.failed;
    announce(button.textContent);
    clearTimeout(restoring);
    restoring = setTimeout(() => (button.textContent = texts.copy), done ? 2000 : 8000);
  };

  const save = () => {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([whole()], { type: "text/plain;charset=utf-8" }));
    link.download = `${texts.conversation} ${new Date().toISOString().slice(0, 10)}.txt`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  };

  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("#chat details:not([open])")];
    for (const fold of folded) fold.open = true;
  });
  addEventListener("afterprint", () => {
    for (const fold of folded) fold.open = false;
  });

  // Leaving: nothing stays, neither on the screen nor behind "back"

  const leave = () => {
    const to = find("leave")?.dataset.to;
    if (!to) return;
    root.classList.add("left");
    document.title = "";
    find("clear")?.click();
    // Time enough for the request that makes the server forget.
    setTimeout(() => location.replace(to), 200);
  };

  // Themes: asked like anything else, and by Enter: while an answer is made there is no "Send"

  const send = () =>
    box()?.dispatchEvent(new KeyboardEvent("keypress", { key: "Enter", bubbles: true }));

  const ask = (question) => {
    const begun = typed;
    fill(question);
    sent = question;
    typed = question + begun;
    setTimeout(send);
  };

  addEventListener(
    "keydown",
    (event) => {
      if (event.key === "Enter" && !event.shiftKey && event.target === box()) sent = box().value;
    },
    true,
  );

  // Folds of the head: one at a time, shut by Escape and by a press elsewhere

  const folds = [...document.querySelectorAll(".folds details")];

  const shut = (except) => {
    for (const fold of folds) if (fold !== except) fold.open = false;
  };

  for (const fold of folds) {
    fold.addEventListener("toggle", () => {
      if (!fold.open) return;
      shut(fold);
      for (const id of ["copy", "save", "print"]) find(id).disabled = !said();
    });
  }

  addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    if (event.shiftKey) return leave();
    const open = folds.find((fold) => fold.open);
    if (!open) return;
    open.open = false;
    open.querySelector("summary").focus();
  });

  addEventListener("focusin", ({ target }) => shut(target.closest(".folds details")));

  addEventListener("click", ({ target }) => {
    shut(target.closest(".folds details"));
    const button = target.closest("button");
    if (!button) return;
    if (button.dataset.ask) {
      shut();
      ask(button.dataset.ask);
    }
    if (button.id in acts) acts[button.id]();
  });

  const acts = { copy, save, leave, print: () => print() };

  // When a question does not reach the server: Gradio itself would say nothing

  let pressed = null;
  addEventListener(
    "click",
    ({ target }) => {
      pressed = target.closest("#send, #chat .option") || pressed;
      if (target.closest("#send")) sent = box().value;
    },
    true,
  );

  const trouble = (text) => {
    const place = find("trouble");
    place.hidden = !text;
    place.querySelector("p").textContent = text;
  };

  const cutOff = () => trouble(navigator.onLine ? texts.failed : texts.offline);
  addEventListener("offline", cutOff);
  addEventListener("online", () => trouble(""));

  const wasFetch = window.fetch;
  window.fetch = async (...request) => {
    if (!String(request[0]?.url || request[0]).includes("/queue/")) return wasFetch(...request);
    try {
      const response = await wasFetch(...request);
      if (!response.ok) trouble(texts.failed);
      return response;
    } catch (error) {
      cutOff();
      // As if the server had said so: for a lost connection Gradio would load the page anew, and
      // the conversation would be gone.
      return Response.json({ detail: error.name }, { status: 503 });
    }
  };

  find("trouble").querySelector("button").addEventListener("click", () => {
    trouble("");
    if (pressed?.isConnected) pressed.click();
    else send();
  });

  setTimeout(() => {
    if (!find("notice")?.textContent.trim()) trouble(texts.failed);
  }, 20_000);

  new MutationObserver(() => {
    // Gradio would rather speak the browser's language.
    if (root.lang !== texts.locale) root.lang = texts.locale;
    const chat = find("chat");
    if (!chat) return;
    if (find("intro").parentElement === document.body) join();
    label(chat);
    follow(chat);
    showReasons();
  }).observe(root, { childList: true, subtree: true, attributeFilter: ["aria-label", "lang"] });
})();
