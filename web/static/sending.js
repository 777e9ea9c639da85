// The form of a new request: who may read it follows the team that is chosen, until the asker chooses that themselves.
const team = document.getElementById("team");
const said = document.getElementById("audience-said");
const choices = [...document.querySelectorAll("input[name=audience]")];
const offeredFor = document.querySelector("input[name=offered_for]");
let chosenByAsker = false;

function follow() {
  const option = team.selectedOptions[0];
  const isPrivate = "private" in option.dataset;
  const isUnknown = !option.value || option.value === "unknown";
  // a choice that was made for an open team is asked again for a private one
  if (chosenByAsker && !isPrivate) return;
  const wanted = isPrivate || isUnknown ? "team" : "everyone";
  for (const choice of choices) choice.checked = choice.value === wanted;
  said.textContent = isPrivate ? said.dataset.private : isUnknown ? said.dataset.unknown : "";
  offeredFor.value = option.value;
}

if (team && said && offeredFor) {
  team.addEventListener("change", follow);
  for (const choice of choices) choice.addEventListener("change", () => { chosenByAsker = true; });
}
