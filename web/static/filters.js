// Searches again as soon as a filter is changed. Without this script the button of the form does it.
const filters = document.querySelector("[data-filters]");
const clear = filters.querySelector("[data-unfilter]");
const fields = [...filters.querySelectorAll("select, input")];

function isOn(field) {
  return field.type === "checkbox" ? field.checked : field.value !== "";
}

function showState() {
  for (const field of fields) field.closest(".chip").classList.toggle("on", isOn(field));
  clear.hidden = !fields.some(isOn);
}

filters.addEventListener("change", () => {
  showState();
  filters.closest("form").requestSubmit();
});

clear.addEventListener("click", (event) => {
  event.preventDefault();
  for (const field of fields) {
    if (field.type === "checkbox") field.checked = false;
    else field.value = "";
  }
  fields[0].focus();
  showState();
  filters.closest("form").requestSubmit();
});

addEventListener("popstate", showState); // ask.js has filled in the fields before
showState(); // the browser may have kept the fields of an earlier visit
