// The field for files: a screenshot that is pasted into a text of the form, or a file that is dropped on it or chosen, is
// uploaded at once and attached when the form is sent. Without this script chosen files go along with the form.
for (const part of document.querySelectorAll(".attach[data-upload]")) start(part);

function start(part) {
  const field = part.querySelector("input[type=file]");
  const { form } = field;
  const list = part.querySelector(".uploaded");
  const said = part.querySelector(".said");
  part.querySelector("[data-pasting]").hidden = false;

  function say(text, name, wrong = true) {
    const fold = part.closest("details");
    if (fold) fold.open = true;
    said.textContent = text.replace("{name}", () => name);
    said.classList.toggle("field-error", wrong);
  }

  // The files that will go along, as checkboxes: taking the tick away leaves a file out.
  function add(file) {
    const label = document.createElement("label");
    const box = Object.assign(document.createElement("input"),
      { type: "checkbox", name: "attachment", value: String(file.id), checked: true });
    const text = document.createElement("span");
    const size = Object.assign(document.createElement("small"), { className: "quiet", textContent: file.size });
    label.className = "choice";
    text.append(`${file.name} `, size);
    label.append(box, text);
    list.append(label);
    list.hidden = false;
  }

  async function upload(file) {
    if (list.querySelectorAll("input:checked").length >= Number(part.dataset.most)) return say(part.dataset.tooMany, "");
    if (file.size > Number(part.dataset.largest)) return say(part.dataset.tooLarge, file.name);
    say(part.dataset.uploading, file.name, false);
    const body = new FormData();
    body.append("files", file, file.name);
    try {
      const answer = await fetch(part.dataset.upload, {
        method: "POST", body, headers: { "X-CSRFToken": form.elements.csrf_token.value },
      });
      const result = await answer.json();
      if (!answer.ok) return say(result.problem ?? part.dataset.failed, file.name);
      result.files.forEach(add);
      return say(part.dataset.uploaded, result.files[0].name, false);
    } catch {
      return say(part.dataset.failed, file.name);
    }
  }

  // One after the other, and the form is sent only when all have arrived.
  let waiting = Promise.resolve();
  let left = 0;
  function uploadAll(files) {
    for (const file of files) {
      left += 1;
      waiting = waiting.then(() => upload(file)).finally(() => { left -= 1; });
    }
  }
  form.addEventListener("submit", (event) => {
    if (!left) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    waiting.then(() => form.requestSubmit(event.submitter));
  }, { capture: true });

  field.addEventListener("change", () => {
    const files = [...field.files];
    field.value = "";
    uploadAll(files);
  });
  form.addEventListener("paste", (event) => {
    const files = [...event.clipboardData.files];
    if (!files.length || event.clipboardData.types.includes("text/plain")) return; // copied cells are a picture too
    event.preventDefault();
    uploadAll(files);
  });
  form.addEventListener("dragover", (event) => { if (event.dataTransfer.types.includes("Files")) event.preventDefault(); });
  form.addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    uploadAll([...event.dataTransfer.files]);
  });
}
