"use strict";
(() => {
  const idle = "Point at a term, or go to it with Tab. Enter keeps it, Escape lets go.";
  const status = Object.assign(document.createElement("div"), { className: "attnspec attnspec-status", textContent: idle });
  status.setAttribute("role", "status");
  document.body.append(status);
  const places = new Map(), names = new Map();
  const home = (element) => (element.closest("[data-equation]") || { dataset: { equation: "" } }).dataset.equation;
  const keysOf = (element) => element.dataset.key.split(" ").map((key) => home(element) + "|" + key);
  const put = (key, element) => places.has(key) ? places.get(key).push(element) : places.set(key, [element]);
  for (const element of document.querySelectorAll(".attnspec [data-key]")) keysOf(element).forEach((key) => put(key, element));
  for (const line of document.querySelectorAll(".attnspec [data-at]"))
    for (const at of line.dataset.at.split(" ")) put(at.startsWith("|") ? home(line) + at : at, line);
  for (const words of document.querySelectorAll("script.attnspec-words"))
    for (const [key, text] of Object.entries(JSON.parse(words.textContent))) names.set(key, text);

  let lit = [], pinned = null;
  const clear = () => { lit.forEach((element) => element.classList.remove("lit", "pinned")); lit = []; status.textContent = idle; };
  const say = (keys) => {
    const shown = keys.map((key) => names.get(key) || key.split("|")[1].replace(/^[nst]:/, ""));
    const taps = lit.filter((element) => element.matches(".implementation .codeline")).map((line) => line.querySelector(".no").textContent);
    const given = lit.some((element) => element.closest(".implementation") && !element.matches(".codeline"));
    const where = !document.querySelector(".implementation") ? "" : taps.length ? "values agree at line " + [...new Set(taps)].join(", ")
      : given ? "passed to the code" : "no array of the code has this value by itself";
    status.textContent = shown.join(", ") + (where ? ": " + where : "");
  };
  const show = (element) => {
    clear();
    const keys = keysOf(element);
    lit = [...new Set(keys.flatMap((key) => places.get(key) || []))];
    lit.forEach((each) => each.classList.add("lit"));
    if (pinned) lit.forEach((each) => each.classList.add("pinned"));
    say(keys);
  };
  const term = (event) => event.target.closest && event.target.closest(".attnspec [data-key]");
  const rest = () => pinned ? show(pinned) : clear();
  document.addEventListener("pointerover", (event) => { const at = term(event); if (at && !pinned) show(at); });
  document.addEventListener("pointerout", (event) => { if (term(event)) rest(); });
  document.addEventListener("focusin", (event) => { const at = term(event); if (at && !pinned) show(at); });
  document.addEventListener("focusout", rest);
  const pin = (at) => { pinned = at && pinned !== at ? at : null; rest(); if (at && !pinned) show(at); };
  document.addEventListener("click", (event) => { if (!event.target.closest("a,summary,input")) pin(term(event)); });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") pin(null);
    const at = term(event);
    if (at && at.tagName !== "BUTTON" && (event.key === "Enter" || event.key === " ")) { event.preventDefault(); pin(at); }
  });
  for (const element of document.querySelectorAll(".formula [data-key], .figure [data-key], .code span[data-key]"))
    if (element.closest(".formula,.figure") || !element.querySelector("[data-key]")) element.setAttribute("tabindex", "0");
  const wanted = new URLSearchParams(location.search).get("term");
  if (wanted) {
    const found = document.querySelector('.attnspec [data-key="n:' + CSS.escape(wanted) + '"]');
    if (found) pin(found);
  }
})();
