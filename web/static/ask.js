// Shows answers while a question is being typed. The form works without this script; then the server sends whole pages.
const PAUSE = 180; // milliseconds without a key after which the typed text is searched
const STORAGE_KEY = "kollega-question";
const LONG_PASTE = 300; // characters
const form = document.getElementById("ask");
const results = document.getElementById("results");
const announcement = document.getElementById("announce");
const sendToTeam = document.getElementById("send");
const fields = [form.elements.q, form.elements.body];
let timer = 0;
let currentRequest = null; // the AbortController of the newest request to the server
let lastSearched = null;
let lastCounted = null;

function typedText() {
  return fields.map((field) => field.value.trim()).join("\n").trim();
}

// Stores the question in this tab, so that it is still there after a reload or the browser's Back button.
// The name of the user is stored with it: the next person to sign in does not see it.
function storeQuestion() {
  const stored = { whose: document.body.dataset.whose, values: fields.map((field) => field.value) };
  if (typedText()) sessionStorage.setItem(STORAGE_KEY, JSON.stringify(stored));
  else sessionStorage.removeItem(STORAGE_KEY);
}

function restoreQuestion() {
  const stored = JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? "null");
  if (!stored || typedText()) return;
  if (stored.whose && stored.whose !== document.body.dataset.whose) return sessionStorage.removeItem(STORAGE_KEY);
  fields.forEach((field, index) => { field.value = stored.values[index]; });
  if (stored.values[1]) form.querySelector(".more").open = true;
}

// The card that has the focus and which of its links and buttons, so that both can be found in a new copy of the card.
function focusedPlace() {
  const element = document.activeElement;
  const card = results.contains(element) ? element.closest("[data-key]") : null;
  if (!card) return null;
  const controls = [...card.querySelectorAll("a, button, summary")];
  return { key: card.dataset.key, index: controls.indexOf(element) };
}

// Replaces the results. A card that has not changed stays the same element, so that it does not flicker or lose focus.
function showResults(fragment) {
  const place = focusedPlace();
  const oldCards = new Map([...results.querySelectorAll("[data-key]")].map((card) => [card.dataset.key, card]));
  const restWasOpen = results.querySelector(".rest")?.open;
  for (const card of fragment.querySelectorAll("[data-key]")) {
    const oldCard = oldCards.get(card.dataset.key);
    if (oldCard && oldCard.innerHTML === card.innerHTML) card.replaceWith(oldCard);
  }
  const rest = fragment.querySelector(".rest");
  if (rest && restWasOpen) rest.open = true;
  const text = fragment.querySelector("[data-announce]")?.dataset.announce ?? "";
  results.replaceChildren(fragment);
  announcement.textContent = text;
  if (place && !results.contains(document.activeElement)) {
    const card = [...results.querySelectorAll("[data-key]")].find((each) => each.dataset.key === place.key);
    card?.querySelectorAll("a, button, summary")[place.index]?.focus();
  }
}

function copyOfTemplate(id) {
  return document.getElementById(id).content.cloneNode(true);
}

// Shows an error message above the results. The answers to the previous question stay visible.
function showError(templateId) {
  results.querySelector("[data-trouble]")?.remove();
  const notice = copyOfTemplate(templateId);
  announcement.textContent = notice.textContent.trim();
  results.prepend(notice);
}

function errorTemplate(status) {
  if (status === 413) return "too-long";
  if (status === 429) return "too-often";
  return status === 401 ? "signed-out" : "trouble";
}

async function search() {
  const text = typedText();
  if (text === lastSearched) return;
  lastSearched = text;
  currentRequest?.abort();
  sendToTeam.hidden = !text;
  if (!text) {
    results.removeAttribute("aria-busy");
    showResults(copyOfTemplate("nothing-typed"));
    return;
  }
  const request = new AbortController();
  currentRequest = request;
  results.setAttribute("aria-busy", "true");
  const options = { method: "POST", body: new FormData(form), signal: request.signal };
  try {
    const response = await fetch(form.dataset.suggest, options);
    if (currentRequest !== request) return; // a newer question has been sent
    if (response.ok) showResults(document.createRange().createContextualFragment(await response.text()));
    else showError(errorTemplate(response.status));
    if (!response.ok) lastSearched = null;
  } catch (error) {
    if (error.name === "AbortError" || currentRequest !== request) return;
    lastSearched = null;
    showError("trouble");
  }
  if (currentRequest === request) results.removeAttribute("aria-busy");
}

function onInput() {
  storeQuestion();
  clearTimeout(timer);
  timer = setTimeout(search, PAUSE);
}

for (const field of fields) field.addEventListener("input", onInput);

// Tells the server once that somebody acted on a question: pressed Ask, opened a colleague's page or sent it to a team.
// The server then counts that the first colleague was suggested; it does not count while somebody is typing.
function countQuestion() {
  const text = typedText();
  if (!text || text === lastCounted) return;
  lastCounted = text;
  navigator.sendBeacon(form.dataset.asked, new FormData(form));
}

function onOpen(event) {
  if (event.target.closest(".person a")) countQuestion();
}
results.addEventListener("click", onOpen);
results.addEventListener("auxclick", onOpen);

// A long text or several lines, such as a log or a mail, pasted into the one-line field: the first line becomes the
// title, and the whole text goes into the larger field.
form.elements.q.addEventListener("paste", (event) => {
  const text = event.clipboardData.getData("text/plain").trim();
  const [title, body] = fields;
  if (title.value.trim() || (text.length <= LONG_PASTE && !text.includes("\n"))) return;
  event.preventDefault();
  title.value = text.split("\n")[0].slice(0, 200);
  body.value = [body.value, text].filter(Boolean).join("\n");
  form.querySelector(".more").open = true;
  onInput();
});

form.addEventListener("submit", (event) => {
  storeQuestion();
  if (!event.submitter?.lang) countQuestion();
  if (event.submitter?.hasAttribute("formaction")) return; // goes to another page: a new request or another language
  event.preventDefault();
  clearTimeout(timer);
  lastSearched = null;
  search();
});

lastSearched = lastCounted = typedText() || null; // the server has already answered and counted this question
restoreQuestion();
if (typedText() && typedText() !== lastSearched) search();
