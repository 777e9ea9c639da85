// The form of a document: shows what the text will look like beside it while it is being written, and follows the
// team's rule for who may read a new document. The form works without this script; then a button shows a preview.
const PAUSE = 400; // milliseconds without a key after which the text is shown
const form = document.getElementById("document");
const text = form.elements.body;
const pane = document.getElementById("beside");
const shown = pane.querySelector(".prose");
const trouble = pane.querySelector("[data-trouble]");
const toggle = document.getElementById("show-beside");
const wide = window.matchMedia("(min-width: 60rem)");
let timer = 0;
let lastShown = null;
let currentRequest = null; // the AbortController of the newest request to the server

async function show() {
  if (pane.hidden || text.value === lastShown) return;
  const value = text.value;
  currentRequest?.abort();
  const request = new AbortController();
  currentRequest = request;
  const fields = new FormData();
  fields.set("csrf_token", form.elements.csrf_token.value);
  fields.set("body", value);
  try {
    const response = await fetch(form.dataset.preview, { method: "POST", body: fields, signal: request.signal });
    if (currentRequest !== request) return; // a newer text has been sent
    trouble.hidden = response.ok;
    if (!response.ok) return;
    shown.replaceChildren(document.createRange().createContextualFragment(await response.text()));
    lastShown = value;
  } catch (error) {
    if (error.name !== "AbortError" && currentRequest === request) trouble.hidden = false;
  }
}

function setShown(isShown) {
  pane.hidden = !isShown;
  form.classList.toggle("split", isShown);
  toggle.setAttribute("aria-pressed", String(isShown));
  show();
}

text.addEventListener("input", () => {
  clearTimeout(timer);
  timer = setTimeout(show, PAUSE);
});
toggle.hidden = false;
toggle.addEventListener("click", () => setShown(pane.hidden));
setShown(wide.matches);

// Who may read a new document follows its team, until somebody chooses.
if (form.dataset.new !== undefined) {
  let chosen = false;
  for (const choice of form.elements.audience) choice.addEventListener("change", () => { chosen = true; });
  form.elements.team.addEventListener("change", () => {
    if (chosen) return;
    const restricted = form.elements.team.selectedOptions[0].dataset.restricted !== undefined;
    form.elements.audience.value = restricted ? "team" : "everyone";
  });
}
