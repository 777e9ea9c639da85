// On a narrow screen the page of a request shows one part at a time: the conversation or the suggestions. Without this
// script both stand below each other, and the tabs lead to them.
const panes = document.querySelector(".panes");
const tabs = [...document.querySelectorAll("[data-pane]")];

function show(name) {
  panes.dataset.shown = name;
  for (const tab of tabs) {
    if (tab.dataset.pane === name) tab.setAttribute("aria-current", "true");
    else tab.removeAttribute("aria-current");
  }
}

if (panes && tabs.length) {
  show(location.hash.startsWith("#card-") || location.hash === "#suggestions" ? "suggestions" : "conversation");
  for (const tab of tabs) {
    tab.addEventListener("click", (event) => {
      event.preventDefault();
      show(tab.dataset.pane);
    });
  }
  // what is put into the reply is shown there; before reply.js moves the focus
  document.addEventListener("click", (event) => { if (event.target.closest("[data-text]")) show("conversation"); }, true);
}
