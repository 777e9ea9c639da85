// Puts the suggestion box into another page:
//   <div data-kollega data-lang="fi" data-label="Kysy kollegoilta"></div>
//   <script type="module" src="https://kollega.example/embed/kollega.js"></script>
// Texts are set as text, never as HTML, and the page's own styles stay outside.
const SERVER = new URL(".", import.meta.url);
const PAUSE = 250;
const SHORTEST = 3;
const LABELS = { en: "Ask your colleagues", fi: "Kysy kollegoilta" };
const TROUBLE = { en: "The answers did not come through.", fi: "Vastaukset eivät tulleet perille." };
const STYLES = `
  :host { display: block; font: 16px/1.5 system-ui, sans-serif; color-scheme: light dark; color: CanvasText; }
  label { display: block; font-weight: 600; margin-bottom: .25rem; }
  input { box-sizing: border-box; width: 100%; font: inherit; padding: .55rem .7rem; border: 2px solid #6b7478; border-radius: 8px; background: Canvas; color: CanvasText; }
  input:focus-visible, a:focus-visible { outline: 3px solid #0f6b66; outline-offset: 2px; }
  ol { list-style: none; margin: .5rem 0; padding: 0; display: grid; gap: .5rem; }
  li { border: 1px solid #b9c0c2; border-radius: 8px; padding: .6rem .8rem; background: Canvas; }
  a { color: LinkText; overflow-wrap: anywhere; }
  p { margin: .25rem 0 0; overflow-wrap: anywhere; }
  .facts { font-size: .9rem; }`;

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function card(found) {
  const link = element("a", { href: found.url, target: "_blank", rel: "noopener", lang: found.language, textContent: found.title });
  const excerpt = element("p", { textContent: found.excerpt, lang: found.language });
  return element("li", {}, link, element("p", { className: "facts", textContent: found.facts }), excerpt);
}

function attach(place) {
  const language = place.dataset.lang === "fi" ? "fi" : "en";
  const root = place.attachShadow({ mode: "open" });
  const styles = new CSSStyleSheet();
  styles.replaceSync(STYLES);
  root.adoptedStyleSheets = [styles];
  const input = element("input", { type: "search", id: "q", autocomplete: "off", maxLength: 2000 });
  const heading = element("p", { role: "status" });
  const list = element("ol");
  const more = element("p");
  const label = element("label", { htmlFor: "q", textContent: place.dataset.label || LABELS[language] });
  root.append(element("div", { lang: language }, label, input, heading, list, more));

  let timer = 0;
  let running = null;
  async function ask() {
    running?.abort();
    running = new AbortController();
    const mine = running;
    const body = new URLSearchParams({ q: input.value, lang: language });
    try {
      const answer = await fetch(new URL("suggest", SERVER), { method: "POST", body, credentials: "omit", signal: mine.signal });
      if (!answer.ok) throw new Error(String(answer.status));
      const found = await answer.json();
      if (mine !== running) return;
      heading.textContent = found.heading;
      list.replaceChildren(...found.suggestions.map(card));
      more.replaceChildren(element("a", { href: found.more.url, target: "_blank", rel: "noopener", textContent: found.more.text }));
    } catch (error) {
      if (mine === running && error.name !== "AbortError") heading.textContent = TROUBLE[language];
    }
  }
  input.addEventListener("input", () => {
    clearTimeout(timer);
    running?.abort();
    if (input.value.trim().length >= SHORTEST) timer = setTimeout(ask, PAUSE);
    else { heading.textContent = ""; list.replaceChildren(); more.replaceChildren(); }
  });
}

for (const place of document.querySelectorAll("[data-kollega]")) attach(place);
