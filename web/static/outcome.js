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

function sent(address, item, outcome) {
  const data = new FormData(solvedForm);
  data.set("item", item);
  data.set("outcome", outcome);
  return fetch(address, { method: "POST", body: data }).then((response) => response.ok, () => false);
}

solvedForm.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter;
  const { outcome } = button.dataset;
  if (!await sent(button.formAction, button.value, outcome)) { // without the script the server answers with a page
    addHiddenField(solvedForm, "item", button.value);
    solvedForm.action = button.formAction;
    return solvedForm.submit();
  }
  outcomeKnown ||= outcome === "solved";
  showThanks(button);
});

// Puts the thanks and the way to take it back in the place of both buttons.
function showThanks(button) {
  const buttons = button.parentElement.querySelectorAll("[data-outcome]");
  for (const each of buttons) each.hidden = true;
  const said = document.getElementById("said").content.cloneNode(true);
  const shown = [...said.children];
  const [thanks, undo] = shown;
  button.parentElement.append(...shown);
  thanks.focus();
  undo.addEventListener("click", async () => {
    if (!await sent(solvedForm.dataset.undo, button.value, button.dataset.outcome)) return;
    outcomeKnown = false;
    for (const each of shown) each.remove();
    for (const each of buttons) each.hidden = false;
    button.focus();
  });
}

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
