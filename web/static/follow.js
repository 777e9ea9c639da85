// Shows how far a job is: fetches the page again every two seconds and puts its part in place, until nothing runs any
// more. The header lets the server leave out what takes long and is not followed. Without this script the page shows the same when it is loaded again.
const PAUSE = 2000;

async function follow(part) {
  const answer = await fetch(location.href, { headers: { Accept: "text/html", "X-Followed": "1" } });
  if (!answer.ok) return part;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById(part.id);
  if (!fresh) return part;
  const focused = part.contains(document.activeElement);
  if (focused) return part; // the button that somebody is about to press stays where it is
  part.replaceWith(fresh);
  return fresh;
}

let part = document.querySelector("[data-follow]");

async function look() {
  try {
    part = await follow(part);
  } catch {
    // the server is away for a moment
  }
  if (part.hasAttribute("data-follow")) setTimeout(look, PAUSE);
}

if (part) setTimeout(look, PAUSE);
