"use strict";
(() => {
  if (!document.querySelector(".attnspec [data-key]")) return;  // nothing to point at
  const said = window.attnspecSays || {};  // the messages in another language
  const say = (text) => said[text] || text;
  const idle = say("Point at a term, or go to it with Tab. Enter or a tap keeps it, Escape lets go.");
  const status = Object.assign(document.createElement("div"), { className: "attnspec attnspec-status", textContent: idle });
  status.setAttribute("role", "status");
  document.body.append(status);
  const places = new Map(), names = new Map();
  const home = (element) => (element.closest("[data-equation]") || { dataset: { equation: "" } }).dataset.equation;
  const keysOf = (element) => element.dataset.key.split(" ").map((key) => home(element) + "|" + key);
  const at = (key) => places.get(key) || [];
  const put = (key, element) => places.has(key) ? places.get(key).push(element) : places.set(key, [element]);
  for (const element of document.querySelectorAll(".attnspec [data-key]")) keysOf(element).forEach((key) => put(key, element));
  for (const line of document.querySelectorAll(".attnspec [data-at]"))
    for (const key of line.dataset.at.split(" ")) put(key.startsWith("|") ? home(line) + key : key, line);
  for (const words of document.querySelectorAll("script.attnspec-words"))
    for (const [key, text] of Object.entries(JSON.parse(words.textContent))) names.set(key, [].concat(text));

  // What is said of a view in which nothing stands for a term by itself.
  const ABSENT = {
    figure: [say("in the data flow within "), say("not drawn in the data flow")],
    specification: [say("in the source within "), say("not in the source by itself")],
    implementation: [say("no array of the code has this value by itself; it is within "), say("no array of the code has this value by itself")],
  };
  const named = (key) => (names.get(key) || [key.split("|")[1].replace(/^[nst]:/, "")])[0];
  const described = (key) => (names.get(key) || [named(key)]).join(" – ");
  const isIn = (kind) => (element) => element.closest("." + kind);
  // Whether the page has a view of a kind in which a key could stand.
  const isLinked = (view, key) => at(key).some((element) => element.closest(".views") === view.closest(".views"))
    || home(view) === key.split("|")[0] && view.querySelector("[data-at]");
  const expected = (kind, key) => [...document.querySelectorAll(".view." + kind)].some((view) => kind === "implementation"
    ? isLinked(view, key) : home(view) === key.split("|")[0]);
  // {a key without a line of its own in the code: the parts that it is fused into}
  const fused = new Map();
  for (const view of document.querySelectorAll(".view[data-fused]"))
    for (const [key, parts] of Object.entries(JSON.parse(view.dataset.fused)))
      fused.set(home(view) + "|" + key, parts.map((part) => home(view) + "|" + part));
  // The smallest parts of the formula around those of a key that stand in a view.
  const around = (kind, key) => {
    const into = (each) => kind === "implementation" && fused.get(each) || [];
    const found = new Set(into(key));
    for (const element of at(key).filter(isIn("formula")))
      for (let part = element.parentElement.closest("[data-key]"); part; part = part.parentElement.closest("[data-key]")) {
        const outer = keysOf(part)[0];
        const parts = at(outer).some(isIn(kind)) ? [outer] : into(outer);
        if (outer !== key && parts.length) { parts.forEach((each) => found.add(each)); break; }
      }
    return [...found];
  };

  let lit = [], near = [], pinned = null;
  const clear = () => {
    lit.forEach((element) => element.classList.remove("lit", "pinned"));
    near.forEach((element) => element.classList.remove("near"));
    lit = near = [];
    status.textContent = idle;
  };
  // The numbers of lines of code; of several files, each with its name.
  const numbers = (elements) => {
    const files = new Map();
    for (const line of elements.filter((each) => each.matches(".implementation .codeline"))) {
      const view = line.closest(".view"), own = files.get(view) || new Set();
      files.set(view, own.add(line.querySelector(".no").textContent));
    }
    return [...files].map(([view, own]) => [...own].join(", ") + (files.size > 1 ? " (" + view.dataset.file + ")" : "")).join(", ");
  };
  const note = (kind, keys) => {
    const own = lit.filter(isIn(kind));
    if (own.length && kind !== "implementation") return "";
    if (own.length) return numbers(own) ? say("values agree at line ") + numbers(own) : say("passed to the code");
    const outer = [...new Set(keys.flatMap((key) => around(kind, key)))];
    const there = outer.flatMap(at).filter(isIn(kind));
    near.push(...there);
    const [within, absent] = ABSENT[kind];
    return outer.length ? within + outer.map(named).join(", ") + (numbers(there) ? say(", line ") + numbers(there) : "") : absent;
  };
  const show = (element) => {
    clear();
    const keys = keysOf(element);
    lit = [...new Set(keys.flatMap(at))];
    lit.forEach((each) => each.classList.add("lit"));
    if (pinned) lit.forEach((each) => each.classList.add("pinned"));
    near = [];
    const notes = Object.keys(ABSENT).filter((kind) => keys.some((key) => expected(kind, key))).map((kind) => note(kind, keys));
    near.forEach((each) => each.classList.add("near"));
    status.textContent = [keys.map(described).join(", "), notes.filter(Boolean).reverse().join("; ")].filter(Boolean).join(": ");
  };
  const term = (event) => event.target.closest && event.target.closest(".attnspec [data-key]");
  const rest = () => pinned ? show(pinned) : clear();
  document.addEventListener("pointerover", (event) => { const found = term(event); if (found && !pinned) show(found); });
  document.addEventListener("pointerout", (event) => { if (term(event)) rest(); });
  document.addEventListener("focusin", (event) => { const found = term(event); if (found && !pinned) show(found); });
  document.addEventListener("focusout", rest);
  const pin = (found, stays) => { pinned = found && pinned !== found ? found : null; rest(); if (found && !pinned && stays) show(found); };
  document.addEventListener("click", (event) => {
    if (!event.target.closest("a,summary,input,.copy")) pin(term(event), event.pointerType !== "touch");
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") pin(null);
    const found = term(event);
    if (found && found.tagName !== "BUTTON" && (event.key === "Enter" || event.key === " ")) { event.preventDefault(); pin(found, true); }
  });
  for (const element of document.querySelectorAll(".formula [data-key], .figure [data-key], .code span[data-key]"))
    if (element.closest(".formula,.figure") || !element.querySelector("[data-key]")) element.setAttribute("tabindex", "0");

  for (const button of document.querySelectorAll(".attnspec .copy")) {
    const source = button.parentElement.querySelector("pre");
    const tell = (text) => { status.textContent = text; };
    const select = () => { button.parentElement.open = true; getSelection().selectAllChildren(source); tell(say("The LaTeX is selected, to be copied.")); };
    button.hidden = false;
    button.addEventListener("click", () => navigator.clipboard
      ? navigator.clipboard.writeText(source.textContent).then(() => tell(say("The LaTeX is copied.")), select) : select());
  }
  const wanted = new URLSearchParams(location.search).get("term");
  if (wanted) {
    const found = document.querySelector('.attnspec [data-key="n:' + CSS.escape(wanted) + '"]');
    if (found) pin(found);
  }
})();
