// Keyboard shortcuts of the queue and of a request's page. They press links, buttons and forms that work without them.
const OFF = "kollega-keys-off"; // the name in localStorage that turns single keys off in this browser
const replyText = document.querySelector("#reply-form textarea");
const offCheckbox = document.getElementById("keys-off");

const INSERTS = new Set(["answer", "quote", "link"]);

// What the keys j and k move between: the visible suggestions beside a request, or the rows of the queue.
function visibleCards() {
  return [...document.querySelectorAll("[data-card], [data-row]")].filter((card) => card.getClientRects().length);
}

function selectedCard() {
  return document.activeElement?.closest("[data-card], [data-row]") ?? null;
}

function selectCard(step) {
  const cards = visibleCards();
  const index = cards.indexOf(selectedCard());
  const next = cards[index < 0 ? (step > 0 ? 0 : cards.length - 1) : index + step];
  if (!next) return;
  const target = next.matches("[data-row]") ? next.querySelector("a[href]") : next;
  target.focus();
  next.scrollIntoView({ block: "nearest" });
}

// Does what a key stands for on the selected card; false when there is no such card or button.
function pressOnCard(name) {
  // without a selected card, the first one that has an answer to copy
  const first = INSERTS.has(name) ? document.querySelector(`.panel [data-card]:has([data-act="${name}"])`) : null;
  const card = selectedCard() ?? first;
  if (!card?.matches("[data-card]")) return false;
  if (name === "preview" || name === "flag") {
    const details = card.querySelector(`[data-${name}]`);
    if (!details) return false;
    details.open = !details.open;
    if (details.open && name === "flag") details.querySelector("input[name=note]").focus();
    return true;
  }
  const button = card.querySelector(`[data-act="${name}"]`);
  button?.click();
  return Boolean(button);
}

function openCard() {
  const card = selectedCard();
  if (!card?.matches("[data-card]") || document.activeElement !== card) return false;
  card.querySelector("[data-open]").click();
  return true;
}

function goTo(page) {
  const address = document.body.dataset[page];
  if (address) window.location.assign(address);
}

function focusSearch() {
  const words = document.querySelector(".filters input[name=words]");
  if (words) words.focus();
  else goTo("ask");
}

// Takes the selected request of the queue, or the first one when none is selected, or the request of this page.
function take() {
  const row = selectedCard() ?? document.querySelector("[data-row]");
  const button = (row?.matches("[data-row]") ? row : document).querySelector('[data-act="take"]');
  button?.click();
  return Boolean(button);
}

function press(selector) {
  const element = document.querySelector(selector);
  element?.click();
  return Boolean(element);
}

function chooseRow() {
  const box = selectedCard()?.querySelector("input[type=checkbox]");
  box?.click();
  return Boolean(box);
}

const ACTIONS = {
  "?": () => goTo("keysPage"),
  g: () => goTo("queue"),
  "/": focusSearch,
  j: () => selectCard(1),
  k: () => selectCard(-1),
  Enter: openCard,
  o: () => pressOnCard("preview"),
  c: () => pressOnCard("answer"),
  q: () => pressOnCard("quote"),
  l: () => pressOnCard("link"),
  u: () => pressOnCard("used"),
  f: () => pressOnCard("flag"),
  r: () => replyText?.focus(),
  a: take,
  n: () => press("[data-next]"),
  z: () => press('[data-act="undo"]'),
  x: chooseRow,
  d: () => document.querySelector("[data-draft]")?.click(),
};

function isField(element) {
  return element.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
}

document.addEventListener("keydown", (event) => {
  if (event.target === replyText && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    const name = event.shiftKey ? "resolve" : "reply";
    const button = replyText.form.querySelector(`[data-send="${name}"]`);
    if (button) replyText.form.requestSubmit(button);
    return;
  }
  if (event.key === "Escape" && isField(event.target)) {
    const card = event.target.closest("[data-card]");
    if (card) card.focus();
    else event.target.blur();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || isField(event.target)) return;
  if (localStorage.getItem(OFF) && event.key !== "Enter") return;
  const action = ACTIONS[event.key];
  if (action && action() !== false) event.preventDefault();
});

if (offCheckbox) {
  offCheckbox.checked = Boolean(localStorage.getItem(OFF));
  offCheckbox.addEventListener("change", () => {
    if (offCheckbox.checked) localStorage.setItem(OFF, "1");
    else localStorage.removeItem(OFF);
  });
}
