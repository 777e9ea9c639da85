// Reports what suggestions led to: a suggestion solved the problem, or somebody opened one and left the page. The
// suggestions that were opened also go along when a request is sent, so that a team does not offer them again.
const solvedForm = document.getElementById("solved");
const openedKeys = new Set();
let outcomeKnown = false; // a suggestion solved it, or a request is being sent

function rememberOpened(key) {
  if (openedKeys.has(key)) return;
  openedKeys.add(key);
  for (const form of document.querySelectorAll("#ask, form[data-attempts]")) addHiddenField(form, "opened", key);
}

function addHiddenField(form, name, value) {
  const field = document.createElement("input");
  Object.assign(field, { type: "hidden", name, value });
  form.append(field);
}

function onOpen(event) {
  const card = event.target.closest("a")?.closest("[data-item]");
  if (card) rememberOpened(card.dataset.key);
}
document.addEventListener("click", onOpen);
document.addEventListener("auxclick", onOpen);

solvedForm.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter;
  const data = new FormData(solvedForm);
  data.set("item", button.value);
  const response = await fetch(solvedForm.action, { method: "POST", body: data }).catch(() => null);
  if (!response?.ok) { // send the form without the script: the server then answers with a whole page
    addHiddenField(solvedForm, "item", button.value);
    return solvedForm.submit();
  }
  outcomeKnown = true;
  const thanks = document.createElement("span");
  thanks.className = "thanks";
  thanks.tabIndex = -1;
  thanks.textContent = solvedForm.dataset.thanks;
  button.replaceWith(thanks);
  thanks.focus();
});

for (const form of document.querySelectorAll("#ask, form[data-attempts]")) {
  form.addEventListener("submit", (event) => {
    if (event.submitter?.hasAttribute("formaction") || form.dataset.attempts) outcomeKnown = true;
  });
}

// Leaving the page after opening a suggestion, without sending a request, may mean that it helped. The server counts
// this apart from what people say themselves.
addEventListener("pagehide", () => {
  if (outcomeKnown || !openedKeys.size || !solvedForm.dataset.left) return;
  const data = new FormData(solvedForm);
  data.delete("item");
  for (const key of openedKeys) data.append("item", key);
  navigator.sendBeacon(solvedForm.dataset.left, data);
});
