
for (const paste of document.querySelectorAll(".paste")) {
  const button = document.createElement("button");
  const code = paste.querySelector("code");
  button.type = "button";
  button.textContent = "Copy";
  const told = (word) => {
    button.textContent = word;
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  };
  const select = () => {
    getSelection().selectAllChildren(code);
    told(document.execCommand("copy") ? "Copied" : "Selected");
  };
  button.addEventListener("click", () => {
    const clipboard = navigator.clipboard;
    if (clipboard === undefined) { select(); return; }
    clipboard.writeText(code.textContent).then(() => told("Copied"), select);
  });
  paste.append(button);
  paste.classList.add("copies");
}
const open = () => {
  const there = document.querySelector(":target");
  const details = there === null ? null : there.closest("details");
  if (details !== null) { details.open = true; there.scrollIntoView(); }
};
addEventListener("hashchange", open);
open();
