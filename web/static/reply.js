// The reply field of a request's page: puts suggested texts into it, and keeps what was typed when another button of the
// page is used.
const field = document.querySelector("#reply-form textarea");

// Inserts at the cursor, in a way that the browser can undo.
function insert(text) {
  field.focus();
  const before = field.value.slice(0, field.selectionStart);
  const separator = before && !before.endsWith("\n\n") ? "\n\n" : "";
  if (!document.execCommand("insertText", false, separator + text)) {
    field.setRangeText(separator + text, field.selectionStart, field.selectionEnd, "end");
  }
}

// A button has its text on it when all who read the request may read the suggestion; that text is inserted at once.
// The other buttons send the form to the server, which shows a warning.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-text]");
  if (!button || !field) return;
  event.preventDefault();
  insert(button.dataset.text);
});

// A canned reply goes into the field at once; without this script the server puts it there.
document.querySelector("[data-canned]")?.addEventListener("click", (event) => {
  event.preventDefault();
  insert(field.form.elements.canned.selectedOptions[0].dataset.body);
});

// "Used" is counted without leaving the page; when that fails, the form is sent as it would be without this script.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-act=used]");
  if (!button || !field) return;
  event.preventDefault();
  const body = new FormData(field.form, button);
  body.delete("body");
  const answer = await fetch(button.formAction, { method: "POST", body }).catch(() => null);
  const said = button.parentElement.querySelector("[data-done]");
  if (answer?.ok && said) said.textContent = said.dataset.done;
  else field.form.requestSubmit(button);
});

// Stores the text when the page is left by another button (give, move, flag), and forgets it when the reply is sent.
const STORAGE_KEY = `kollega-reply ${document.body.dataset.whose} ${window.location.pathname}`;
let isSending = false;
if (field) {
  if (!field.value) field.value = sessionStorage.getItem(STORAGE_KEY) ?? "";
  field.form.addEventListener("submit", (event) => { isSending = event.submitter?.hasAttribute("data-send") ?? true; });
  addEventListener("pagehide", () => {
    if (isSending || !field.value) sessionStorage.removeItem(STORAGE_KEY);
    else sessionStorage.setItem(STORAGE_KEY, field.value);
  });
}

// Tells colleagues that a reply is being written, and says here when they are writing one.
const writers = document.getElementById("writing");
const PAUSE = 20_000; // milliseconds between two questions to the server
let hasTyped = false;
async function askWhoWrites() {
  if (document.hidden) return;
  const body = new FormData();
  body.set("csrf_token", field.form.elements.csrf_token.value);
  const options = hasTyped ? { method: "POST", body } : {};
  hasTyped = false;
  const answer = await fetch(writers.dataset.address, options).catch(() => null);
  const said = answer?.ok ? (await answer.json()).said.join(" ") : "";
  if (writers.textContent !== said) writers.textContent = said;
}
if (writers && field) {
  field.addEventListener("input", () => {
    if (!hasTyped) setTimeout(askWhoWrites, 1000);
    hasTyped = true;
  });
  setInterval(askWhoWrites, PAUSE);
}
