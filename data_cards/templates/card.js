"use strict";
const button = document.getElementById("reveal");
button.hidden = false;
button.addEventListener("click", () => {
  const shown = document.documentElement.classList.toggle("revealed");
  button.setAttribute("aria-pressed", String(shown));
  button.textContent = shown ? "Mask the words again" : "Show the masked words";
});
