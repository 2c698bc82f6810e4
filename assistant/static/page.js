// What Gradio's components leave open: where the page stands after a reply, and names for
// people who listen to it. Everything works without this file.
(() => {
  const names = document.currentScript.dataset;
  const thanks = `. ${names.feedbackThanks}`;
  const labels = {
    Like: names.helpful,
    Dislike: names.notHelpful,
    Liked: names.helpful + thanks,
    Disliked: names.notHelpful + thanks,
  };
  let seen = "";

  const label = (chat) => {
    // Gradio puts a message's whole source into its label.
    for (const message of chat.querySelectorAll("[data-testid][aria-label]")) {
      message.removeAttribute("aria-label");
    }
    const log = chat.querySelector("[role=log]");
    if (log && log.getAttribute("aria-label") !== names.conversation) {
      log.setAttribute("aria-label", names.conversation);
    }
    for (const [old, name] of Object.entries(labels)) {
      for (const button of chat.querySelectorAll(`button[aria-label="${old}"]`)) {
        button.setAttribute("aria-label", name);
        button.title = name;
      }
    }
    for (const buttons of chat.querySelectorAll(".message-buttons")) {
      const rated = [...buttons.querySelectorAll("button")].some((b) => b.title.endsWith(thanks));
      if (rated) buttons.dataset.thanks = names.feedbackThanks;
      else delete buttons.dataset.thanks;
    }
  };

  const scroll = (chat) => {
    const questions = chat.querySelectorAll(".user-row");
    const now = `${questions.length}/${chat.querySelectorAll(".reply").length}`;
    if (now !== seen && questions.length) {
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      questions[questions.length - 1].scrollIntoView({
        block: "start",
        behavior: calm ? "auto" : "smooth",
      });
    }
    seen = now;
  };

  new MutationObserver(() => {
    const chat = document.getElementById("chat");
    if (chat) {
      label(chat);
      scroll(chat);
    }
  }).observe(document.documentElement, {
    childList: true,
    subtree: true,
    attributeFilter: ["aria-label"],
  });
})();
