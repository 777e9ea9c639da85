// The keys of the queue and of a request's page: an addition to links, buttons and forms, which work without it.
const OFF = "kollega-keys-off";
const body = document.querySelector("#reply-form textarea");
const toggle = document.getElementById("keys-off");

function cards() {
  return [...document.querySelectorAll("[data-card], [data-row]")].filter((card) => card.getClientRects().length);
}

function chosen() {
  return document.activeElement?.closest("[data-card], [data-row]") ?? null;
}

function choose(step) {
  const all = cards();
  const at = all.indexOf(chosen());
  const next = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : at + step];
  if (!next) return;
  const target = next.matches("[data-row]") ? next.querySelector("a") : next;
  target.focus();
  next.scrollIntoView({ block: "nearest" });
}

// The text goes where the cursor is; the browser's own undo takes it back.
function insert(text) {
  body.focus();
  const apart = body.selectionStart > 0 && !body.value.slice(0, body.selectionStart).endsWith("\n\n") ? "\n\n" : "";
  if (!document.execCommand("insertText", false, apart + text)) body.setRangeText(apart + text, body.selectionStart, body.selectionEnd, "end");
}

function press(name) {
  const card = chosen();
  if (!card?.matches("[data-card]")) return false;
  if (name === "preview" || name === "flag") {
    const part = card.querySelector(`[data-${name}]`);
    if (!part) return false;
    part.open = !part.open;
    if (part.open && name === "flag") part.querySelector("input[name=note]").focus();
    return true;
  }
  const button = card.querySelector(`[data-act="${name}"]`);
  button?.click();
  return Boolean(button);
}

function open() {
  const card = chosen();
  if (!card?.matches("[data-card]") || document.activeElement !== card) return false;
  card.querySelector("[data-open]").click();
  return true;
}

const KEYS = {
  "?": () => go("keysPage"),
  g: () => go("queue"),
  "/": () => {
    const words = document.querySelector(".filters input[name=words]");
    if (words) words.focus();
    else go("ask");
  },
  j: () => choose(1),
  k: () => choose(-1),
  Enter: open,
  o: () => press("preview"),
  c: () => press("answer"),
  q: () => press("quote"),
  l: () => press("link"),
  u: () => press("used"),
  f: () => press("flag"),
  r: () => body?.focus(),
  d: () => document.querySelector("[data-draft]")?.click(),
};

function go(where) {
  const address = document.body.dataset[where];
  if (address) window.location.assign(address);
}

function writing(target) {
  return target.closest("input, textarea, select, [contenteditable]");
}

document.addEventListener("keydown", (event) => {
  if (event.target === body && event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    const name = event.shiftKey ? "resolve" : "reply";
    const button = body.form.querySelector(`[data-send="${name}"]`);
    if (button) body.form.requestSubmit(button);
    return;
  }
  if (event.key === "Escape" && writing(event.target)) {
    const card = event.target.closest("[data-card]");
    if (card) card.focus();
    else event.target.blur();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || writing(event.target)) return;
  if (localStorage.getItem(OFF) && event.key !== "Enter") return;
  const act = KEYS[event.key];
  if (act && act() !== false) event.preventDefault();
});

// What may be read by all who read the request goes in at once; the rest takes the way over the server, which warns.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-text]");
  if (!button || !body) return;
  event.preventDefault();
  insert(button.dataset.text);
});

// What was typed outlives the page's other buttons (give, move, flag), and goes with the reply.
const KEPT = `kollega-reply ${document.body.dataset.whose} ${window.location.pathname}`;
let sending = false;
if (body) {
  if (!body.value) body.value = sessionStorage.getItem(KEPT) ?? "";
  body.form.addEventListener("submit", (event) => { sending = event.submitter?.hasAttribute("data-send") ?? true; });
  addEventListener("pagehide", () => {
    if (sending || !body.value) sessionStorage.removeItem(KEPT);
    else sessionStorage.setItem(KEPT, body.value);
  });
}

if (toggle) {
  toggle.checked = Boolean(localStorage.getItem(OFF));
  toggle.addEventListener("change", () => {
    if (toggle.checked) localStorage.setItem(OFF, "1");
    else localStorage.removeItem(OFF);
  });
}
