// What becomes of suggestions: which were opened goes along with a request; solved is counted, and so is leaving.
const solved = document.getElementById("solved");
const opened = new Set();
let done = false;

function remember(key) {
  if (opened.has(key)) return;
  opened.add(key);
  for (const form of document.querySelectorAll("#ask, form[data-attempts]")) {
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name: "opened", value: key });
    form.append(field);
  }
}

function opening(event) {
  const card = event.target.closest("a")?.closest("[data-item]");
  if (card) remember(card.dataset.key);
}
document.addEventListener("click", opening);
document.addEventListener("auxclick", opening);

solved.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = event.submitter;
  const data = new FormData(solved);
  data.set("item", button.value);
  const answer = await fetch(solved.action, { method: "POST", body: data }).catch(() => null);
  if (!answer?.ok) {
    const item = document.createElement("input");
    Object.assign(item, { type: "hidden", name: "item", value: button.value });
    solved.append(item);
    return solved.submit();
  }
  done = true;
  const thanks = document.createElement("span");
  thanks.className = "thanks";
  thanks.tabIndex = -1;
  thanks.textContent = solved.dataset.thanks;
  button.replaceWith(thanks);
  thanks.focus();
});

for (const form of document.querySelectorAll("#ask, form[data-attempts]")) {
  form.addEventListener("submit", (event) => { if (event.submitter?.hasAttribute("formaction") || form.dataset.attempts) done = true; });
}

// Left after opening something, without filing: a sign that it helped, counted apart from what people say.
addEventListener("pagehide", () => {
  if (done || !opened.size || !solved.dataset.left) return;
  const data = new FormData(solved);
  data.delete("item");
  for (const key of opened) data.append("item", key);
  navigator.sendBeacon(solved.dataset.left, data);
});
