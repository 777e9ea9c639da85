// Puts a box with suggestions into a page of another site:
//   <div data-kollega data-lang="fi" data-label="Kysy kollegoilta"></div>
//   <script type="module" src="https://kollega.example/embed/kollega.js"></script>
// All texts are set as text, never as HTML. The box is a shadow tree, so the styles of the page do not reach into it.
const SERVER = new URL(".", import.meta.url);
const PAUSE = 250; // milliseconds without a key after which the typed text is searched
const TIMES_AS_LONG = 2; // as the last answer took, the pause is at least: fewer are sent while the server is slow
const LONGEST_PAUSE = 1000; // the most that it becomes so
const SHORTEST_QUESTION = 3; // characters
const LABELS = { en: "Ask your colleagues", fi: "Kysy kollegoilta", sv: "Fråga dina kolleger" };
const ERRORS = {
  en: "The answers did not come through.",
  fi: "Vastaukset eivät tulleet perille.",
  sv: "Svaren kom inte fram.",
};
const STYLES = `
  :host {
    display: block;
    font: 16px/1.5 system-ui, sans-serif;
    color-scheme: light dark;
    color: CanvasText;
  }
  label {
    display: block;
    font-weight: 600;
    margin-bottom: .25rem;
  }
  input {
    box-sizing: border-box;
    width: 100%;
    font: inherit;
    padding: .55rem .7rem;
    border: 2px solid #6b7478;
    border-radius: 8px;
    background: Canvas;
    color: CanvasText;
  }
  input:focus-visible, a:focus-visible {
    outline: 3px solid #0f6b66;
    outline-offset: 2px;
  }
  ol {
    list-style: none;
    margin: .5rem 0;
    padding: 0;
    display: grid;
    gap: .5rem;
  }
  li {
    border: 1px solid #b9c0c2;
    border-radius: 8px;
    padding: .6rem .8rem;
    background: Canvas;
  }
  a {
    color: LinkText;
    overflow-wrap: anywhere;
  }
  p {
    margin: .25rem 0 0;
    overflow-wrap: anywhere;
  }
  .facts {
    font-size: .9rem;
  }
  .heading {
    font-weight: 600;
  }`;

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function newTabLink(properties) {
  return element("a", { target: "_blank", rel: "noopener", ...properties });
}

// A line on a suggestion, such as "There is a newer answer:" and the link to it.
function noteLine({ text, link }) {
  const line = element("p", { textContent: link ? `${text} ` : text });
  if (link) line.append(newTabLink({ href: link.url, lang: link.language, textContent: link.title }));
  return line;
}

function suggestionCard(suggestion) {
  const { url, title, excerpt, facts, notes, language } = suggestion;
  const link = newTabLink({ href: url, lang: language, textContent: title });
  const factsLine = element("p", { className: "facts", textContent: facts });
  const excerptLine = element("p", { textContent: excerpt, lang: language });
  return element("li", {}, link, factsLine, ...notes.map(noteLine), excerptLine);
}

function attachBox(place) {
  const language = place.dataset.lang in LABELS ? place.dataset.lang : "en";
  const root = place.attachShadow({ mode: "open" });
  const styles = new CSSStyleSheet();
  styles.replaceSync(STYLES);
  root.adoptedStyleSheets = [styles];
  const input = element("input", { type: "search", id: "q", autocomplete: "off", maxLength: 2000 });
  const heading = element("p", { className: "heading" });
  const hint = element("p");
  const status = element("div", { role: "status" }, heading, hint);
  const list = element("ol");
  const more = element("p");
  const label = element("label", { htmlFor: "q", textContent: place.dataset.label || LABELS[language] });
  root.append(element("div", { lang: language }, label, input, status, list, more));

  let timer = 0;
  let lastTook = 0; // milliseconds that the last answer took, or that it was waited for
  let currentRequest = null; // the AbortController of the newest request to the server
  async function search() {
    currentRequest?.abort();
    const request = new AbortController();
    currentRequest = request;
    const body = new URLSearchParams({ q: input.value, lang: language });
    const options = { method: "POST", body, credentials: "omit", signal: request.signal };
    const began = performance.now();
    try {
      const response = await fetch(new URL("suggest", SERVER), options);
      if (!response.ok) throw new Error(String(response.status));
      const found = await response.json();
      lastTook = performance.now() - began;
      if (request !== currentRequest) return; // a newer question has been sent
      heading.textContent = found.heading;
      hint.textContent = found.hint;
      list.replaceChildren(...found.suggestions.map(suggestionCard));
      more.replaceChildren(newTabLink({ href: found.more.url, textContent: found.more.text }));
    } catch (error) {
      if (error.name === "AbortError") lastTook = Math.max(lastTook, performance.now() - began);
      if (request !== currentRequest || error.name === "AbortError") return;
      heading.textContent = ERRORS[language];
      hint.textContent = "";
    }
  }

  function clear() {
    heading.textContent = hint.textContent = "";
    list.replaceChildren();
    more.replaceChildren();
  }

  input.addEventListener("input", () => {
    clearTimeout(timer);
    currentRequest?.abort();
    const pause = Math.max(PAUSE, Math.min(TIMES_AS_LONG * lastTook, LONGEST_PAUSE));
    if (input.value.trim().length >= SHORTEST_QUESTION) timer = setTimeout(search, pause);
    else clear();
  });
}

for (const place of document.querySelectorAll("[data-kollega]")) attachBox(place);
