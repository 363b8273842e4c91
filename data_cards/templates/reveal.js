"use strict";
const reveal = document.getElementById("reveal");
reveal.addEventListener("click", () => {
  const open = document.documentElement.classList.toggle("revealed");
  reveal.setAttribute("aria-pressed", String(open));
  reveal.textContent = open ? "Mask the words again" : "Show the masked words";
});
reveal.hidden = false;
