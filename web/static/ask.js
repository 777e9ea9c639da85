// Suggestions while someone types: an addition to the form, which works without it.
const PAUSE = 180;
const form = document.getElementById("ask");
const results = document.getElementById("results");
const announce = document.getElementById("announce");
const fields = [form.elements.q, form.elements.body];
let timer = 0;
let running = null;
let last = null;

function typed() {
  return fields.map((field) => field.value.trim()).join("\n").trim();
}

// Cards that stay in the list stay the same elements, so nothing flickers or loses focus.
function show(fragment) {
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
}

function fromTemplate(id) {
  return document.getElementById(id).content.cloneNode(true);
}

async function ask() {
  const text = typed();
  if (text === last) return;
  last = text;
  running?.abort();
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
    if (!answer.ok) throw new Error(answer.status);
    const html = await answer.text();
    if (running !== mine) return; // a newer question is on its way
    show(document.createRange().createContextualFragment(html));
  } catch (error) {
    if (error.name === "AbortError") return;
    last = null;
    show(fromTemplate("trouble"));
  }
  if (running === mine) results.removeAttribute("aria-busy");
}

for (const field of fields) {
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  });
}
form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(timer);
  last = null;
  ask();
});
last = typed() || null;
