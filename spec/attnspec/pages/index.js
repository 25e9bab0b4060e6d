"use strict";
(() => {
  const search = document.getElementById("search"), count = document.getElementById("count");
  const items = [...document.querySelectorAll("li[data-text]")];
  search.hidden = false;
  search.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const item of items) {
      item.hidden = !words.every((word) => item.dataset.text.includes(word));
      shown += !item.hidden;
    }
    for (const family of document.querySelectorAll("section.family"))
      family.hidden = ![...family.querySelectorAll("li")].some((item) => !item.hidden);
    count.textContent = words.length ? shown + " of " + items.length : "";
  });
})();
