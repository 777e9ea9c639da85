// Suggestions while someone types: an addition to the form, which works without it.
const PAUSE = 180;
const KEPT = "kollega-question";
const LONG = 300;
const form = document.getElementById("ask");
const results = document.getElementById("results");
const announce = document.getElementById("announce");
const send = document.getElementById("send");
const fields = [form.elements.q, form.elements.body];
let timer = 0;
let running = null;
let last = null;
let counted = null;

function typed() {
  return fields.map((field) => field.value.trim()).join("\n").trim();
}

// What is typed stays over a reload and the way back, in this tab only, and never for whoever signs in next.
function keep() {
  const kept = { whose: document.body.dataset.whose, values: fields.map((field) => field.value) };
  if (typed()) sessionStorage.setItem(KEPT, JSON.stringify(kept));
  else sessionStorage.removeItem(KEPT);
}

function restore() {
  const kept = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  if (!kept || typed()) return;
  if (kept.whose && kept.whose !== document.body.dataset.whose) return sessionStorage.removeItem(KEPT);
  fields.forEach((field, n) => { field.value = kept.values[n]; });
  if (kept.values[1]) form.querySelector(".more").open = true;
}

// Where the cursor is among the results, so that it can be put back when its card is made anew.
function focused() {
  const element = document.activeElement;
  const card = results.contains(element) ? element.closest("[data-key]") : null;
  if (!card) return null;
  const all = [...card.querySelectorAll("a, button, summary")];
  return { key: card.dataset.key, at: all.indexOf(element) };
}

// Cards that stay in the list stay the same elements, so nothing flickers or loses focus.
function show(fragment) {
  const where = focused();
  const before = new Map([...results.querySelectorAll("[data-key]")].map((card) => [card.dataset.key, card]));
  const wasOpen = results.querySelector(".rest")?.open;
  for (const card of fragment.querySelectorAll("[data-key]")) {
    const known = before.get(card.dataset.key);
    if (known && known.innerHTML === card.innerHTML) card.replaceWith(known);
  }
  const rest = fragment.querySelector(".rest");
  if (rest && wasOpen) rest.open = true;
  const text = fragment.querySelector("[data-announce]")?.dataset.announce ?? "";
  results.replaceChildren(fragment);
  announce.textContent = text;
  if (where && !results.contains(document.activeElement)) {
    const card = [...results.querySelectorAll("[data-key]")].find((each) => each.dataset.key === where.key);
    card?.querySelectorAll("a, button, summary")[where.at]?.focus();
  }
}

function fromTemplate(id) {
  return document.getElementById(id).content.cloneNode(true);
}

// Good answers stay when a later question does not come through; a line above them says so.
function trouble(id) {
  results.querySelector("[data-trouble]")?.remove();
  const notice = fromTemplate(id);
  announce.textContent = notice.textContent.trim();
  results.prepend(notice);
}

async function ask() {
  const text = typed();
  if (text === last) return;
  last = text;
  running?.abort();
  send.hidden = !text;
  if (!text) {
    results.removeAttribute("aria-busy");
    show(fromTemplate("nothing-typed"));
    return;
  }
  const mine = new AbortController();
  running = mine;
  results.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.dataset.suggest, { method: "POST", body: new FormData(form), signal: mine.signal });
    if (running !== mine) return; // a newer question is on its way
    if (answer.ok) show(document.createRange().createContextualFragment(await answer.text()));
    else trouble(answer.status === 413 ? "too-long" : answer.status === 401 ? "signed-out" : "trouble");
    if (!answer.ok) last = null;
  } catch (error) {
    if (error.name === "AbortError" || running !== mine) return;
    last = null;
    trouble("trouble");
  }
  if (running === mine) results.removeAttribute("aria-busy");
}

function changed() {
  keep();
  clearTimeout(timer);
  timer = setTimeout(ask, PAUSE);
}

for (const field of fields) field.addEventListener("input", changed);

// A question that somebody acts on (asks, opens a colleague, sends it) counts for the colleague shown first, once.
function act() {
  const text = typed();
  if (!text || text === counted) return;
  counted = text;
  navigator.sendBeacon(form.dataset.asked, new FormData(form));
}

function opening(event) {
  if (event.target.closest(".person a")) act();
}
results.addEventListener("click", opening);
results.addEventListener("auxclick", opening);

// A log or a letter pasted into the one-line field goes where there is room for it, whole.
form.elements.q.addEventListener("paste", (event) => {
  const text = event.clipboardData.getData("text/plain").trim();
  const [title, body] = fields;
  if (title.value.trim() || (text.length <= LONG && !text.includes("\n"))) return;
  event.preventDefault();
  title.value = text.split("\n")[0].slice(0, 200);
  body.value = [body.value, text].filter(Boolean).join("\n");
  form.querySelector(".more").open = true;
  changed();
});

form.addEventListener("submit", (event) => {
  keep();
  if (!event.submitter?.lang) act();
  if (event.submitter?.hasAttribute("formaction")) return; // another page: a request, another language
  event.preventDefault();
  clearTimeout(timer);
  last = null;
  ask();
});

last = counted = typed() || null; // what the page came with
restore();
if (typed() && typed() !== last) ask();
