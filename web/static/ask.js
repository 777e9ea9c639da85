// Shows answers while a question is being typed. The form works without this script; then the server sends whole pages.
const PAUSE = 400; // milliseconds without a key after which a question that ends in the middle of a word is searched
const PAUSE_AFTER_WORD = 150; // the same after a whole word
const TIMES_AS_LONG = 2; // as the last answer took, both pauses are at least
const LONGEST_PAUSE = 1000; // the most that either becomes so
const REST = 900; // milliseconds without a key after which the page says what was found, and who can help
const FEWEST_LETTERS = 3; // of a question that has no whole word yet
const BARELY = 0.03; // two matches that differ by less keep the order in which they stand
const STORAGE_KEY = "kollega-question";
const LONG_PASTE = 300; // characters
const form = document.getElementById("ask");
const results = document.getElementById("results");
const announcement = document.getElementById("announce");
const sendToTeam = document.getElementById("send");
const fields = [form.elements.q, form.elements.body];
let searchTimer = 0;
let restTimer = 0;
let resting = true; // nobody is typing: what was found may be said
let waiting = null; // results whose verdict is said when the typing rests: { verdict, announce, fragment }
let currentRequest = null; // the AbortController of the newest request to the server
let peopleRequest = null; // { text, control, done } of the request for the colleagues, while it runs
let lastTook = 0; // milliseconds that the last answer took, or that it was waited for
let lastSearched = null;
let lastCounted = null;
let shownFor = null; // the question that the shown results answer
let signedOut = false;

function typedText() {
  return fields.map((field) => field.value.trim()).join("\n").trim();
}

// What is searched for: the question and the filters.
function wanted() {
  const chosen = [...form.querySelectorAll("[data-filters] :is(select, input)")];
  return JSON.stringify([typedText(), ...chosen.map((field) => field.type === "checkbox" ? field.checked : field.value)]);
}

function endsWithWord() {
  return /[\p{L}\p{N}][^\p{L}\p{N}]+$/u.test(fields.find((field) => field === document.activeElement)?.value ?? "");
}

// A whole word or three letters: before that, every answer would be a guess.
function saysEnough(text) {
  return endsWithWord() || (text.match(/[\p{L}\p{N}]/gu) ?? []).length >= FEWEST_LETTERS;
}

// How long nobody may have typed before the question is searched. Twice as long as the last answer took, if that is
// longer: when many people type at once, fewer questions are then asked that are not finished, and all are answered
// sooner.
function pause() {
  return Math.max(endsWithWord() ? PAUSE_AFTER_WORD : PAUSE, Math.min(TIMES_AS_LONG * lastTook, LONGEST_PAUSE));
}

// Stores the question in this tab, so that it is still there after a reload or the browser's Back button.
// The name of the user is stored with it: the next person to sign in does not see it.
function storeQuestion() {
  const stored = { whose: document.body.dataset.whose, values: fields.map((field) => field.value) };
  if (typedText()) sessionStorage.setItem(STORAGE_KEY, JSON.stringify(stored));
  else sessionStorage.removeItem(STORAGE_KEY);
}

function storedQuestion() {
  const stored = JSON.parse(sessionStorage.getItem(STORAGE_KEY) ?? "null");
  if (stored?.whose && stored.whose !== document.body.dataset.whose) sessionStorage.removeItem(STORAGE_KEY);
  else return stored?.values;
}

function fillIn(values) {
  fields.forEach((field, index) => { field.value = values[index] ?? ""; });
  if (values[1]) form.querySelector(".more").open = true;
}

// The card that has the focus and which of its links and buttons, so that both can be found in a new copy of the card.
function focusedPlace() {
  const element = document.activeElement;
  const card = results.contains(element) ? element.closest("[data-key]") : null;
  if (!card) return null;
  const controls = [...card.querySelectorAll("a, button, summary")];
  return { key: card.dataset.key, index: controls.indexOf(element) };
}

function keysOf(root) {
  return [...root.querySelectorAll(".answers [data-key]")].map((card) => card.dataset.key);
}

// Two answers that match about as well stay in the order in which the person has seen them.
function keepOrder(fragment, oldKeys) {
  const matches = (fragment.querySelector("[data-matches]")?.dataset.matches ?? "").split(" ").map(Number);
  const cards = [...fragment.querySelectorAll(".answers .card[data-key]")];
  if (matches.length !== cards.length) return;
  const places = cards.map((card) => card.parentElement.insertBefore(document.createComment(""), card));
  const order = cards.map((card, index) => ({ card, match: matches[index], before: oldKeys.indexOf(card.dataset.key) }));
  for (let end = order.length - 1; end > 0; end--) {
    for (let index = 0; index < end; index++) {
      const [first, second] = order.slice(index, index + 2);
      const wasOtherWay = second.before >= 0 && first.before > second.before;
      if (wasOtherWay && Math.abs(first.match - second.match) < BARELY) order.splice(index, 2, second, first);
    }
  }
  order.forEach(({ card }, index) => places[index].replaceWith(card));
}

// What stands above the answers is said only when the typing rests; until then the old text stays.
function holdVerdict(fragment) {
  const verdict = fragment.querySelector(".verdict");
  if (!verdict) return null;
  const old = results.querySelector(".verdict");
  const placeholder = old ? old.cloneNode(true) : verdict.cloneNode(false);
  if (!old) {
    const heading = document.createElement("h2");
    heading.id = "answers-heading";
    heading.textContent = form.dataset.typing;
    placeholder.append(heading);
  }
  verdict.replaceWith(placeholder);
  return verdict;
}

// What an element looks like, apart from the verdict and from what the person has opened.
function written(element) {
  const copy = element.cloneNode(true);
  copy.querySelector(".verdict")?.remove();
  for (const details of copy.querySelectorAll("details[open]")) details.removeAttribute("open");
  return copy.innerHTML;
}

// The colleagues beside the old answers stay until those for the new ones are there, which the server leaves out while
// somebody types. They keep the note that says who of them was shown first.
function keepPeople(newRoot) {
  const old = results.querySelector(".people");
  if (!old || newRoot?.dataset.people !== "later") return;
  old.setAttribute("aria-busy", "true");
  old.dataset.first ??= results.querySelector(".columns").dataset.first;
  newRoot.append(old.cloneNode(true));
}

// Takes the old elements of those cards that have not changed.
function keepCards(fragment) {
  const oldCards = new Map([...results.querySelectorAll("[data-key]")].map((card) => [card.dataset.key, card]));
  for (const card of fragment.querySelectorAll("[data-key]")) {
    const oldCard = oldCards.get(card.dataset.key);
    if (oldCard && written(oldCard) === written(card)) card.replaceWith(oldCard);
  }
}

function focusAgain(place) {
  if (!place || results.contains(document.activeElement)) return;
  const card = [...results.querySelectorAll("[data-key]")].find((each) => each.dataset.key === place.key);
  card?.querySelectorAll("a, button, summary")[place.index]?.focus();
}

// Puts new results in the place of the old ones. A card that has not changed stays the same element, so that it does not
// flicker or lose focus; when nothing has changed, nothing is touched.
function replaceResults(fragment) {
  const [oldRoot, newRoot] = [results.querySelector(".columns"), fragment.querySelector(".columns")];
  keepPeople(newRoot);
  const alone = results.children.length === 1 && fragment.children.length === 1;
  if (oldRoot && newRoot && alone && written(oldRoot) === written(newRoot)) {
    oldRoot.removeAttribute("data-people");
    for (const { name, value } of newRoot.attributes) oldRoot.setAttribute(name, value);
    const [oldVerdict, newVerdict] = [oldRoot.querySelector(".verdict"), newRoot.querySelector(".verdict")];
    if (oldVerdict.innerHTML !== newVerdict.innerHTML) oldVerdict.replaceWith(newVerdict);
    return;
  }
  const place = focusedPlace();
  const restWasOpen = results.querySelector(".rest")?.open;
  keepOrder(fragment, keysOf(results));
  keepCards(fragment);
  const rest = fragment.querySelector(".rest");
  if (rest && restWasOpen) rest.open = true;
  results.replaceChildren(fragment);
  focusAgain(place);
}

// Puts the colleagues beside the answers. Their note says who was shown first.
function showPeople(fragment) {
  const [root, fresh] = [results.querySelector(".columns"), fragment.querySelector(".people")];
  const old = root.querySelector(".people");
  root.removeAttribute("data-people");
  root.dataset.first = fragment.querySelector("[data-first]").dataset.first;
  const [place, hadFocus] = [focusedPlace(), Boolean(old?.contains(document.activeElement))];
  keepCards(fragment);
  old?.remove();
  if (fresh) root.append(fresh);
  focusAgain(place);
  if (hadFocus && !results.contains(document.activeElement)) fields[0].focus(); // who had it is not shown any more
}

// Shows results. While somebody types, the heading waits, and so do results without any answer: the old ones stay.
function showResults(fragment, text) {
  const announce = fragment.querySelector("[data-announce]")?.dataset.announce ?? "";
  if (resting) {
    waiting = null;
    replaceResults(fragment);
    say(announce);
  } else if (fragment.querySelector(".card") || !results.querySelector(".columns")) {
    const isEmpty = !fragment.querySelector(".card");
    if (isEmpty) { // nothing stands there yet, and nothing was found: that is not said in the middle of a word
      waiting = { fragment, announce, text };
      return;
    }
    waiting = { verdict: holdVerdict(fragment), announce };
    replaceResults(fragment);
  } else {
    waiting = { fragment, announce, text };
    return;
  }
  shown(text);
}

function shown(text) {
  shownFor = text;
  form.toggleAttribute("data-searched", Boolean(text));
  sendToTeam.hidden = !text || results.querySelector("[data-door]") !== null;
}

function say(text) {
  if (announcement.textContent !== text) announcement.textContent = text;
}

// Says what was found, when nobody has typed for a while.
function onRest() {
  resting = true;
  if (currentRequest) return;
  if (waiting) sayWhatWasFound();
  askForPeople();
}

function sayWhatWasFound() {
  const { verdict, fragment, announce, text } = waiting;
  waiting = null;
  if (fragment) {
    replaceResults(fragment);
    shown(text);
  } else {
    const old = results.querySelector(".verdict");
    if (old && verdict && old.innerHTML !== verdict.innerHTML) old.replaceWith(verdict);
  }
  say(announce);
}

function copyOfTemplate(id) {
  return document.getElementById(id).content.cloneNode(true);
}

// Shows an error message above the results. The answers to the previous question stay visible.
function showError(templateId) {
  results.querySelector("[data-trouble]")?.remove();
  const notice = copyOfTemplate(templateId);
  say(notice.textContent.trim());
  results.prepend(notice);
}

function errorTemplate(status) {
  if (status === 413) return "too-long";
  if (status === 422) return "other-words";
  if (status === 429) return "too-often";
  return status === 401 ? "signed-out" : "trouble";
}

function showStart() {
  currentRequest?.abort();
  peopleRequest?.control.abort();
  currentRequest = waiting = null;
  lastSearched = null;
  results.removeAttribute("aria-busy");
  resting = true;
  replaceResults(copyOfTemplate("nothing-typed"));
  say("");
  shown(null);
}

async function search(hasRested = false) {
  const text = typedText();
  resting ||= hasRested;
  if (!text) return showStart();
  if (wanted() === lastSearched) return;
  lastSearched = wanted();
  currentRequest?.abort();
  peopleRequest?.control.abort();
  const request = new AbortController();
  currentRequest = request;
  results.setAttribute("aria-busy", "true");
  const body = new FormData(form);
  if (!resting) body.set("people", "later");
  const options = { method: "POST", body, signal: request.signal };
  const began = performance.now();
  try {
    const response = await fetch(form.dataset.suggest, options);
    const answer = response.ok ? await response.text() : "";
    lastTook = performance.now() - began;
    if (currentRequest !== request) return; // a newer question has been sent
    currentRequest = null;
    signedOut = response.status === 401;
    if (response.ok) showResults(document.createRange().createContextualFragment(answer), text);
    else showError(errorTemplate(response.status));
    if (!response.ok) lastSearched = null;
  } catch (error) {
    if (error.name === "AbortError") lastTook = Math.max(lastTook, performance.now() - began); // and would have longer
    if (error.name === "AbortError" || currentRequest !== request) return;
    currentRequest = null;
    lastSearched = null;
    showError("trouble");
  }
  if (!currentRequest) results.removeAttribute("aria-busy");
  askForPeople();
}

function peopleAreMissing() {
  return results.querySelector(".columns")?.dataset.people === "later";
}

// Asks for the colleagues when nobody types and they are missing beside the answers. When that fails, none are shown, and
// the page asks again when the typing rests the next time.
async function askForPeople() {
  const text = typedText();
  if (!resting || currentRequest || !peopleAreMissing() || shownFor !== text || wanted() !== lastSearched) return;
  if (peopleRequest?.text !== text) {
    const control = new AbortController();
    peopleRequest = { text, control, done: fetchPeople(text, control) };
  }
  await peopleRequest.done;
}

async function fetchPeople(text, control) {
  const body = new FormData(form);
  body.set("shown", results.querySelector(".columns").dataset.first);
  const options = { method: "POST", body, signal: control.signal };
  const response = await fetch(form.dataset.people, options).catch(() => null); // the network is away
  const answer = response?.ok ? await response.text().catch(() => "") : "";
  if (peopleRequest?.control === control) peopleRequest = null;
  if (control.signal.aborted || shownFor !== text || !peopleAreMissing()) return; // somebody has typed on
  const fragment = document.createRange().createContextualFragment(answer);
  if (fragment.querySelector("[data-first]")) showPeople(fragment);
  else results.querySelector(".people")?.remove(); // they are those of other answers
  if (response?.status !== 401) return;
  signedOut = true;
  showError(errorTemplate(401));
}

function onInput(event) {
  if (event?.isComposing) return; // an input method has not finished the word
  storeQuestion();
  clearTimeout(searchTimer);
  clearTimeout(restTimer);
  const text = typedText();
  if (!text) return showStart();
  resting = false;
  const wait = pause();
  if (saysEnough(text)) searchTimer = setTimeout(search, wait, wait >= REST);
  restTimer = setTimeout(onRest, Math.max(REST, wait)); // not before the search begins
}

for (const field of fields) {
  field.addEventListener("input", onInput);
  field.addEventListener("compositionend", () => onInput());
}

// Tells the server once that somebody acted on what is shown: pressed Search, opened a colleague's page or sent the
// question to a team. The server then counts the colleague who is shown first; nothing is counted while somebody types.
function countShown(place = results.querySelector("[data-first]")) {
  const first = place?.dataset.first;
  const counted = JSON.stringify([shownFor, first]);
  if (!first || shownFor === null || counted === lastCounted) return;
  lastCounted = counted;
  const data = new FormData();
  data.set("csrf_token", form.elements.csrf_token.value);
  data.set("first", first);
  navigator.sendBeacon(form.dataset.asked, data);
}

function onOpen(event) {
  if (event.target.closest(".person a")) countShown(event.target.closest("[data-first]") ?? undefined);
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

// The address of the page follows a question that was searched for, so that it can be shared and gone back to. The
// server gives long and private questions no address; these are kept in this tab.
function setAddress(replace) {
  const address = results.querySelector("[data-address]")?.dataset.address;
  if (address === undefined) return;
  const wanted = new URL(address || form.dataset.start, location.href).href;
  const title = address ? `${fields[0].value.trim()} · Kollega` : "Kollega";
  if (location.href !== wanted) history[replace ? "replaceState" : "pushState"]({ kept: !address }, "", wanted);
  document.title = title;
}

addEventListener("popstate", () => {
  const asked = new URLSearchParams(location.search).get("q") ?? "";
  const params = new URLSearchParams(location.search);
  for (const field of form.querySelectorAll("[data-filters] :is(select, input)")) {
    if (field.type === "checkbox") field.checked = params.has(field.name);
    else field.value = params.get(field.name) ?? "";
  }
  fillIn(asked ? [asked] : (history.state?.kept && storedQuestion()) || []);
  clearTimeout(searchTimer);
  resting = true;
  document.title = asked ? `${asked} · Kollega` : "Kollega";
  search();
});

form.addEventListener("submit", async (event) => {
  storeQuestion();
  const leaves = event.submitter?.hasAttribute("formaction"); // to another language or the form of a request
  if (leaves && !event.submitter.lang) countShown();
  if (leaves || signedOut) return;
  event.preventDefault();
  clearTimeout(searchTimer);
  clearTimeout(restTimer);
  const text = typedText();
  onRest();
  await search();
  if (shownFor !== text || !text || currentRequest) return;
  setAddress(false);
  await askForPeople();
  if (shownFor === text) countShown();
});

// The arrow keys walk from the field to the answers and back.
function stops() {
  const links = results.querySelectorAll(".answers .card h3 a, .answers .rest > summary, .answers [data-door] .list a");
  return [...links].filter((link) => link.checkVisibility());
}

addEventListener("keydown", (event) => {
  if (event.isComposing || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
  const [field] = fields;
  const all = stops();
  const place = all.indexOf(document.activeElement);
  if (place < 0 && document.activeElement !== field) return;
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    const next = place + step;
    if (next >= all.length || next < -1) return;
    event.preventDefault();
    if (next < 0) field.focus();
    else all[next].focus();
  } else if (event.key === "Escape" && place >= 0) {
    field.focus();
  }
});

// A page that the browser kept and shows again: the question is gone when it was sent meanwhile, or the logo pressed.
addEventListener("pageshow", (event) => {
  if (!event.persisted || !typedText() || storedQuestion()) return;
  fillIn([]);
  showStart();
});

const fromServer = typedText(); // the server has already answered and counted this question
lastSearched = fromServer ? wanted() : null;
shownFor = fromServer || null;
lastCounted = JSON.stringify([shownFor, results.querySelector("[data-first]")?.dataset.first]);
if (fromServer) {
  storeQuestion();
  setAddress(true);
} else {
  const stored = storedQuestion();
  if (stored) {
    fillIn(stored);
    // Who comes back to the page may have another question: typing replaces the old one, which the arrow keys keep.
    const [visit] = performance.getEntriesByType("navigation");
    if (visit?.type === "navigate" && [fields[0], document.body].includes(document.activeElement)) fields[0].select();
  }
}
if (typedText() && wanted() !== lastSearched) search();
