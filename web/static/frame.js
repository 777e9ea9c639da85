// On every page: a new question begins with the logo, and a question that was sent is gone from the search box.
const STORED_QUESTION = "kollega-question"; // as in ask.js
const brand = document.querySelector(".brand");
const menu = document.getElementById("menu");

brand.addEventListener("click", (event) => {
  if (!event.ctrlKey && !event.metaKey && !event.shiftKey) sessionStorage.removeItem(STORED_QUESTION);
});
if (new URLSearchParams(location.search).has("filed")) sessionStorage.removeItem(STORED_QUESTION);

// A page that the browser kept while another one was open shows its menu closed.
addEventListener("pageshow", (event) => {
  if (event.persisted && menu.matches(":popover-open")) menu.hidePopover();
});
